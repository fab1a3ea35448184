"""The listener's side of HTTP/1: aiohttp's low-level server, bent to what a proxy needs. Only this module touches its internals.

aiohttp gives the parser (llhttp in C), keep-alive, pipelining and lingering. It wants a request object and a response object for
each request; here both are the `Exchange`, whose answer has gone to the socket by the time aiohttp asks for it. What is relied
upon beyond documented API, each held by a test in `tests/gateway/test_front.py`:

- `Server` makes a `RequestHandler` per connection by being called, and takes a `request_factory`;
- of the request it uses `_finish`, `_cancel` and `_task`; of the response `prepare`, `write_eof` and `keep_alive`;
- `handler_cancellation` cancels the handler when the client has gone;
- a head that does not parse becomes an `_ErrInfo`, answered by what `_make_error_handler` returns;
- a *body* that does not parse leaves the reader of that body waiting for ever: `data_received` here tells it;
- `set_parser` hands raw bytes over after an upgrade, those included that came before.
"""

from __future__ import annotations

import asyncio
import logging
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final, cast

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import _ErrInfo

from devgate.gateway.exchange import BadBody, Exchange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader

    from devgate.clock import Clock
    from devgate.gateway.exchange import Receiver

    Serve = Callable[[Exchange], Awaitable[None]]
    Refuse = Callable[[Exchange, str, str], None]

log = logging.getLogger(__name__)

TARGET_LIMIT: Final = 8_192
FIELD_LIMIT: Final = 8_190
"""Bytes of one header field. Not equal to `TARGET_LIMIT`: the limit is all that tells which of the two was too long."""
FIELDS_LIMIT: Final = 128
KEEP_ALIVE_S: Final = 75.0
LINGER_S: Final = 2.0
"""How long a client that was refused is listened to. Closing while it still sends would reset the connection, and the answer
with it."""
READ_BUFFER: Final = 65_536
"""Bytes of a request's body that may wait to be read; twice that at most."""


class _Arrival(Exchange):
    """An exchange as aiohttp wants to see a request and a response."""

    __slots__ = ("_task", "connection", "payload")

    connection: Connection
    payload: StreamReader
    _task: Any

    @property
    def keep_alive(self) -> bool:
        return not self.close

    async def prepare(self, request: object) -> None:
        """The head is out already."""

    async def write_eof(self) -> None:
        """So is the body."""

    def _finish(self) -> None:
        self.connection.exchange = None

    def _cancel(self, error: BaseException) -> None:
        self.payload.set_exception(BadBody("the client left"))


class Connection(web.RequestHandler):
    """One client's connection; what `exchange.Client` promises."""

    __slots__ = ("_deaf", "exchange", "front", "peer", "port", "wire")

    def __init__(self, front: Front, **options: Any) -> None:
        super().__init__(front, **options)
        self.front = front
        self.exchange: _Arrival | None = None
        self.peer = ""
        self.port = 0
        self.wire: asyncio.Transport
        self._deaf = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.wire = cast("asyncio.Transport", transport)
        peer, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        if peer and here:  # gone again already, otherwise
            self.peer, self.port = peer[0], here[1]
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        super().data_received(data)
        if self._messages and self.exchange is not None and isinstance(self._messages[-1][0], _ErrInfo):
            payload = self.exchange.payload
            if not payload.is_eof() and payload.exception() is None:
                payload.set_exception(BadBody(_told(self._messages[-1][0].exc)[1]))

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.exchange is not None and self.exchange.flow is not None:
            self.exchange.flow.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.exchange is not None and self.exchange.flow is not None:
            self.exchange.flow.resume()

    def log_exception(self, *args: Any, **kwargs: Any) -> None:
        """What arrives here is a client that left or sent garbage: the gateway's own bugs are caught and logged before."""
        log.debug(*args, **kwargs)

    def handle_error(
        self, request: Any, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> Any:
        """The handler itself has failed, which it must not: end this connection, and no other."""
        log.error("handling a request failed", exc_info=exc)
        self.abort()
        request.close = True
        return request

    def _make_error_handler(self, err_info: _ErrInfo) -> Any:
        """Answer a head that does not parse, then let the client finish speaking."""

        async def answer(exchange: _Arrival) -> _Arrival:
            self.front.refuse(exchange, *_told(err_info.exc))
            await self.linger()
            return exchange

        return answer

    # As the gateway uses it

    def write(self, data: bytes) -> None:
        if not self.wire.is_closing():  # uvloop raises, asyncio logs
            self.wire.write(data)

    def date_line(self) -> bytes:
        return self.front.date_line()

    @property
    def choked(self) -> bool:
        return self._paused

    def abort(self) -> None:
        self.wire.abort()

    def stop_reading(self) -> None:
        self._pause_transport_reading()

    def start_reading(self) -> None:
        self._resume_transport_reading()

    def hand_over(self, receiver: Receiver) -> None:
        self.set_parser(cast("Any", _Raw(receiver)))

    async def linger(self) -> None:
        """End our side and ignore what still comes, until the client ends its own or time is up."""
        self._deaf = True
        if self.wire.can_write_eof() and not self.wire.is_closing():
            self.wire.write_eof()
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


class Front(web.Server):
    """All connections of the gateway's listener.

    Args:
        serve: handles one exchange; never raises but for cancellation.
        refuse: answers a request whose head does not parse, with a slug and a sentence.
    """

    def __init__(self, serve: Serve, refuse: Refuse, clock: Clock) -> None:
        async def handle(exchange: Any) -> Any:
            await serve(exchange)
            return exchange

        super().__init__(
            handle,
            request_factory=cast("Any", self._arrive),
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=KEEP_ALIVE_S,
            max_line_size=TARGET_LIMIT,
            max_field_size=FIELD_LIMIT,
            max_headers=FIELDS_LIMIT,
            read_bufsize=READ_BUFFER,
            lingering_time=LINGER_S,
        )
        self.refuse = refuse
        self._now = clock.now
        self._wall = clock.wall
        self._date = (0, b"")
        """Second since the epoch, and its line."""

    def __call__(self) -> Connection:
        return Connection(self, loop=self._loop, **self._kwargs)

    def date_line(self) -> bytes:
        """`Date` as RFC 9110 6.6.1 wants it, made once a second."""
        second = int(self._wall())
        if second != self._date[0]:
            self._date = (second, b"Date: %b\r\n" % formatdate(second, usegmt=True).encode())
        return self._date[1]

    def _arrive(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        connection: Connection,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> _Arrival:
        exchange = _Arrival(
            connection,
            message.method,
            message.path.encode("utf-8", "surrogateescape"),
            message.raw_headers,
            None if payload is EMPTY_PAYLOAD else payload,
            http10=message.version < (1, 1),
            close=message.should_close,
            upgrade=message.upgrade,
            arrived=self._now(),
        )
        exchange.connection = connection
        exchange.payload = payload
        connection.exchange = exchange
        return exchange


def _told(error: BaseException) -> tuple[str, str]:
    """Slug and sentence for what aiohttp's parser says; without the client's bytes, which it quotes."""
    if isinstance(error, LineTooLong):
        if error.args[1] == TARGET_LIMIT:
            return "uri-too-long", f"The request target is longer than {TARGET_LIMIT} bytes."
        return "headers-too-large", f"A header field is longer than {FIELD_LIMIT} bytes."
    if isinstance(error, BadHttpMethod):
        if "HTTPS" in str(error.message):
            return "bad-request", "This is TLS; the gateway speaks plain http on this port."
        return "bad-request", "The request line names no known method."
    message = error.message if isinstance(error, HttpProcessingError) else str(error)
    if message == "Too many headers received":
        return "headers-too-large", f"There are more than {FIELDS_LIMIT} header fields."
    first = message.partition("\n")[0].partition(":")[0].strip() or "it does not parse"
    return "bad-request", f"The request does not follow RFC 9112: {first[:80]}."
