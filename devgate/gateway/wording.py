"""What a route's `Recourse` does for its requests, in words: for `devgate routes explain`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.gateway.recourse import shares_of
from devgate.model.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devgate.model.profile import Profile
    from devgate.model.route import RouteSpec


def recourse_told(spec: RouteSpec, profile: Profile) -> tuple[str, ...]:
    """A line for each thing, in the order of doing."""
    lines = (*_cache(spec), *_split(spec), *_sticky(spec), *_weights(spec, profile), *_retry(spec), *_hedge(spec))
    return (*lines, *_fallback(spec))


def _cache(spec: RouteSpec) -> Iterator[str]:
    cache = spec.cache
    if cache is None:
        return
    if cache.force_ttl is not None:
        parts = [
            f"answers that may be kept are fresh for {format_duration(cache.force_ttl)}, whatever they say of that"
        ]
    elif cache.ttl:
        parts = [f"answers are kept as long as they say, else for {format_duration(cache.ttl)}"]
    else:
        parts = ["answers are kept as long as they say"]
    if cache.authorized == "per-user":
        parts.append("for each user apart")
    if cache.stale_if_error:
        parts.append(f"and stand in for errors for {format_duration(cache.stale_if_error)} more")
    yield f"cache: {', '.join(parts)}"


def _split(spec: RouteSpec) -> Iterator[str]:
    if spec.split:
        yield "split: " + ", ".join(f"{share:g} % to {name}" for name, share in shares_of(spec).items())


def _sticky(spec: RouteSpec) -> Iterator[str]:
    sticky = spec.sticky
    if sticky is not None:
        header = f"the header {sticky.header} or " if sticky.header else ""
        yield f"sticky: {header}the cookie {sticky.cookie} keeps a client where it is"


def _weights(spec: RouteSpec, profile: Profile) -> Iterator[str]:
    service = profile.services.get(spec.service)
    if service is not None and service.weights:
        yield f"weights: {', '.join(f'#{at} {weight}' for at, weight in enumerate(service.weights))}"


def _retry(spec: RouteSpec) -> Iterator[str]:
    retry = spec.retry
    if retry is None or not retry.attempts:
        return
    more = f"{retry.attempts} more {'time' if retry.attempts == 1 else 'times'}"
    each = f", {format_duration(retry.per_try)} each" if retry.per_try is not None else ""
    statuses = ", ".join(map(str, retry.statuses))
    methods = "any method" if retry.any_method else "idempotent methods"
    yield f"retry: {more}{each}, {methods}, on failures{f' and {statuses}' if statuses else ''}"


def _hedge(spec: RouteSpec) -> Iterator[str]:
    if spec.hedge is not None:
        after = spec.hedge.after
        when = (
            "when slower than 95 % of the last minute" if isinstance(after, str) else f"after {format_duration(after)}"
        )
        yield f"hedge: GET and HEAD are sent a second time {when}"


def _fallback(spec: RouteSpec) -> Iterator[str]:
    fallback = spec.fallback
    if fallback is None:
        return
    stale = spec.cache is not None and spec.cache.stale_if_error > 0
    steps = [*fallback.services, *(["a kept answer"] if stale else [])]
    if fallback.answer is not None:
        steps.append(f"{fallback.answer.status} as written in the profile")
    if steps:
        yield f"fallback: {', then '.join(steps)}"
