"""Facts flow out: one typed, in-process bus.

`publish` is synchronous, never blocks and never raises; it stamps a sequence number and appends to each subscriber's bounded
deque. A reader that falls behind loses the oldest facts and is told how many (`Lagged`). Nobody commands through the bus.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Self

from devgate.model.events import Event, Lagged

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_DEPTH = 1_000


class Subscription:
    """One reader's queue. Iterate it with `async for`; `close()` ends the iteration."""

    def __init__(self, seq: int, depth: int, leave: Callable[[Subscription], None]) -> None:
        self.seq = seq
        """The bus's sequence number when this subscription began: a snapshot taken after it misses nothing."""
        self._queue: deque[Event] = deque(maxlen=depth)
        self._lost = 0
        self._wake = asyncio.Event()
        self._leave = leave
        self._closed = False

    def offer(self, event: Event) -> None:
        if len(self._queue) == self._queue.maxlen:
            self._lost += 1
        self._queue.append(event)
        self._wake.set()

    def drain(self) -> list[Event]:
        """Everything queued, oldest first, without waiting; begins with `Lagged` if facts were lost."""
        events: list[Event] = [Lagged(count=self._lost)] if self._lost else []
        self._lost = 0
        events.extend(self._queue)
        self._queue.clear()
        self._wake.clear()
        return events

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._queue and not self._lost:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        if self._lost:
            lost, self._lost = self._lost, 0
            return Lagged(count=lost)
        return self._queue.popleft()

    def close(self) -> None:
        """End the iteration after what is queued; closing twice is fine."""
        if not self._closed:
            self._closed = True
            self._leave(self)
            self._wake.set()


class Bus:
    """The one bus of a running devgate."""

    def __init__(self) -> None:
        self.seq = 0
        """Number of facts published so far."""
        self._subscriptions: list[Subscription] = []

    def publish(self, event: Event) -> None:
        self.seq += 1
        for subscription in self._subscriptions:
            subscription.offer(event)

    def subscribe(self, depth: int = DEFAULT_DEPTH) -> Subscription:
        subscription = Subscription(self.seq, depth, self._subscriptions.remove)
        self._subscriptions.append(subscription)
        return subscription
