"""Routes: which requests go where, and what may happen to them on the way."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from devgate.model.caching import CacheSpec, cache_short
from devgate.model.expression import MARK, BadExpression, PathExpression
from devgate.model.middleware import (
    CompressSpec,
    CookieSpec,
    FaultSpec,
    HeaderEditsSpec,
    LimitSpec,
    compress_short,
)
from devgate.model.resilience import (
    FallbackSpec,
    HedgeSpec,
    Percent,
    RetrySpec,
    StickySpec,
    hedge_short,
    retry_short,
    sticky_short,
)
from devgate.model.spec import Spec
from devgate.model.timeouts import OwnTimeouts
from devgate.model.units import BodyLimit, Duration, Expected, one_or_many


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _route_path(path: str) -> str:
    """Every path that compiles, and no other.

    Raises:
        ValueError: which segment is wrong and how it is written.
    """
    if path.startswith(MARK):
        try:
            PathExpression(path)
        except BadExpression as fault:
            raise ValueError(f"the regular expression is refused: {fault}") from None
        return path
    segments = path.split("/")[1:]
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if not segment and not last:
            raise ValueError("two slashes in a row never match; write one")
        if segment in (".", ".."):
            raise ValueError(f"{segment} never matches: requests with such segments are refused")
        if "*" in segment and segment != "*":
            raise ValueError("* stands alone: for one segment, as in /api/*/files, or at the end for everything below")
        if segment == "*" and segments[index + 1 :] == [""]:
            raise ValueError(
                "a slash after the last * says nothing; write /* for everything below, {name} for one segment"
            )
        if re.search(r"[{}]", segment) and not re.fullmatch(r"\{[A-Za-z_]\w*\}", segment):
            raise ValueError(
                f"{segment} is not a parameter; {{name}} stands for a whole segment, as in /api/chat/{{id}}"
            )
    return path


Method = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z][A-Z-]*$"),
    BeforeValidator(_upper),
    Expected("a method such as GET"),
]
RoutePath = Annotated[
    str,
    StringConstraints(pattern=r"^(/[^?#\s\x00-\x1f\x7f]*|~[^\s\x00-\x1f\x7f]*)$"),
    AfterValidator(_route_path),
    Expected("a path that starts with / and has no space, ? or #; or a regular expression that starts with ~/"),
]


class RouteSpec(Spec):
    """One line of the routing table. Of several that match, `gateway.table` says which wins and why."""

    path: RoutePath
    """What the request's path must look like: `/api/users` exactly (a trailing slash is ignored), `/api/chat/{id}` with one
    segment in place of `{id}`, `/api/*/log` with one in place of `*`, `/api/files/*` with everything at and below `/api/files`.
    What begins with `~` is a regular expression for the whole path, decoded (an encoded slash stays `%2F`), as in
    `~/api/v[0-9]+/.*`; it is asked where no other path of the same priority matches. It knows characters, `.`, classes, groups,
    `|`, `?`, `*`, `+` and `{2,4}`, and takes time in proportion to the path, whatever it says."""
    service: str
    """Name of the service that answers."""
    methods: Annotated[
        tuple[Method, ...], BeforeValidator(one_or_many, json_schema_input_type=Method | list[Method])
    ] = ()
    """Methods that match; empty means all. `GET` includes `HEAD`."""
    hosts: Annotated[tuple[str, ...], BeforeValidator(one_or_many, json_schema_input_type=str | list[str])] = ()
    """Host names that match; empty means all. `*.example.test` matches one or more labels."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Request headers that must be present with exactly this value; `*` means any value."""
    priority: int = 0
    """Larger wins before anything else is compared."""
    name: str = ""
    """How the screen and the logs call it; default: what it matches."""
    strip_prefix: bool = False
    """Take the literal segments that `path` begins with away before forwarding; implies that everything below `path` matches, but
    for a regular expression, which says itself what does."""
    host_header: Annotated[
        str,
        StringConstraints(pattern=r"^([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$"),
        Expected('"upstream", "preserve" or a host name, perhaps with a port'),
    ] = "upstream"
    """What the service is called in `Host`: by its own address, as development servers want it (`upstream`); as the client calls
    the gateway (`preserve`); or by this name. What the client said is in `X-Forwarded-Host` in any case."""
    stream: bool = False
    """Long-lived answers (SSE, long polls): no response timeouts, cut instead of awaited when the service restarts."""
    timeout: OwnTimeouts = None
    """How long the phases of a request may take; a duration alone is until the response head. What is not said here the service
    says, else `gateway.timeouts`."""
    max_body: BodyLimit | None = None
    """Bytes that a request's body may have, else 413; default: `gateway.max_body`."""
    hold: Duration | None = None
    """How long a request waits for a service that is coming back; default: `gateway.hold`, or `gateway.hold_unmanaged` where
    devgate does not run it."""
    retry: Annotated[
        RetrySpec | None,
        BeforeValidator(retry_short, json_schema_input_type=RetrySpec | int | None),
        Expected("a number of further attempts, a map"),
    ] = None
    """Try again where the service fails; a number is how often."""
    hedge: Annotated[
        HedgeSpec | None,
        BeforeValidator(hedge_short, json_schema_input_type=HedgeSpec | str | None),
        Expected("a duration such as 500ms, a map"),
    ] = None
    """Ask a second time where the first answer is late; a duration is after how long."""
    split: dict[str, Percent] = Field(default_factory=dict)
    """Other services that get a share of the requests, in percent; the rest goes to `service`."""
    sticky: Annotated[
        StickySpec | None,
        BeforeValidator(sticky_short, json_schema_input_type=StickySpec | bool | str | None),
        Expected("true, the name of a cookie, a map"),
    ] = None
    """Keep each client at its instance and its side of `split`; a text is the cookie's name."""
    fallback: FallbackSpec | None = None
    """What is done where the service has no answer."""
    cache: Annotated[
        CacheSpec | None,
        BeforeValidator(cache_short, json_schema_input_type=CacheSpec | bool | str | None),
        Expected("true, a duration such as 5m, a map"),
    ] = None
    """Keep answers and give them again; a duration is how long those are fresh that do not say so themselves."""
    limits: tuple[LimitSpec, ...] = ()
    """How many requests it takes, beside the limits of the gateway."""
    request_headers: HeaderEditsSpec = Field(default_factory=HeaderEditsSpec)
    """Changes to what the service is told."""
    response_headers: HeaderEditsSpec = Field(default_factory=HeaderEditsSpec)
    """Changes to what the client is told."""
    cookies: CookieSpec = Field(default_factory=CookieSpec)
    """Changes to the cookies that the service sets."""
    security_headers: bool = True
    """Whether answers get the usual security headers that the service has not sent itself."""
    compress: Annotated[
        CompressSpec | None, BeforeValidator(compress_short, json_schema_input_type=CompressSpec | bool | None)
    ] = None
    """Compress answers; `true` for the usual settings."""
    fault: FaultSpec | None = None
    """What is to go wrong with its requests."""

    @property
    def id(self) -> str:
        """What identifies the route in stats, logs and plans."""
        headers = [f"{name}={value}" for name, value in self.headers.items()]
        return self.name or " ".join(filter(None, ["|".join(self.methods), *self.hosts, self.path, *headers]))
