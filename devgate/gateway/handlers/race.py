"""Two attempts at once, for routes that ask for it: the second begins where the first is late (hedging; Dean and Barroso, "The
Tail at Scale"). The first answer that passes wins, and the other attempt is broken off, of which no breaker hears. A 5xx is kept
back while the other attempt may still have something better.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devgate.gateway.mishaps import blame
from devgate.gateway.stats import row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devgate.directory import Directory, Instance
    from devgate.gateway.lane import Lane
    from devgate.gateway.relay import Relay
    from devgate.gateway.screened import Screened
    from devgate.gateway.upstream.errors import UpstreamError
    from devgate.gateway.venture import Venture
    from devgate.model.resilience import HedgeSpec
    from devgate.policy.breaker import Admission

    Attempt = Callable[[Relay], Awaitable[UpstreamError | None]]
    Make = Callable[[Instance, Admission], Relay]

UNKNOWN_S: Final = 1.0
"""The pause for `p95` before there is anything to go by."""


class Race:
    """At most two attempts of one request.

    Args:
        make: makes the second attempt, with an instance and its admission.
    """

    def __init__(
        self, venture: Venture, lane: Lane, spec: HedgeSpec, directory: Directory, now: Callable[[], float], make: Make
    ) -> None:
        self._venture = venture
        self._lane = lane
        self._spec = spec
        self._directory = directory
        self._now = now
        self._make = make
        self._running: dict[asyncio.Task[UpstreamError | None], Relay] = {}

    async def run(self, first: Relay, attempt: Attempt) -> tuple[Relay, UpstreamError | None]:
        """Make `first`, and another one if that is late. The one that decided it, and how it ended."""
        running = self._running
        self._venture.won = self._won
        self._venture.rivalled = lambda: len(running) > 1
        budget = self._lane.backend.budget
        paid = False
        try:
            async with asyncio.TaskGroup() as group:
                name = f"attempt of {first.exchange.request_id}"
                running[group.create_task(_run(attempt, first), name=name)] = first
                done, _ = await asyncio.wait(running, timeout=self._after_s())
                if not done and not first.exchange.started and (second := self._second(first)) is not None:
                    paid = True
                    self._venture.note(
                        "hedge",
                        f"asked {second.instance.service} #{second.instance.replica} as well, the first was late",
                    )
                    running[group.create_task(_run(attempt, second), name=f"second {name}")] = second
                return await self._finish()
        finally:
            self._venture.won = None
            self._venture.rivalled = bool
            running.clear()
            if paid:
                budget.give_back()

    async def _finish(self) -> tuple[Relay, UpstreamError | None]:
        running = self._running
        while True:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                relay = running.pop(task, None)
                if relay is None or task.cancelled():
                    continue  # broken off
                error = task.result()
                if error is None or not running:
                    self._break_off(relay)
                    return relay, error
                blame(relay, error)

    def _won(self, winner: Screened) -> None:
        """An answer passes: what the client gets from now on is this one's."""
        if len(self._running) > 1:
            which = "first" if winner is next(iter(self._running.values())) else "second"
            self._venture.note("hedge", f"the {which} attempt was answered first")
        self._break_off(winner)
        exchange = winner.exchange
        exchange.flow = winner
        exchange.instance = winner.instance

    def _break_off(self, winner: Relay) -> None:
        for task, relay in tuple(self._running.items()):
            if relay is not winner:
                del self._running[task]
                relay.leave()
                task.cancel()

    def _second(self, first: Relay) -> Relay | None:
        """Another attempt, on another instance if there is one; None where the service is not well, or has enough to do."""
        backend = self._lane.backend
        entry = self._directory.get(backend.name)
        admission = backend.fuse.breaker.passing
        if entry is None or not entry.best or admission is None:
            return None
        if not backend.budget.take(sum(one.in_flight for one in entry.instances)):
            return None
        others = any(one is not first.instance for one in entry.best)
        there = entry.best if others else entry.sound
        return self._make(backend.balance.pick(there, (first.instance,)), admission)

    def _after_s(self) -> float:
        after = self._spec.after
        if not isinstance(after, str):
            return after
        p95_ms = row((self._lane.traffic,), self._now()).p95_ms
        return UNKNOWN_S if p95_ms is None else p95_ms / 1000


async def _run(attempt: Attempt, relay: Relay) -> UpstreamError | None:
    return await attempt(relay)
