"""What a route says about attempts that fail: another try, another instance, another service, an answer in place of one."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from devgate.model.spec import Spec
from devgate.model.units import Duration, Expected, Size, one_or_many

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def retry_short(value: Any) -> Any:
    """`retry: 3` is the number of further attempts."""
    is_number = (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and value.isdecimal()
    )
    return {"attempts": value} if is_number else value


def hedge_short(value: Any) -> Any:
    """`hedge: 500ms` is the pause before the second attempt."""
    return {"after": value} if isinstance(value, str) else value


def sticky_short(value: Any) -> Any:
    """`sticky: true` takes the usual cookie, `sticky: name` another one."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        value = value.lower() == "true"
    if isinstance(value, bool):
        return {} if value else None
    return {"cookie": value} if isinstance(value, str) else value


def _name_of(what: str) -> AfterValidator:
    def check(name: str) -> str:
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a {what}")
        return name

    return AfterValidator(check)


Status = Annotated[int, Field(ge=400, le=599), Expected("a status from 400 to 599")]
Percent = Annotated[float, Field(ge=0, le=100), Expected("a share from 0 to 100, in percent")]


class RetrySpec(Spec):
    """Try again where a service fails before the first byte of its answer is passed on: connection refused or lost, too slow for
    `per_try`, or one of `statuses`. GET, HEAD, OPTIONS, PUT and DELETE, and whatever carries an `Idempotency-Key`; other methods
    only if the service cannot have seen them. Another instance is preferred; at most a fifth of a service's requests may be
    retries (but always three). A route without it tries nothing again, so that faults stay visible; what a restart has done to a
    request is undone in any case."""

    attempts: Annotated[int, Field(ge=0, le=10)] = 1
    """How many further attempts."""
    statuses: tuple[Status, ...] = (502, 503, 504)
    """Answers that are tried again; the last one is passed on. A `Retry-After` up to two seconds is obeyed; a longer one ends
    it. 429 is tried again only where there is one."""
    pause: Duration = 0.025
    """The longest pause before the first further attempt. It doubles with each, up to ten times this; the pause taken is a random
    part of it, so that many clients do not come back at once."""
    per_try: Duration | None = None
    """How long one attempt may take until the response head; no further attempt begins after the route's
    `timeout.response`."""
    any_method: bool = False
    """Also send POST and PATCH again, although the service may have acted on them. Only for services that notice repetitions."""
    body: Size = 64 * 2**10
    """Request bodies up to this size are kept for another attempt; larger ones get none."""


class HedgeSpec(Spec):
    """Ask a second time where the first answer is late, and take whichever comes first. Only GET and HEAD; counts as a retry."""

    after: Duration | Literal["p95"] = 1.0
    """When: after so long, or `p95`: when the first attempt takes longer than 95 % of the last minute's requests did."""


class StickySpec(Spec):
    """The same client keeps to the same instance, and to the same side of a `split`, as long as that is there."""

    cookie: Annotated[str, _name_of("cookie")] = "devgate_variant"
    """Name of the cookie that remembers it."""
    header: Annotated[str, _name_of("header")] | None = None
    """Decide by the value of this request header instead, where there is one; no cookie is set then. For pages whose cookies do
    not reach the gateway, as those of a packaged Tauri app."""
    life: Duration | None = None
    """How long the browser keeps the cookie; default: until it is closed."""


class FixedAnswerSpec(Spec):
    """An answer that is written here."""

    status: Annotated[int, Field(ge=200, le=599)] = 200
    """Its status."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Its headers, beside length, type and CORS."""
    body: Any = ""
    """A string is sent as text, anything else as JSON."""


class FallbackSpec(Spec):
    """What is done where the service has no answer: it cannot be reached, its breaker is open, it is stopped or takes too long,
    or it answers one of `statuses`. First another instance of the same service, where there is one; then the other services, in
    their order; then a kept answer (`cache.stale_if_error`); then `answer`. A service that is coming back is waited for first, as
    long as `hold` says; with `hold: 0s` it is not."""

    services: Annotated[tuple[str, ...], BeforeValidator(one_or_many, json_schema_input_type=str | list[str])] = ()
    """Services that are asked instead."""
    statuses: tuple[Status, ...] = (502, 503, 504)
    """Answers of a service that count as none."""
    answer: FixedAnswerSpec | None = None
    """What is answered where nothing else helps."""
