"""What a route wants for its requests beyond being passed on: compiled when the table is, so that other routes pay nothing."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devgate.model.resilience import RetrySpec
from devgate.policy.balance import Weighted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devgate.gateway.cache.flights import Flights
    from devgate.gateway.cache.store import Store
    from devgate.gateway.lane import Lane
    from devgate.model.caching import CacheSpec
    from devgate.model.resilience import FallbackSpec, FixedAnswerSpec, HedgeSpec, StickySpec
    from devgate.model.route import RouteSpec


@dataclass(frozen=True, slots=True)
class FixedAnswer:
    """An answer that stands in the profile, as bytes."""

    status: int
    lines: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Recourse:
    """See the module."""

    retry: RetrySpec | None
    elsewhere: RetrySpec | None
    """The first step of a fallback: once more, on another instance, where there is one."""
    hedge: HedgeSpec | None
    sticky: StickySpec | None
    fallback: FallbackSpec | None
    cache: CacheSpec | None
    store: Store | None
    """Where answers are kept; also for routes that keep none, for what they change must be forgotten."""
    flights: Flights | None
    sides: Mapping[str, Lane]
    """By service: the route's own, and those of its `split`."""
    shares: Mapping[str, float]
    turns: Weighted[str]
    """Over the sides."""
    peers: tuple[Lane, ...]
    """Of the services that are asked instead."""
    answer: FixedAnswer | None
    patience_s: float
    """How long all attempts together may take until an answer begins."""

    @property
    def forgets_only(self) -> bool:
        """Whether there is nothing to do but to forget what unsafe requests have changed."""
        return not (
            self.retry or self.hedge or self.sticky or self.fallback or self.cache is not None or len(self.sides) > 1
        )


def needs_recourse(spec: RouteSpec, *, caching: bool) -> bool:
    """Whether a route wants any of this; `caching`: some route of the table keeps answers."""
    wants = (spec.retry, spec.hedge, spec.sticky, spec.fallback, spec.cache)
    unsafe = not spec.methods or not {*spec.methods} <= {"GET", "HEAD", "OPTIONS"}
    return any(wish is not None for wish in wants) or bool(spec.split) or (caching and unsafe)


def shares_of(spec: RouteSpec) -> dict[str, float]:
    """Who gets how much of a route's requests, in percent."""
    return {spec.service: max(0.0, 100.0 - sum(spec.split.values())), **spec.split}


def compile_recourse(
    lane: Lane, spec: RouteSpec, lane_at: Callable[[str], Lane], store: Store, flights: Flights
) -> Recourse:
    """What a route wants.

    Args:
        lane: its own.
        lane_at: the same, to another service.
    """
    shares = shares_of(spec)
    sides = {name: _hurried(lane_at(name), spec.retry) for name in shares}
    fallback = spec.fallback
    return Recourse(
        retry=spec.retry,
        elsewhere=None if fallback is None else RetrySpec(attempts=1, statuses=fallback.statuses, pause=0.0),
        hedge=None if spec.stream else spec.hedge,
        sticky=spec.sticky,
        fallback=fallback,
        cache=None if spec.stream else spec.cache,
        store=store,
        flights=flights,
        sides=sides,
        shares=shares,
        turns=Weighted(lambda name: shares.get(name, 0.0)),
        peers=tuple(replace(lane_at(name), hold_s=0.0) for name in fallback.services) if fallback is not None else (),
        answer=fixed_answer(fallback.answer) if fallback is not None and fallback.answer is not None else None,
        patience_s=math.inf if lane.response_s is None else lane.response_s,
    )


def _hurried(lane: Lane, retry: RetrySpec | None) -> Lane:
    """With the time of one attempt, where a route gives each its own."""
    if retry is None or retry.per_try is None or lane.stream:
        return lane
    return replace(lane, response_s=retry.per_try if lane.response_s is None else min(retry.per_try, lane.response_s))


def fixed_answer(spec: FixedAnswerSpec) -> FixedAnswer:
    """As bytes; a string is text, anything else JSON."""
    text = isinstance(spec.body, str)
    body = (spec.body if text else json.dumps(spec.body, ensure_ascii=False)).encode()
    lines = [f"{name}: {value}\r\n" for name, value in spec.headers.items()]
    if body and not any(name.lower() == "content-type" for name in spec.headers):
        lines.append(f"Content-Type: {'text/plain; charset=utf-8' if text else 'application/json'}\r\n")
    return FixedAnswer(spec.status, "".join(lines).encode("utf-8", "replace"), body)
