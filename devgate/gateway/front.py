"""The listener's side of HTTP/1: aiohttp's low-level server, bent to what a proxy needs. Only this module touches its internals.

aiohttp gives the parser (llhttp in C), keep-alive, pipelining, back-pressure and the set of connections. What it does with a
parsed request is replaced as a whole (`Connection.start`): its request and response objects, a task and a writer for each request
cost as much as all of our own rules together, and an error that it answers is written into a body that has begun. What is relied
upon beyond documented API, each held by a test in `tests/gateway/test_front.py`:

- `Server` makes a `RequestHandler` for each connection by being called;
- `connection_made` runs `start()` in a task, which `connection_lost` cancels, given `handler_cancellation`;
- parsed heads wait with their bodies in `_messages`, and `_waiter` is woken for the first; the parser pauses when the queue is
  full, until `message_consumed` and `_resume_reading_if_drained`;
- a head that does not parse becomes an `_ErrInfo` in the same queue;
- a *body* that does not parse leaves its reader waiting for ever: `data_received` here tells it;
- `_process_keepalive` closes a connection that is idle at `_next_keepalive_close_time`;
- `shutdown` waits for `_handler_waiter` while `_request_in_progress`;
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

    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader

    from devgate.clock import Clock
    from devgate.gateway.deadlines import Deadlines
    from devgate.gateway.exchange import Receiver

    Serve = Callable[[Exchange], Awaitable[None]]
    Refuse = Callable[[Exchange, str, str], None]

log = logging.getLogger(__name__)

TARGET_LIMIT: Final = 8_192
FIELD_LIMIT: Final = 8_190
"""Bytes of one header field. Not equal to `TARGET_LIMIT`: the limit is all that tells which of the two was too long."""
FIELDS_LIMIT: Final = 128
KEEP_ALIVE_S: Final = 75.0
HEAD_S: Final = 30.0
"""How long a head may take to arrive once it has begun."""
LINGER_S: Final = 2.0
READ_BUFFER: Final = 65_536
"""Bytes of a request's body that may wait to be read; twice that at most."""


class Connection(web.RequestHandler):
    """One client's connection; what `exchange.Client` promises."""

    __slots__ = ("_body", "_deaf", "_slow", "deadline", "exchange", "front", "peer", "port", "wire")

    def __init__(self, front: Front, **options: Any) -> None:
        super().__init__(front, **options)
        self.front = front
        self.exchange: Exchange | None = None
        """The one that is being served."""
        self.peer = ""
        self.port = 0
        self.wire: asyncio.Transport
        self.deadline = 0.0
        """For the head that has begun to arrive, if `_slow`."""
        self._body: StreamReader = EMPTY_PAYLOAD
        """Of the request that is being served."""
        self._deaf = False
        self._slow = False

    # Called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.wire = cast("asyncio.Transport", transport)
        peer, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        if peer and here:  # gone again already, otherwise
            self.peer, self.port = peer[0], here[1]
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._on_time()
        self._spoil("the client left")
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        super().data_received(data)
        if not self._messages:
            if self.exchange is None and data and not self._slow:
                self._slow = True
                self.deadline = self.front.now() + HEAD_S
                self.front.deadlines.watch(self)
        elif isinstance(self._messages[-1][0], _ErrInfo):
            self._spoil(_told(self._messages[-1][0].exc)[1])

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.exchange is not None and self.exchange.flow is not None:
            self.exchange.flow.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.exchange is not None and self.exchange.flow is not None:
            self.exchange.flow.resume()

    # Serving

    async def start(self) -> None:
        """Serve the requests of this connection, one after another."""
        loop = self._loop
        try:
            while not self._force_close:
                if not self._messages:
                    self._waiter = loop.create_future()
                    try:
                        await self._waiter
                    finally:
                        self._waiter = None
                self._on_time()
                message, self._body = self._messages.popleft()
                if self._parser is not None:
                    self._parser.message_consumed()
                if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
                    self._resume_reading_if_drained()
                self._request_in_progress = True
                try:
                    close = await self._serve(message)
                finally:
                    self.exchange = None
                    self._request_in_progress = False
                    if self._handler_waiter is not None and not self._handler_waiter.done():
                        self._handler_waiter.set_result(None)
                if close:
                    if isinstance(message, _ErrInfo) or not self._body.is_eof():
                        await self._linger()
                    break
                self._next_keepalive_close_time = loop.time() + KEEP_ALIVE_S
                if self._keepalive_handle is None:
                    self._keepalive_handle = loop.call_at(self._next_keepalive_close_time, self._process_keepalive)
        except Exception:  # a bug of this module: it ends this connection and no other
            log.exception("serving a connection failed")
            self.wire.abort()
        finally:
            self.wire.close()

    async def _serve(self, message: RawRequestMessage | _ErrInfo) -> bool:
        """Serve one request. Returns whether the connection ends with it."""
        front = self.front
        if isinstance(message, _ErrInfo):
            front.refuse(self._nothing(), *_told(message.exc))
            return True
        body = self._body
        self.exchange = exchange = Exchange(
            self,
            message.method,
            message.path.encode("utf-8", "surrogateescape"),
            message.raw_headers,
            None if body is EMPTY_PAYLOAD else body,
            http10=message.version < (1, 1),
            close=message.should_close
            or self._upgraded,  # after an upgrade nothing is parsed, be it granted or refused
            upgrade=message.upgrade,
            arrived=front.now(),
        )
        await front.serve(exchange)
        return exchange.close or not body.is_eof()

    def expire(self) -> None:
        """A head takes too long (`deadlines.Limited`)."""
        self._on_time()
        self.front.refuse(self._nothing(), "request-timeout", f"The head did not arrive within {HEAD_S:g} s.")
        self.wire.close()

    def _nothing(self) -> Exchange:
        """Stands for a request of which nothing is known."""
        return Exchange(self, "", b"", (), None, http10=False, close=True, upgrade=False, arrived=self.front.now())

    def _on_time(self) -> None:
        if self._slow:
            self._slow = False
            self.front.deadlines.forget(self)

    def _spoil(self, why: str) -> None:
        """The rest of the body that is being read will not come."""
        if not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(BadBody(why))

    async def _linger(self) -> None:
        """End our side and ignore what still comes, until the client ends its own or time is up. Closing while the client still
        sends would reset the connection, and the answer with it."""
        if self.wire.is_closing() or not self.wire.can_write_eof():
            return
        self._deaf = True
        self.wire.write_eof()
        self._resume_transport_reading()
        await asyncio.sleep(LINGER_S)

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
        self.wire.abort()

    def stop_reading(self) -> None:
        self._pause_transport_reading()

    def start_reading(self) -> None:
        self._resume_transport_reading()

    def hand_over(self, receiver: Receiver) -> None:
        self.set_parser(cast("Any", _Raw(receiver)))

    def date_line(self) -> bytes:
        return self.front.date_line()


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

    def __init__(self, serve: Serve, refuse: Refuse, deadlines: Deadlines, clock: Clock) -> None:
        super().__init__(
            cast("Any", serve),
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=KEEP_ALIVE_S,
            max_line_size=TARGET_LIMIT,
            max_field_size=FIELD_LIMIT,
            max_headers=FIELDS_LIMIT,
            read_bufsize=READ_BUFFER,
        )
        self.serve = serve
        self.refuse = refuse
        self.deadlines = deadlines
        self.now = clock.now
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


def _told(error: BaseException) -> tuple[str, str]:
    """Slug and sentence for what aiohttp's parser says; without the client's bytes, which it quotes."""
    if isinstance(error, LineTooLong):
        if error.args[1] == TARGET_LIMIT:
            return "uri-too-long", f"The request target is longer than {TARGET_LIMIT} bytes."
        return "headers-too-large", f"A header field is longer than {FIELD_LIMIT} bytes."
    if isinstance(error, BadHttpMethod):
        if "HTTPS" in error.message:
            return "bad-request", "This is TLS; the gateway speaks plain http on this port."
        return "bad-request", "The request line names no known method."
    message = error.message if isinstance(error, HttpProcessingError) else str(error)
    if message == "Too many headers received":
        return "headers-too-large", f"There are more than {FIELDS_LIMIT} header fields."
    first = message.partition("\n")[0].partition(":")[0].strip() or "it does not parse"
    return "bad-request", f"The request does not follow RFC 9112: {first[:80]}."
