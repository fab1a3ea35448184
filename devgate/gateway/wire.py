"""A client's connection as bytes: how it is written to, held back and ended. What comes in is for `connection`.

aiohttp's `RequestHandler`, of whose internals as little as possible is used; `connection` lists it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, cast

from aiohttp import web

from devgate.gateway import parting
from devgate.gateway.work import Work

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from devgate.gateway.exchange import Receiver
    from devgate.gateway.front import Front

log = logging.getLogger(__name__)

LINGER_S: Final = 2.0


class Wire(web.RequestHandler):
    """The part of `exchange.Client` that has nothing to do with requests. The task that aiohttp makes for a connection does only
    what has to be waited for."""

    __slots__ = ("_deaf", "_farewell", "_lost", "_over", "_work", "front", "peer", "port", "wire")

    def __init__(self, front: Front, **options: Any) -> None:
        super().__init__(front, **options)
        self.front = front
        self.peer = ""
        self.port = 0
        self.wire: asyncio.Transport
        self._deaf = False
        """What comes is not looked at any more."""
        self._farewell: asyncio.Future[None] | None = None
        """Set when the connection is lost, if somebody waits for that."""
        self._lost = False
        self._over = False
        """No further request is begun."""
        self._work = Work()

    # Called by the transport and the server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.wire = cast("asyncio.Transport", transport)
        peer, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        if peer and here:  # gone again already, otherwise
            self.peer, self.port = peer[0], here[1]
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._lost = self._over = True
        self._work.drop()
        super().connection_lost(exc)
        if self._farewell is not None:
            self._farewell.set_result(None)

    async def start(self) -> None:
        """Do what has to be waited for, one thing after another, until the connection ends."""
        try:
            await self._work.go()
        except Exception:  # a bug of this module: it ends this connection and no other
            log.exception("serving a connection failed")
            self.abort()
        finally:
            self.wire.close()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self._work.run(work)

    async def shutdown(self, timeout: float | None = 15.0) -> None:
        """Close, and break off what is not answered, or has not left, after `timeout`."""
        task = self._task_handler
        self.close()
        if task is None or self._lost:
            return
        self._farewell = asyncio.get_running_loop().create_future()
        await asyncio.wait([self._farewell], timeout=timeout)
        self.abort()
        await self._farewell
        await asyncio.wait([task])

    # As the gateway uses it

    def write(self, data: bytes) -> None:
        if not self.wire.is_closing():  # uvloop raises, asyncio logs
            self.wire.write(data)

    @property
    def ending(self) -> bool:
        return self._close or self._force_close

    @property
    def choked(self) -> bool:
        return self._paused

    def abort(self) -> None:
        if not self._lost:  # asyncio fails on a transport that had to flush before it was closed
            self.wire.abort()

    async def reset(self) -> None:
        if not self._lost:
            await parting.reset(self.wire)

    def stop_reading(self) -> None:
        self._pause_transport_reading()

    def start_reading(self) -> None:
        self._resume_transport_reading()

    def hand_over(self, receiver: Receiver) -> None:
        self.set_parser(cast("Any", _Raw(receiver)))

    def date_line(self) -> bytes:
        return self.front.date_line()

    # Its end

    def _end(self, *, linger: bool) -> None:
        """The last answer is out."""
        self._over = True
        if linger and not self.wire.is_closing() and self.wire.can_write_eof():
            self._deaf = True
            self._work.run(self._linger())
        else:
            self.wire.close()
        self._work.end()

    async def _linger(self) -> None:
        """End our side and ignore what still comes, until the client ends its own or time is up. Closing while the client still
        sends would reset the connection, and the answer with it."""
        try:
            self.wire.write_eof()
        except OSError:  # asyncio's own loop: the client has gone, and nobody has told the transport yet
            self.wire.close()
            return
        self._resume_transport_reading()
        await asyncio.sleep(LINGER_S)


class _Raw:
    """What aiohttp takes for a parser after an upgrade."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self._receiver.data_received(data)
        return False, b""

    def feed_eof(self) -> None:
        """The handler is cancelled as well."""
