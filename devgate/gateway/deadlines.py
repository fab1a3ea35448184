"""Time limits of many exchanges, watched by one timer.

A timer per request would cost more than its routing; here a limit is an attribute that is looked at four times a second, so one
ends up to a quarter of a second late. Without exchanges nothing ticks.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from devgate.clock import Clock

TICK_S: Final = 0.25


class Limited(Protocol):
    deadline: float
    """Monotonic seconds; infinity for none. May change at any time."""

    def expire(self) -> None:
        """The deadline has passed. Called again at the next tick if it is still in the past."""
        ...


class Deadlines:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watched: set[Limited] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, one: Limited) -> None:
        self._watched.add(one)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def forget(self, one: Limited) -> None:
        self._watched.discard(one)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick) if self._watched else None
        now = self._clock.now()
        for one in [one for one in self._watched if one.deadline <= now]:
            one.expire()
