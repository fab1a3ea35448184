"""The listener's side of HTTP/1: aiohttp's low-level server. What of its internals is relied upon, `connection` tells."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from aiohttp import web

from devgate.gateway import connection
from devgate.gateway.connection import Connection
from devgate.gateway.refusals import FIELD_LIMIT, FIELDS_LIMIT, TARGET_LIMIT

if TYPE_CHECKING:
    from devgate.clock import Clock
    from devgate.gateway.deadlines import Deadlines
    from devgate.gateway.exchange import Exchange

READ_BUFFER: Final = 65_536
"""Bytes of a request's body that may wait to be read; twice that at most."""


class Server(Protocol):
    """What serves exchanges (`pipeline.Pipeline`). Nothing here raises."""

    def serve(self, exchange: Exchange) -> None:
        """Answer, now or later; then `exchange.client.finished` is called."""
        ...

    def refuse(self, exchange: Exchange, code: str, detail: str) -> None:
        """Answer a request whose head does not parse, with a slug and a sentence."""
        ...

    def lose(self, exchange: Exchange) -> None:
        """The client has left. If a task serves the request, it is about to be cancelled; else `abandon` follows."""
        ...

    def abandon(self, exchange: Exchange) -> None:
        """The client has left a request that no task serves."""
        ...


class Front(web.Server):
    """All connections of the gateway's listener."""

    def __init__(self, pipeline: Server, deadlines: Deadlines, clock: Clock) -> None:
        super().__init__(
            cast("Any", None),  # requests do not go that way
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=connection.KEEP_ALIVE_S,
            max_line_size=TARGET_LIMIT,
            max_field_size=FIELD_LIMIT,
            max_headers=FIELDS_LIMIT,
            read_bufsize=READ_BUFFER,
        )
        self.pipeline = pipeline
        self.deadlines = deadlines
        self.now = clock.now
        self._wall = clock.wall
        self._date = (0, b"")
        """Second since the epoch, and its line."""

    def exchanges(self) -> list[Exchange]:
        """Those that are under way. Nothing is kept for it: the connections are looked at, of which each has one at most."""
        found = (cast("Connection", one).exchange for one in self.connections)
        return [exchange for exchange in found if exchange is not None]

    def __call__(self) -> Connection:
        return Connection(self, loop=self._loop, **self._kwargs)

    def date_line(self) -> bytes:
        """`Date` as RFC 9110 6.6.1 wants it, made once a second."""
        second = int(self._wall())
        if second != self._date[0]:
            self._date = (second, b"Date: %b\r\n" % formatdate(second, usegmt=True).encode())
        return self._date[1]
