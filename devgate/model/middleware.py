"""What a profile may have done to the requests and answers of a route on their way."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from devgate.model.fault import Fault
from devgate.model.spec import Spec
from devgate.model.units import Duration, Expected, Size, one_or_many

Values = Annotated[tuple[str, ...], BeforeValidator(one_or_many, json_schema_input_type=str | list[str])]


def compress_short(value: Any) -> Any:
    """`compress: true`."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        value = value.lower() == "true"
    if isinstance(value, bool):
        return {} if value else None
    return value


class HeaderEditsSpec(Spec):
    """Changes to the header fields of one direction: taken away, then set, then added."""

    remove: Values = ()
    """Names of fields that are taken away."""
    set: dict[str, str] = Field(default_factory=dict)
    """Fields that are sent with this value and no other."""
    add: dict[str, Values] = Field(default_factory=dict)
    """Fields that are sent as well; several values with a list."""


class CookieSpec(Spec):
    """What becomes of the cookies that a service sets. What is not named stays as it is."""

    domain: str | None = None
    """Their `Domain`; empty takes it away, so that they belong to whatever name the client uses."""
    path: Annotated[str, StringConstraints(pattern=r"^/[^;\x00-\x20\x7f]*$")] | None = None
    """Their `Path`."""
    prefix: Annotated[
        str,
        StringConstraints(pattern=r"^(/[^;\x00-\x20\x7f]*[^/;\x00-\x20\x7f])?$"),
        Expected("a path without a slash at its end"),
    ] = ""
    """What comes before their `Path`, such as the prefix that `strip_prefix` takes away."""
    secure: bool | None = None
    """Whether they have `Secure`."""
    same_site: Literal["Strict", "Lax", "None"] | None = None
    """Their `SameSite`."""


class CompressSpec(Spec):
    """Compression of answers, where the client takes it and it is worth it; never of event streams."""

    least: Size = 1024
    """Smaller bodies are left alone, where their size is known."""
    level: Annotated[int, Field(ge=1, le=9)] = 5
    """From 1, fast, to 9, small."""
    codings: Annotated[
        tuple[Literal["gzip", "br", "zstd"], ...], BeforeValidator(one_or_many, json_schema_input_type=str | list[str])
    ] = ("gzip", "br", "zstd")
    """What may be used: what the client likes best (`q`), and of what it likes equally the first here. `br` and `zstd` only where
    they are installed (`pip install 'devgate[compression]'`)."""


class LimitSpec(Spec):
    """So many requests within a sliding window."""

    by: Literal["ip", "user", "endpoint", "global"]
    """Who or what is counted: each client address (IPv6 by /64), each user (who is not known: his address), each method of the
    path, or all requests together."""
    limit: Annotated[int, Field(ge=1)]
    """How many."""
    window: Duration = 60.0
    """Within how long."""
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{0,64}$"), Expected("a short name")] = ""
    """How headers and refusals call it; default: `per_ip`, `per_user`, `per_endpoint` or `global`."""
    path: str | None = None
    """Only requests whose path looks like this count, written as a route's `path`; of a route's own limits: all of its
    requests."""

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name or ("global" if self.by == "global" else f"per_{self.by}")


class LimitsSpec(Spec):
    """Limits for the whole gateway, and how all limits work (SEMANTICS 3.6)."""

    rules: tuple[LimitSpec, ...] = ()
    """They count all requests, whatever their route; routes may have further `limits`."""
    mode: Literal["report", "enforce"] | None = None
    """Whether a request too many is only told of in headers, or refused with 429; default: `report` in a profile that is
    called `development`, else `enforce`."""
    reset_format: Literal["unix", "delta"] = "unix"
    """What `X-RateLimit-Reset` says: seconds since 1970, as most clients read it, or seconds from now."""


class FaultSpec(Spec):
    """A fault that is on from the start: what a front end does about a slow or failing service can be tried without one.
    `devgate faults` sets and clears them while it runs."""

    latency: Duration = 0.0
    """How long a request waits before it goes on."""
    status: Annotated[int, Field(ge=400, le=599), Expected("a status from 400 to 599")] | None = None
    """What devgate answers instead of the service."""
    cut: Size | None = None
    """After so many bytes of the answer's body the connection is reset."""
    throttle: Size | None = None
    """Bytes a second that the answer may have."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the requests that it happens to."""
    count: bool = True
    """Whether the service's breaker takes it for the service's failure."""
    lasts: Duration | None = None
    """How long after the profile was taken over it ends by itself; default: it does not."""

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        self.fault()
        return self

    def fault(self) -> Fault:
        """The same as a plain value."""
        return Fault(
            latency_s=self.latency,
            status=self.status or 0,
            cut_bytes=self.cut,
            throttle=self.throttle or 0,
            share=self.share,
            count=self.count,
        )
