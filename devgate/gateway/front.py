"""The listener's side of HTTP/1: aiohttp's low-level server, bent to what a proxy needs. Only this module touches its internals.

aiohttp gives the parser (llhttp in C), pipelining, back-pressure, bodies as streams and the set of connections. What it does with
a parsed request is replaced as a whole: its request and response objects, a task and a writer for each request cost as much as
all of our own rules together, and an error that it answers is written into a body that has begun. What is relied upon beyond
documented API, each held by a test in `tests/gateway/test_front.py`:

- `Server` makes a `RequestHandler` for each connection by being called, and `shutdown` shuts each down;
- `connection_made` runs `start()` in a task, `_task_handler`, which `connection_lost` cancels, given `handler_cancellation`;
- `data_received` appends parsed heads with their bodies to `_messages`; the parser pauses when the queue is full, until
  `message_consumed` and `_resume_reading_if_drained`;
- a head that does not parse becomes an `_ErrInfo` in the same queue;
- a *body* that does not parse leaves its reader waiting for ever: `data_received` here tells it;
- the last trailer of a chunked body becomes the first field of the next request: the parser gets to see none (`chunked`);
- `_process_keepalive` is called once the keep-alive time has passed since the connection was made;
- `set_parser` hands raw bytes over after an upgrade, those included that came before.
"""

from __future__ import annotations

import asyncio
import logging
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import _ErrInfo

from devgate.gateway import parting
from devgate.gateway.chunked import ChunkedBody
from devgate.gateway.exchange import BadBody, Exchange
from devgate.gateway.repetition import Repetition

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader

    from devgate.clock import Clock
    from devgate.gateway.deadlines import Deadlines
    from devgate.gateway.exchange import Receiver
    from devgate.gateway.greeting import Greeting
    from devgate.gateway.headers import Field

log = logging.getLogger(__name__)

TARGET_LIMIT: Final = 8_192
FIELD_LIMIT: Final = 8_190
"""Bytes of one header field. Not equal to `TARGET_LIMIT`: the limit is all that tells which of the two was too long."""
FIELDS_LIMIT: Final = 128
KEEP_ALIVE_S: Final = 75.0
HEAD_S: Final = 30.0
"""How long a head may take to arrive once it has begun."""
LINGER_S: Final = 2.0
_CHUNKED: Final = b"hunked"
"""What announces such a body, as every client writes it. In another case its trailers are dropped, as they may be."""
READ_BUFFER: Final = 65_536
"""Bytes of a request's body that may wait to be read; twice that at most."""


class Connection(web.RequestHandler):
    """One client's connection; what `exchange.Client` promises.

    Requests are begun one after another, by whoever has made room for the next: the socket's callback, or the end of the one
    before. The task that aiohttp makes for a connection does only what has to be waited for.
    """

    __slots__ = (
        "_advancing",
        "_alarm",
        "_body",
        "_chunked",
        "_deaf",
        "_farewell",
        "_last",
        "_lost",
        "_over",
        "_repetition",
        "_slow",
        "_trailed",
        "_trailers",
        "_work",
        "_working",
        "deadline",
        "exchange",
        "front",
        "greeting",
        "peer",
        "port",
        "wire",
    )

    def __init__(self, front: Front, **options: Any) -> None:
        super().__init__(front, **options)
        self.front = front
        self.exchange: Exchange | None = None
        """The one that is being served."""
        self.greeting: Greeting | None = None
        self.peer = ""
        self.port = 0
        self.wire: asyncio.Transport
        self.deadline = 0.0
        """For the head that has begun to arrive, if `_slow`."""
        self._body: StreamReader = EMPTY_PAYLOAD
        """Of the request that is being served."""
        self._advancing = False
        self._alarm: asyncio.Future[None] | None = None
        """Wakes the task."""
        self._work: Coroutine[Any, Any, None] | None = None
        """What the task is to do next."""
        self._working = False
        self._chunked: ChunkedBody | None = None
        """What reads the body that is arriving."""
        self._trailed: StreamReader | None = None
        """The body for which `_trailers` are."""
        self._trailers: list[Field] = []
        self._last = b""
        """The last bytes of a head that has begun to arrive, if `_slow`."""
        self._deaf = False
        self._farewell: asyncio.Future[None] | None = None
        """Set when the connection is lost, if somebody waits for that."""
        self._lost = False
        self._over = False
        """No further request is begun."""
        self._repetition = Repetition()
        self._slow = False

    # Called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.wire = cast("asyncio.Transport", transport)
        peer, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        if peer and here:  # gone again already, otherwise
            self.peer, self.port = peer[0], here[1]
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._lost = self._over = True
        self._on_time()
        self._spoil("the client left")
        exchange = None if self._working else self.exchange
        if self._work is not None:
            self._work.close()
            self._work = None
        super().connection_lost(exc)
        if exchange is not None:
            self.front.pipeline.abandon(exchange)
        if self._farewell is not None:
            self._farewell.set_result(None)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        repetition = self._repetition
        idle = self.exchange is None and not self._over
        if idle and (target := repetition.target(data)) is not None:
            self._body = EMPTY_PAYLOAD
            self._serve("HEAD" if data.startswith(b"H") else "GET", target, repetition.fields)
            return
        if self._chunked is not None:
            data = self._strip(data)
        elif idle and (self._slow or _CHUNKED in data) and not self._messages:
            data = self._begin_chunked(data)
        super().data_received(data)
        if data and repetition.between:
            greeting, body = self.greeting, self._alone() if idle else None
            repetition.fed(data, body)
            if body == 0 and repetition.between:
                self._advance()
                if greeting is not None and greeting is self.greeting:
                    repetition.learn(data, greeting.raw)
                return
        if not self._messages:
            if self.exchange is None and data and not self._over:
                self._last = (self._last + data[-3:])[-3:]
                if not self._slow:
                    self._slow = True
                    self.deadline = self.front.now() + HEAD_S
                    self.front.deadlines.watch(self)
            return
        if self.exchange is None:
            self._advance()
        if self._messages and isinstance(self._messages[-1][0], _ErrInfo):
            self._spoil(_told(self._messages[-1][0].exc)[1])

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.exchange is not None and self.exchange.flow is not None:
            self.exchange.flow.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.exchange is not None and self.exchange.flow is not None:
            self.exchange.flow.resume()

    def close(self) -> None:
        """Take no further request, and end when the one under way is answered."""
        super().close()
        if self.exchange is None:
            self._end(linger=False)

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

    # Serving

    async def start(self) -> None:
        """Do what has to be waited for, one thing after another, until the connection ends."""
        loop = self._loop
        try:
            while self._work is not None or not self._over:
                if self._work is None:
                    self._alarm = loop.create_future()
                    await self._alarm
                    self._alarm = None
                work, self._work = self._work, None
                if work is not None:
                    self._working = True
                    await work
                    self._working = False
        except Exception:  # a bug of this module: it ends this connection and no other
            log.exception("serving a connection failed")
            self.abort()
        finally:
            self.wire.close()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = work
        self._wake()

    def finished(self) -> None:
        exchange = self.exchange
        self.exchange = None
        if exchange is None or self._over:
            return
        arrived = self._body.is_eof()
        if exchange.close or not arrived or self.ending:
            self._end(linger=not arrived or exchange.kind == "websocket")
            return
        now = self._loop.time()
        self._next_keepalive_close_time = now + KEEP_ALIVE_S
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)
        if self._messages:
            self._advance()

    def _advance(self) -> None:
        """Begin with the requests that wait, as long as each is answered at once."""
        if self._advancing:
            return
        self._advancing = True
        while self._messages and self.exchange is None and not self._over:
            message, self._body = self._messages.popleft()
            if self._slow:
                self._on_time()
            if self._parser is not None:
                self._parser.message_consumed()
            if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
                self._resume_reading_if_drained()
            self._begin(message)
        self._advancing = False

    def _begin(self, message: RawRequestMessage | _ErrInfo) -> None:
        if isinstance(message, _ErrInfo):
            self.front.pipeline.refuse(self._nothing(), *_told(message.exc))
            self._end(linger=True)
            return
        trailed = self._body is self._trailed
        self._serve(
            message.method,
            message.path.encode("utf-8", "surrogateescape"),
            message.raw_headers,
            http10=message.version < (1, 1),
            # After an upgrade nothing is parsed, be it granted or refused; a chunked body that aiohttp reads may have trailers.
            close=message.should_close or self._upgraded or (message.chunked and not trailed),
            upgrade=message.upgrade,
            trailers=self._trailers if trailed else (),
        )

    def _alone(self) -> int | None:
        """Bytes of the body of the message that waits, if there is one and no other, it is whole and another may follow."""
        if len(self._messages) != 1:
            return None
        message, body = self._messages[0]
        if isinstance(message, _ErrInfo) or message.should_close or self._upgraded or message.version != (1, 1):
            return None
        if body is EMPTY_PAYLOAD:
            return 0
        return body.total_bytes if body.is_eof() and not message.chunked else None

    def _serve(
        self,
        method: str,
        target: bytes,
        fields: Sequence[Field],
        *,
        http10: bool = False,
        close: bool = False,
        upgrade: bool = False,
        trailers: Sequence[Field] = (),
    ) -> None:
        body = self._body
        self.exchange = exchange = Exchange(
            self,
            method,
            target,
            fields,
            None if body is EMPTY_PAYLOAD else body,
            http10=http10,
            close=close,
            upgrade=upgrade,
            arrived=self.front.now(),
        )
        exchange.trailers = trailers
        self.front.pipeline.serve(exchange)

    def _end(self, *, linger: bool) -> None:
        """The last answer is out."""
        self._over = True
        if linger and not self.wire.is_closing() and self.wire.can_write_eof():
            self._deaf = True
            self.run(self._linger())
        else:
            self.wire.close()
            self._wake()

    def _wake(self) -> None:
        if self._alarm is not None and not self._alarm.done():
            self._alarm.set_result(None)

    def _process_keepalive(self) -> None:
        self._keepalive_handle = None
        if self.exchange is not None or self._over:
            return
        if self._loop.time() < self._next_keepalive_close_time:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)
        else:
            self.close()

    def expire(self) -> None:
        """A head takes too long (`deadlines.Limited`)."""
        self._on_time()
        detail = f"The head did not arrive within {HEAD_S:g} s."
        self.front.pipeline.refuse(self._nothing(), "request-timeout", detail)
        self._end(linger=False)

    def _nothing(self) -> Exchange:
        """Stands for a request of which nothing is known."""
        return Exchange(self, "", b"", (), None, http10=False, close=True, upgrade=False, arrived=self.front.now())

    def _begin_chunked(self, data: bytes) -> bytes:
        """A chunked body may begin in `data`: hand the parser the head alone, so that what follows can be read beside it. Whether
        the head ends there, the parser knows; where it does not, pipelined requests above all, nothing is done. Returns what the
        parser is to be given next."""
        found = (self._last + data).find(b"\r\n\r\n")
        end = found + 4 - len(self._last)
        if found < 0 or end <= 0:
            return data
        self._repetition.fed(data, None)
        super().data_received(data[:end])
        if len(self._messages) == 1:
            message, body = self._messages[0]
            if not isinstance(message, _ErrInfo) and message.chunked and not body.total_bytes and not body.is_eof():
                self._trailed, self._trailers = body, []
                self._chunked = ChunkedBody(self._trailers)
                return self._strip(data[end:])
        return data[end:]

    def _strip(self, data: bytes) -> bytes:
        """What the parser is to be given of a body that has `_trailers`."""
        chunked = self._chunked
        assert chunked is not None
        try:
            data = chunked.feed(data)
        except BadBody as fault:
            assert self._trailed is not None
            self._trailed.set_exception(fault)
            self._deaf = True
            return b""
        if chunked.ended:
            self._chunked = None
        return data

    def _on_time(self) -> None:
        """The head has arrived; or will never."""
        self._slow = False
        self._last = b""
        self.front.deadlines.forget(self)

    def _spoil(self, why: str) -> None:
        """The rest of the body that is being read will not come."""
        if not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(BadBody(why))

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


class _Raw:
    """What aiohttp takes for a parser after an upgrade."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self._receiver.data_received(data)
        return False, b""

    def feed_eof(self) -> None:
        """The handler is cancelled as well."""


class Server(Protocol):
    """What serves exchanges (`pipeline.Pipeline`). Nothing here raises."""

    def serve(self, exchange: Exchange) -> None:
        """Answer, now or later; then `exchange.client.finished` is called."""
        ...

    def refuse(self, exchange: Exchange, code: str, detail: str) -> None:
        """Answer a request whose head does not parse, with a slug and a sentence."""
        ...

    def abandon(self, exchange: Exchange) -> None:
        """The client has left."""
        ...


class Front(web.Server):
    """All connections of the gateway's listener."""

    def __init__(self, pipeline: Server, deadlines: Deadlines, clock: Clock) -> None:
        super().__init__(
            cast("Any", None),  # requests do not go that way
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=KEEP_ALIVE_S,
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
        found = (cast("Connection", connection).exchange for connection in self.connections)
        return [exchange for exchange in found if exchange is not None]

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
