"""What a request waits for that cannot be sent now: its service, the outcome of a probe, or an instance that should be there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devgate.gateway.capture import Note
from devgate.gateway.failures import Failure
from devgate.gateway.hold import CAPACITY, nobody_sound
from devgate.model.status import BreakerState, Forced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devgate.directory import Directory, Entry, Instance
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.handlers.course import Course
    from devgate.gateway.lane import Lane
    from devgate.policy.breaker import Admission

SUSPICION_PAUSE_S: Final = 0.1
PROBE_PAUSE_S: Final = 1.0
"""How often a request that waits for a probe's outcome looks by itself, should the probe never end."""


class Waiting:
    """All waiting of one gateway; the client sees it as held.

    Args:
        suspect: told `(service, replica)` when an instance is not there that should be.
        now: monotonic seconds.
    """

    def __init__(self, directory: Directory, suspect: Callable[[str, int], None], now: Callable[[], float]) -> None:
        self._directory = directory
        self._suspect = suspect
        self._now = now

    async def held(self, exchange: Exchange, lane: Lane, deadline: float) -> Entry:
        """Wait for the service to come back; see `hold`."""
        began = self._now()
        lane.traffic.held += 1
        exchange.traced().doing = "held", began
        service, queue, back = lane.backend.name, lane.backend.queue, False
        waits = queue.waits
        try:
            entry = await queue.serving(deadline)
            back = True
            return entry
        finally:
            lane.traffic.held -= 1
            trace, took_s = exchange.traced(), self._now() - began
            trace.doing = None
            if queue.waits != waits:  # else nobody else's turn has come meanwhile, either
                exchange.held_s += took_s
                outcome = f" until {service} came back" if back else f", and {service} did not come back in that time"
                trace.note("lifecycle", f"held for {took_s * 1000:,.0f} ms{outcome}", "warn")

    async def probed(self, exchange: Exchange, lane: Lane, entry: Entry, admission: Admission, deadline: float) -> None:
        """The breaker refuses. Where a service that devgate runs is being probed, wait for the outcome. SEMANTICS 3.1 wants that
        after a restart only, and a 503 after a pause; but a page asks for several things at once, and would see all but one of
        them fail although the service is well again.

        Raises:
            Failure: the breaker is open, or there is no time left to wait.
        """
        backend = lane.backend
        left_s = deadline - self._now()
        breaker = backend.fuse.breaker
        probing = entry.managed and breaker.effective is BreakerState.HALF_OPEN
        if probing and left_s > 0 and backend.waiting < CAPACITY:
            backend.waiting += 1
            trace = exchange.traced()
            waits = Note("breaker", f"waits for the outcome of another request, which tries {backend.name}", "warn")
            if trace.steps[-1:] != [waits]:
                trace.steps.append(waits)
            try:
                await self._pause(exchange, lane, backend.fuse.moved, min(left_s, PROBE_PAUSE_S))
            finally:
                backend.waiting -= 1
            return
        row = backend.fuse.row()
        by_itself = "" if breaker.forced is Forced.OPEN else "it is tried again by itself; "
        raise Failure(
            "circuit-open",
            f"The circuit breaker of {backend.name} is open: {row.why}.",
            hint=f"{by_itself}reset the breaker to try it now",
            stage="breaker",
            retry_after_s=admission.retry_after_s,
        )

    async def sound(self, exchange: Exchange, lane: Lane, entry: Entry, deadline: float) -> None:
        """Every instance that takes requests is unhealthy: wait a moment for one that is coming back.

        Raises:
            Failure: none is, or there is no time left to wait.
        """
        left_s = deadline - self._now()
        if not entry.returning or left_s <= 0:
            raise nobody_sound(entry)
        await self._pause(exchange, lane, entry.changed, left_s)

    async def look_elsewhere(self, exchange: Exchange, lane: Lane, course: Course, instance: Instance) -> None:
        """An instance that should be there is not: have it looked at, and wait a moment unless there is another one."""
        course.tried.append(instance)
        self._suspect(lane.backend.name, instance.replica)
        lane.backend.fuse.outliers.refused(instance)
        entry = self._directory.get(lane.backend.name)
        if entry is not None and all(other in course.tried for other in entry.takers(exchange.method)):
            course.tried.clear()
            if instance in entry.serving:
                await self._pause(exchange, lane, entry.changed, SUSPICION_PAUSE_S)

    async def _pause(
        self, exchange: Exchange, lane: Lane, moved: Callable[[], Awaitable[None]], longest_s: float
    ) -> None:
        """Wait for `moved`, at most `longest_s`; the client sees it as held."""
        began = self._now()
        lane.traffic.held += 1
        exchange.traced().doing = "held", began
        try:
            async with asyncio.timeout(longest_s):
                await moved()
        except TimeoutError:
            pass
        finally:
            lane.traffic.held -= 1
            exchange.traced().doing = None
            exchange.held_s += self._now() - began
