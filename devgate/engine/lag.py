"""How late the event loop is: what a request may have waited for a paint, a log burst or a garbage collection."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devgate.clock import Clock

INTERVAL_S = 1.0
"""Each wake-up of a process that does nothing else costs half a millisecond: its caches are cold."""
KEPT = 5


class LoopLag:
    """Sleeps a little, again and again, and keeps how much later than asked it woke; `worst_ms` is over the last five seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._late_s: deque[float] = deque(maxlen=KEPT)

    @property
    def worst_ms(self) -> float:
        return max(self._late_s, default=0.0) * 1000

    async def measure(self) -> None:
        while True:
            due = self._clock.now() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            self._late_s.append(max(0.0, self._clock.now() - due))
