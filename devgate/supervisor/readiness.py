"""From single probes to "it is ready" and "it is healthy", and the loop that asks.

One prober serves both: until the first good answers it asks often, afterwards at its interval. Its judgement (`Readiness`) is
pure.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devgate.model.status import HealthState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devgate.model.service import ProbeSpec
    from devgate.supervisor.probes import ProbeResult

FIRST_PAUSE_S: Final = 0.05
PAUSE_GROWTH: Final = 1.3
"""A service that starts quickly is seen quickly: the pauses grow by this, up to `start_interval`."""
RECOVERY: Final = 2
"""Good probes in a row until an unhealthy service is healthy again: one would flap."""
INTERVAL_JITTER: Final = 0.1


class Readiness:
    """What the probes of one run say so far."""

    def __init__(self) -> None:
        self.ready = False
        self.health = HealthState.STARTING
        self.detail = ""
        self.good = 0
        """Good ones in a row."""
        self.bad = 0

    def observe(self, result: ProbeResult, spec: ProbeSpec) -> None:
        """Take one more result in."""
        self.good, self.bad = (self.good + 1, 0) if result.ok else (0, self.bad + 1)
        self.detail = result.detail
        if not self.ready:
            self.ready = self.good >= spec.success
            if self.ready:
                self.health = self._answering(result, spec)
        elif result.ok:
            if self.health is not HealthState.UNHEALTHY or self.good >= RECOVERY:
                self.health = self._answering(result, spec)
        elif self.bad >= spec.failures:
            self.health = HealthState.UNHEALTHY

    def lapse(self) -> None:
        """It is not ready any more; begin anew."""
        self.ready = False
        self.good = 0
        self.health = HealthState.STARTING

    def _answering(self, result: ProbeResult, spec: ProbeSpec) -> HealthState:
        if result.degraded:
            return HealthState.DEGRADED
        if result.latency_s > spec.degraded_over:
            self.detail = f"slow: answered after {result.latency_s:.1f} s"
            return HealthState.DEGRADED
        return HealthState.HEALTHY


class Prober:
    """Asks again and again until it is cancelled.

    Args:
        probe: one look.
        heard: called with each result; returns whether the service counts as up, which decides how long the next pause is.
        spec: read anew each time, so that a changed interval counts at once.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[ProbeResult]],
        heard: Callable[[ProbeResult], bool],
        spec: Callable[[], ProbeSpec],
        draw: Callable[[], float],
    ) -> None:
        self._probe = probe
        self._heard = heard
        self._spec = spec
        self._draw = draw
        self._now = asyncio.Event()

    def hurry(self) -> None:
        """Ask now: somebody has doubts."""
        self._now.set()

    async def run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            self._now.clear()
            up = self._heard(await self._probe())
            spec = self._spec()
            if up:
                pause_s = FIRST_PAUSE_S
                wait_s = spec.interval * (1 + INTERVAL_JITTER * (2 * self._draw() - 1))
            else:
                wait_s = min(pause_s, spec.start_interval)
                pause_s *= PAUSE_GROWTH
            try:
                async with asyncio.timeout(wait_s):
                    await self._now.wait()
            except TimeoutError:
                pass
