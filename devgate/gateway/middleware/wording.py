"""What is done to a route's requests and answers on their way, in words: for `devgate routes explain`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.gateway.middleware.codings import offered
from devgate.gateway.middleware.limits import enforced
from devgate.gateway.table import path_pattern
from devgate.gateway.wording import recourse_told
from devgate.model.service import BreakerSpec
from devgate.model.units import format_duration, format_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from devgate.model.middleware import CookieSpec, HeaderEditsSpec, LimitSpec
    from devgate.model.profile import Profile
    from devgate.model.route import RouteSpec
    from devgate.model.snapshot import FaultRow
    from devgate.model.timeouts import Limit


def told(spec: RouteSpec, path: bytes, profile: Profile, faults: Sequence[FaultRow] | None = None) -> tuple[str, ...]:
    """A line for each thing that is done to a request for the raw `path` beyond forwarding, in the order of doing.

    Args:
        faults: those that are on; None: nothing runs, and the profile's word counts.
    """
    lines = [
        *_size(profile.max_body(spec)),
        *_limits(spec, path, profile),
        *_host(spec.host_header),
        *_edits("the service is told", spec.request_headers),
        *_fault(spec, faults),
        *_hold(spec, profile),
        *_breaker(spec, profile),
        _timeouts(spec, profile),
        *recourse_told(spec, profile),
        *_compression(spec),
        *_cookies(spec.cookies),
        *_edits("the client is told", spec.response_headers),
        *([] if spec.security_headers else ["no security headers are added"]),
    ]
    return tuple(lines)


def _size(limit: int | None) -> Iterator[str]:
    if limit is not None:
        yield f"bodies of requests may have {format_size(limit)}"


def _limits(spec: RouteSpec, path: bytes, profile: Profile) -> Iterator[str]:
    how = "" if enforced(profile) else ", only told of"

    def line(rule: LimitSpec) -> str:
        return f"limit {rule.title}: {rule.limit} in {format_duration(rule.window)}{how}"

    for rule in profile.gateway.limits.rules:
        if rule.path is None or path_pattern(rule.path)(path):
            yield line(rule)
    yield from map(line, spec.limits)


def _host(host: str) -> Iterator[str]:
    if host != "upstream":
        yield "the service is called as the gateway is" if host == "preserve" else f"the service is called {host}"


def _edits(who: str, spec: HeaderEditsSpec) -> Iterator[str]:
    parts = [*(f"{name}: {value}" for name, value in spec.set.items())]
    parts += [f"{name}: {value} as well" for name, values in spec.add.items() for value in values]
    parts += [f"nothing of {name}" for name in spec.remove]
    if parts:
        yield f"{who} {', '.join(parts)}"


def _fault(spec: RouteSpec, faults: Iterable[FaultRow] | None) -> Iterator[str]:
    if faults is not None:
        for row in faults:
            if row.route == spec.id:
                left = "" if row.left_s is None else f", for {format_duration(round(row.left_s))} more"
                yield f"fault: {row.words}{left}"
    elif spec.fault is not None:
        yield f"fault: {spec.fault.fault().words}"


def _hold(spec: RouteSpec, profile: Profile) -> Iterator[str]:
    if held := profile.hold(spec):
        yield f"held for up to {format_duration(held)} while {spec.service} is coming back"


def _breaker(spec: RouteSpec, profile: Profile) -> Iterator[str]:
    service = profile.services.get(spec.service)
    breaker = BreakerSpec() if service is None else service.breaker
    if breaker.enabled:
        when = f"{breaker.failures} failures in a row"
        if breaker.mode == "rate":
            window, least = format_duration(breaker.window), breaker.min_calls
            when = f"{breaker.ratio:.0%} of {least} and more calls in {window} that fail".replace("%", " %")
        yield f"breaker: {when} open it for {format_duration(breaker.open)}"


def _timeouts(spec: RouteSpec, profile: Profile) -> str:
    times = profile.timeouts(spec)
    default = "" if times.connect.source else "connect 2s here and 10s elsewhere"
    connect = default or _limit("connect", times.connect)
    if spec.stream:
        return f"timeouts: {connect}, none after that: it is a stream"
    others = (("response", times.response), ("idle", times.idle), ("total", times.total))
    return f"timeouts: {', '.join([connect, *(_limit(phase, limit) for phase, limit in others)])}"


def _limit(phase: str, limit: Limit) -> str:
    """With who says so, where it is nearer than the gateway."""
    time = "off" if limit.seconds is None else format_duration(limit.seconds)
    return f"{phase} {time}" + (f" ({limit.source})" if limit.source in ("route", "service") else "")


def _compression(spec: RouteSpec) -> Iterator[str]:
    if spec.compress is not None:
        *others, last = offered(spec.compress.codings) or ("nothing that is installed",)
        codings = f"{', '.join(others)} or {last}" if others else last
        yield f"answers of {format_size(spec.compress.least)} and more are compressed, where the client takes {codings}"


def _cookies(spec: CookieSpec) -> Iterator[str]:
    parts = [
        f"Domain={spec.domain}" if spec.domain else "no Domain" if spec.domain is not None else "",
        f"Path={spec.path}" if spec.path is not None else "",
        f"{spec.prefix} before their Path" if spec.prefix else "",
        "" if spec.secure is None else "Secure" if spec.secure else "no Secure",
        f"SameSite={spec.same_site}" if spec.same_site is not None else "",
    ]
    told = ", ".join(filter(None, parts))
    if told:
        yield f"cookies of the service get {told}"
