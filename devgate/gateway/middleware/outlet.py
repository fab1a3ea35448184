"""A client's connection while something is wrong with it on purpose: slow, or to be broken in a certain place."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from devgate.policy.pace import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from devgate.gateway.exchange import Client, Exchange, Receiver
    from devgate.gateway.greeting import Greeting

CHOKED_S: Final = 0.001
"""How often it is looked whether a client that does not keep up takes more."""


class Outlet:
    """Stands in for an exchange's client (`exchange.Client`).

    Args:
        rate: bytes that may leave in a second, counted from the first one on; 0: everything at once.
        cut: after so many bytes of the body an answer breaks off that the gateway gives by itself, as a whole; what comes from a
            service is cut where it comes in (`faults`).
        now: monotonic seconds.
    """

    def __init__(self, exchange: Exchange, rate: int, now: Callable[[], float], cut: int | None = None) -> None:
        self.client: Client = exchange.client
        self.doomed = False
        """Whether the connection is to be reset once all that was written has arrived. Whoever breaks off does not do it himself
        then."""
        self.cut = cut
        self.peer = self.client.peer
        self.port = self.client.port
        self._exchange = exchange
        self._rate = rate
        self._pacer: Pacer | None = None
        """There is one from the first byte on, so that a service that thinks first is no faster for it."""
        self._now = now
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._full = False
        self._timer: asyncio.TimerHandle | None = None
        self._empty: asyncio.Future[None] | None = None

    @property
    def greeting(self) -> Greeting | None:
        return self.client.greeting

    @greeting.setter
    def greeting(self, greeting: Greeting | None) -> None:
        self.client.greeting = greeting

    def write(self, data: bytes) -> None:
        if self.cut is not None:
            data = self._shortened(data, self.cut)
        if not self._rate:
            self.client.write(data)
            return
        if self._pacer is None:
            self._pacer = Pacer(self._rate, self._now())
        self._waiting.append(data)
        self._size += len(data)
        if self._size > self._pacer.room and not self._full:
            self._full = True
            if self._exchange.flow is not None:
                self._exchange.flow.pause()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pacer.wait_s(self._size), self._beat)

    async def drained(self) -> None:
        """Wait until all that was written has left."""
        if self._waiting:
            self._empty = asyncio.get_running_loop().create_future()
            await self._empty

    def close(self) -> None:
        """Give the client back; what still waits is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waiting.clear()
        self._exchange.client = self.client

    def _shortened(self, data: bytes, cut: int) -> bytes:
        """A whole answer without what is to be cut off."""
        head, end, body = data.partition(b"\r\n\r\n")
        if len(body) <= cut:
            return data
        self.doomed = True
        self._exchange.sent = cut
        return head + end + body[:cut]

    def _beat(self) -> None:
        """Let a portion go."""
        assert self._pacer is not None
        self._timer = None
        size = 0 if self.client.choked else min(self._pacer.allowance(self._now()), self._size)
        if size:
            self._pacer.spend(size)
            self._size -= size
            self.client.write(self._portion(size))
        if self._full and self._size <= self._pacer.room // 4:
            self._full = False
            if self._exchange.flow is not None:
                self._exchange.flow.resume()
        if self._waiting:
            wait_s = CHOKED_S if self.client.choked else self._pacer.wait_s(self._size)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._beat)
        elif self._empty is not None and not self._empty.done():
            self._empty.set_result(None)

    def _portion(self, size: int) -> bytes:
        """The first `size` bytes of those that wait."""
        parts = []
        while size:
            data = self._waiting.popleft()
            parts.append(data[:size])
            if len(data) > size:
                self._waiting.appendleft(data[size:])
            size -= len(parts[-1])
        return b"".join(parts)

    # The rest is the client's own business

    @property
    def ending(self) -> bool:
        return self.client.ending

    @property
    def choked(self) -> bool:
        return self._full or self.client.choked

    def abort(self) -> None:
        if not self.doomed:
            self._waiting.clear()
            self.client.abort()

    async def reset(self) -> None:
        await self.client.reset()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.client.run(work)

    def finished(self) -> None:
        self.client.finished()

    def date_line(self) -> bytes:
        return self.client.date_line()

    def stop_reading(self) -> None:
        self.client.stop_reading()

    def start_reading(self) -> None:
        self.client.start_reading()

    def hand_over(self, receiver: Receiver) -> None:
        self.client.hand_over(receiver)
