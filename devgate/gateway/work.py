"""What a connection has to wait for: one thing after another, in the one task that it has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Work:
    """The next thing to do, and the task's way to hear of it."""

    __slots__ = ("_alarm", "_next", "_over", "busy")

    def __init__(self) -> None:
        self.busy = False
        """Something is being done."""
        self._alarm: asyncio.Future[None] | None = None
        """Wakes the task."""
        self._next: Coroutine[object, object, None] | None = None
        self._over = False

    async def go(self) -> None:
        """Do what there is to do until `end`; then what is left."""
        while self._next is not None or not self._over:
            if self._next is None:
                self._alarm = asyncio.get_running_loop().create_future()
                await self._alarm
                self._alarm = None
            work, self._next = self._next, None
            if work is not None:
                self.busy = True
                await work
                self.busy = False

    def run(self, work: Coroutine[object, object, None]) -> None:
        """Do this next."""
        self._next = work
        self._wake()

    def end(self) -> None:
        """Nothing more will come."""
        self._over = True
        self._wake()

    def drop(self) -> None:
        """It is over, and what has not begun will never."""
        self._over = True
        if self._next is not None:
            self._next.close()
            self._next = None

    def _wake(self) -> None:
        if self._alarm is not None and not self._alarm.done():
            self._alarm.set_result(None)
