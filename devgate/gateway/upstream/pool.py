"""Connections to services, kept between requests.

Idle connections are a stack: the one used last is the one least likely to have been closed by the service, and those at the
bottom age until they are retired, before the 5 s after which servers usually close them. One that ends while it is idle leaves
at once.
Limits count exchanges under way (`slots`); idle connections and detached exchanges (tunnels, event streams, clients slower than
their service) hold no slot.

A pool decides synchronously and starts no task. Whoever waits or dials does so within his own `acquire`, and a cancelled
`acquire` leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devgate.gateway.upstream.connection import UpstreamConnection
from devgate.gateway.upstream.dial import dial
from devgate.gateway.upstream.errors import Kind, Stage, UpstreamError
from devgate.gateway.upstream.slots import Lane, Slots

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from devgate.gateway.upstream.dial import Origin
    from devgate.gateway.upstream.line import Line


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of pools."""

    total: int = 100
    """Exchanges under way, over all origins."""
    per_origin: int = 20
    idle: int = 20
    """Idle connections kept for each origin."""
    idle_s: float = 4.0
    """Age at which an idle connection is closed. Node, uvicorn and many others close after 5 s."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a pool has done and holds."""

    opened: int
    """Connections made so far."""
    reused: int
    """Exchanges begun on a connection that had served before."""
    active: int
    """Exchanges that hold a slot, dialling included."""
    detached: int
    """Exchanges that hold none: tunnels, streams."""
    idle: int
    waiting: int


class Pool:
    """The connections to one origin."""

    def __init__(
        self,
        origin: Origin,
        slots: Slots,
        limits: Limits,
        now: Callable[[], float],
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.origin = origin
        self._slots = slots
        self._lane = Lane(limits.per_origin)
        self._limits = limits
        self._now = now
        self._tls = tls
        self._idle: list[UpstreamConnection] = []
        """Longest idle first."""
        self._busy: set[UpstreamConnection] = set()
        """Lent, with a slot."""
        self._detached: set[UpstreamConnection] = set()
        """Lent, without one."""
        self._closing: set[UpstreamConnection] = set()
        """Spent; their sockets are about to be closed."""
        self._dialling: set[asyncio.Timeout] = set()
        self._emptied = asyncio.Event()
        self._sweeper: asyncio.TimerHandle | None = None
        self._generation = 0
        self._keeps = True
        self._closed = False
        self._opened = 0
        self._reused = 0

    def __repr__(self) -> str:
        counts = self.counts()
        return (
            f"<Pool {self.origin.scheme}://{self.origin} {counts.active} active, {counts.idle} idle, {counts.waiting} waiting, "
            f"{counts.detached} detached, {counts.opened} opened, {counts.reused} reused>"
        )

    def counts(self) -> Counts:
        return Counts(
            self._opened, self._reused, self._lane.used, len(self._detached), len(self._idle), len(self._lane.waiting)
        )

    @property
    def empty(self) -> bool:
        """Holds no socket, and nobody waits or dials."""
        return not (self._lane.used or self._lane.waiting or self._idle or self._detached or self._closing)

    def take_idle(self, *, certain: bool = False) -> Line | None:
        """A connection that is there already, or None: then `acquire`.

        Args:
            certain: ask the operating system whether the service has closed it a moment ago. For requests that must not be sent
                twice; costs two microseconds.
        """
        if self._idle and self._slots.take(self._lane):
            if (connection := self._pop_idle(certain)) is not None:
                return connection.lend()
            self._slots.give_back(self._lane)
        return None

    async def acquire(
        self, deadline: float | None = None, *, certain: bool = False, connect_s: float | None = None
    ) -> Line:
        """A connection: an idle one, a new one, or the next that becomes free.

        Args:
            deadline: by the pool's clock; bounds waiting and dialling.
            certain: see `take_idle`.
            connect_s: bounds dialling alone; `Origin.connect_timeout_s` where not given.

        Raises:
            UpstreamError: stage `connect`; of kind `overloaded` where no connection became free in time.
        """
        if self._closed:
            raise self._stopped()
        if not self._slots.take(self._lane):
            await self._turn(deadline)
        try:
            connection = self._pop_idle(certain) or await self._open(deadline, connect_s)
        except BaseException:
            self._slots.give_back(self._lane)
            self._note_empty()
            raise
        return connection.lend()

    def retire_idle(self) -> None:
        """Close the connections that have been idle for too long."""
        due = self._now() - self._limits.idle_s
        old = 0
        while old < len(self._idle) and self._idle[old].idle_since <= due:
            old += 1
        for connection in self._idle[:old]:
            connection.abort()

    def close_idle(self) -> None:
        """No connection that is open now, or being opened, serves another request; exchanges under way go on to their end.

        For a service that has been restarted.
        """
        self._generation += 1
        for connection in tuple(self._idle):
            connection.abort()

    def retire(self) -> None:
        """Serve those who still have this pool, and keep no connection from now on."""
        self._keeps = False
        self.close_idle()

    async def aclose(self, grace_s: float = 0.0) -> None:
        """Take no more requests, give those under way `grace_s` to end, then fail them. Returns when every socket is closed.

        Callers that wait in `acquire` or dial are failed at once, with kind `overloaded`.
        """
        self._closed = True
        self.retire()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for ticket in self._lane.waiting:
            ticket.wake()
        for dialling in self._dialling:
            dialling.reschedule(0.0)
        try:
            async with asyncio.timeout(grace_s):
                await self._emptying()
        except TimeoutError:
            for connection in (*self._busy, *self._detached):
                connection.fail(Kind.RESET, "the gateway closed the connection to stop")
            await self._emptying()

    # Heard from the connections

    def released(self, connection: UpstreamConnection) -> None:
        if not self._keeps or connection.generation != self._generation or len(self._idle) >= self._limits.idle:
            connection.abort()
            return
        connection.idle_since = self._now()
        self._idle.append(connection)
        self._vacate(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self._limits.idle_s, self._sweep)

    def spent(self, connection: UpstreamConnection) -> None:
        self._closing.add(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        else:
            self._vacate(connection)

    def detached(self, connection: UpstreamConnection) -> None:
        if connection in self._busy:
            self._vacate(connection)
            self._detached.add(connection)

    def closed(self, connection: UpstreamConnection) -> None:
        self._closing.discard(connection)
        self._note_empty()

    # Parts of the above

    def _vacate(self, connection: UpstreamConnection) -> None:
        """The slot of an exchange, if it still held one, goes to the next."""
        if connection in self._busy:
            self._busy.remove(connection)
            self._slots.give_back(self._lane)
        else:
            self._detached.discard(connection)

    def _pop_idle(self, certain: bool) -> UpstreamConnection | None:
        """The connection that was used last, if it may serve another request. Needs a slot, which passes to it."""
        idle = self._idle
        while idle:
            connection = idle[-1]
            if self._now() - connection.idle_since >= self._limits.idle_s:
                self.retire_idle()
            elif connection.transport.is_closing() or (certain and connection.has_input()):
                connection.abort()
            else:
                idle.pop()
                self._busy.add(connection)
                self._reused += 1
                return connection
        return None

    async def _turn(self, deadline: float | None) -> None:
        """Wait for a slot.

        Raises:
            UpstreamError: the deadline has passed, or the pool is closed.
        """
        turn = asyncio.Event()
        ticket = self._slots.line_up(self._lane, turn.set)
        try:
            async with asyncio.timeout(self._left(deadline)):
                await turn.wait()
            if self._closed:
                raise self._stopped()
        except BaseException as error:
            self._slots.leave(self._lane, ticket)
            self._note_empty()
            if isinstance(error, TimeoutError):
                detail = f"no connection to {self.origin} became free in time"
                raise UpstreamError(Kind.OVERLOADED, Stage.CONNECT, detail) from None
            raise

    async def _open(self, deadline: float | None, connect_s: float | None) -> UpstreamConnection:
        generation = self._generation
        limit_s = self.origin.connect_timeout_s if connect_s is None else connect_s
        left_s = self._left(deadline)
        try:
            async with asyncio.timeout(None) as dialling:
                self._dialling.add(dialling)
                try:
                    connection = await dial(
                        self.origin,
                        lambda: UpstreamConnection(self, generation),
                        tls=self._tls,
                        timeout_s=limit_s if left_s is None else min(left_s, limit_s),
                    )
                finally:
                    self._dialling.discard(dialling)
        except TimeoutError:
            raise self._stopped() from None
        self._opened += 1
        self._busy.add(connection)
        return connection

    def _left(self, deadline: float | None) -> float | None:
        return None if deadline is None else max(0.0, deadline - self._now())

    def _stopped(self) -> UpstreamError:
        return UpstreamError(Kind.OVERLOADED, Stage.CONNECT, "the gateway is stopping")

    def _sweep(self) -> None:
        self._sweeper = None
        self.retire_idle()
        if self._idle:
            age_s = self._now() - self._idle[0].idle_since
            self._sweeper = asyncio.get_running_loop().call_later(max(self._limits.idle_s - age_s, 0.05), self._sweep)

    async def _emptying(self) -> None:
        while not self.empty:
            self._emptied.clear()
            await self._emptied.wait()

    def _note_empty(self) -> None:
        if self.empty:
            self._emptied.set()
