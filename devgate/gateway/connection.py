"""The requests of one client's connection: aiohttp's server, bent to what a proxy needs. Only this module, `wire` below it and
`front` above it touch its internals.

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

from typing import TYPE_CHECKING, Any, Final

from aiohttp.http_writer import HttpVersion10, HttpVersion11
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import _ErrInfo

from devgate.gateway.exchange import BadBody, Exchange
from devgate.gateway.refusals import other_version, told
from devgate.gateway.repetition import Repetition
from devgate.gateway.trailing import ANNOUNCED, Trailing
from devgate.gateway.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader

    from devgate.gateway.front import Front
    from devgate.gateway.greeting import Greeting
    from devgate.gateway.headers import Field

KEEP_ALIVE_S: Final = 75.0
HEAD_S: Final = 30.0
"""How long a head may take to arrive once it has begun."""


class Connection(Wire):
    """One client's connection; what `exchange.Client` promises.

    Requests are begun one after another, by whoever has made room for the next: the socket's callback, or the end of the one
    before. The task that aiohttp makes for a connection does only what has to be waited for.
    """

    __slots__ = (
        "_advancing",
        "_body",
        "_repetition",
        "_slow",
        "_trailing",
        "deadline",
        "exchange",
        "greeting",
    )

    def __init__(self, front: Front, **options: Any) -> None:
        super().__init__(front, **options)
        self.exchange: Exchange | None = None
        """The one that is being served."""
        self.greeting: Greeting | None = None
        self.deadline = 0.0
        """For the head that has begun to arrive, if `_slow`."""
        self._body: StreamReader = EMPTY_PAYLOAD
        """Of the request that is being served."""
        self._advancing = False
        self._repetition = Repetition()
        self._slow = False
        self._trailing = Trailing()

    # Called by the transport

    def connection_lost(self, exc: BaseException | None) -> None:
        self._on_time()
        exchange, served = self.exchange, self._work.busy
        if exchange is not None:
            self.front.pipeline.lose(exchange)
        self._spoil("the client left")
        super().connection_lost(exc)
        if exchange is not None and not served:
            self.front.pipeline.abandon(exchange)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        repetition = self._repetition
        idle = self.exchange is None and not self._over
        if idle and (target := repetition.target(data)) is not None:
            self._body = EMPTY_PAYLOAD
            self._serve("HEAD" if data.startswith(b"H") else "GET", target, repetition.fields)
            return
        if self._trailing.reading:
            data = self._strip(data)
        elif idle and (self._slow or ANNOUNCED in data) and not self._messages:
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
                self._trailing.note(data)
                if not self._slow:
                    self._slow = True
                    self.deadline = self.front.now() + HEAD_S
                    self.front.deadlines.watch(self)
            return
        if self.exchange is None:
            self._advance()
        if self._messages and isinstance(self._messages[-1][0], _ErrInfo):
            self._spoil(told(self._messages[-1][0].exc)[1])

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

    # Serving

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
            self.front.pipeline.refuse(self._nothing(), *told(message.exc))
            self._end(linger=True)
            return
        version = message.version
        http10 = version != HttpVersion11
        if http10 and version != HttpVersion10:  # the parser takes 2.0, too, and 0.9 where there is none
            self.front.pipeline.refuse(self._nothing(), *other_version(version))
            self._end(linger=True)
            return
        trailed = self._body is self._trailing.body
        self._serve(
            message.method,
            message.path.encode("utf-8", "surrogateescape"),
            message.raw_headers,
            http10=http10,
            # After an upgrade nothing is parsed, be it granted or refused; a chunked body that aiohttp reads may have trailers.
            close=message.should_close or self._upgraded or (message.chunked and not trailed),
            upgrade=message.upgrade,
            trailers=self._trailing.fields if trailed else (),
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
        end = self._trailing.head_end(data)
        if not end:
            return data
        self._repetition.fed(data, None)
        super().data_received(data[:end])
        if len(self._messages) == 1:
            message, body = self._messages[0]
            if not isinstance(message, _ErrInfo) and message.chunked and not body.total_bytes and not body.is_eof():
                self._trailing.begin(body)
                return self._strip(data[end:])
        return data[end:]

    def _strip(self, data: bytes) -> bytes:
        """What the parser is to be given of a body that is read beside it."""
        stripped = self._trailing.strip(data)
        self._deaf = stripped is None
        return stripped or b""

    def _on_time(self) -> None:
        """The head has arrived; or will never."""
        self._slow = False
        self._trailing.forget()
        self.front.deadlines.forget(self)

    def _spoil(self, why: str) -> None:
        """The rest of the body that is being read will not come."""
        if not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(BadBody(why))
