"""One client's connection: requests answered one after the other, in the order in which they came."""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING, Final

from devgate.stub import answers, events, wire
from devgate.stub.reader import RequestReader
from devgate.stub.websocket import GOING_AWAY, Echo

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.stub.behaviour import Behaviour
    from devgate.stub.journal import Journal
    from devgate.stub.request import Request

PIPELINE_LIMIT: Final = 32
"""Requests waiting for their turn before the connection is read no further."""
LINGER_S: Final = 1.0
"""How long a client may take to read the last answer and close."""


class Connection(asyncio.Protocol):
    """Ends when the client leaves, when an answer says so, or with the stub.

    A client that only stops sending still gets complete answers. A stream or a WebSocket ends there: that is how most clients
    leave, and noticing it only at the next event would be late.
    """

    def __init__(
        self, stub: Behaviour, journal: Journal, everyone: set[Connection], crash: Callable[[str], None]
    ) -> None:
        self._stub = stub
        self._journal = journal
        self._everyone = everyone
        """All connections that are open; each one adds and removes itself."""
        self._crash = crash
        self._loop = asyncio.get_running_loop()
        self._reader = RequestReader(answers.keeps_body)
        self._news = asyncio.Event()
        """Something arrived, or there is room to write again."""
        self.closed: asyncio.Future[None] = self._loop.create_future()
        """Done when the transport is gone."""
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None]
        self._current: Request | None = None
        """The request whose answer is not complete."""
        self._echo: Echo | None = None
        self._opened = ""
        """Method and target that opened the WebSocket."""
        self._stream_end: bytes | None = None
        """While a stream goes on: what ends it."""
        self._is_lingering = False
        self._is_full = False
        """The client does not read what is sent to it."""
        self._has_eof = False

    # What the transport reports.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._everyone.add(self)
        self._task = self._loop.create_task(self._serve())

    def connection_lost(self, exc: Exception | None) -> None:
        self._everyone.discard(self)
        self.closed.set_result(None)
        self._task.cancel()
        if self._current is not None:
            self._journal.say(f"{self._current.method} {self._current.target} - client left")
        if self._echo is not None and self._echo.closed is None:
            self._journal.say(f"{self._opened} WebSocket lost after {self._echo.messages} messages")

    def data_received(self, data: bytes) -> None:
        if self._is_lingering:
            return
        if self._echo is not None:
            self._converse(self._echo, data)
            return
        self._reader.feed(data, self._loop.time())
        self._regulate()
        self._news.set()

    def eof_received(self) -> bool:
        self._has_eof = True
        self._news.set()
        return self._stream_end is None and self._echo is None and not self._is_lingering

    def pause_writing(self) -> None:
        self._is_full = True
        self._regulate()

    def resume_writing(self) -> None:
        self._is_full = False
        self._regulate()
        self._news.set()

    def _regulate(self) -> None:
        """Read on only while there is room for what it leads to."""
        if self._echo is not None:
            wait = self._is_full and not self._is_lingering
        else:
            wait = len(self._reader.requests) >= PIPELINE_LIMIT or self._reader.rest is not None
        if wait:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # The requests, one by one.

    async def _serve(self) -> None:
        try:
            while (request := await self._next()) is not None:
                self._current = request
                goes_on = await self._answer(request)
                self._current = None
                if not goes_on:
                    return
            if self._reader.refusal is not None:
                self._refuse(*self._reader.refusal)
            else:
                self._transport.close()
        except Exception:  # a fault of ours ends this connection and no other
            for line in traceback.format_exc().splitlines():
                self._journal.say(line)
            self._transport.abort()

    async def _next(self) -> Request | None:
        """The next complete request; nothing when there will be none."""
        waiting = self._reader.requests
        while True:
            if waiting and waiting[0].ended:
                request = waiting.popleft()
                self._regulate()
                if waiting:
                    await asyncio.sleep(0)  # one client's long pipeline is not to hold up the others
                return request
            if self._has_eof or self._reader.refusal is not None:
                return None
            if waiting and waiting[0].awaits_continue:
                waiting[0].awaits_continue = False
                if waiting[0].body_bytes == 0:
                    self._transport.write(wire.CONTINUE)
            await self._wait()

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def _drain(self) -> None:
        """Until the client has read enough to be sent more."""
        while self._is_full:
            await self._wait()

    async def _answer(self, request: Request) -> bool:
        """Answer it. Whether the connection is to serve another request."""
        answer = answers.decide(request, self._stub, self._loop.time())
        if isinstance(answer, answers.Crash):
            self._crash(answer.reason)
            return False
        if answer.delay:
            await asyncio.sleep(answer.delay)
        if isinstance(answer, answers.Upgrade):
            self._open(request, answer)
            return False
        if isinstance(answer, answers.Stream):
            keep = await self._stream(request, answer)
        else:
            keep = self._reply(request, answer)
        await self._drain()
        if not keep and request.upgrade:
            self._linger()  # it may have sent frames already, trusting in an answer that did not come
        elif not keep:
            self._transport.close()
        return keep

    def _head(self, status: int, *fields: tuple[str, str]) -> bytes:
        wall = self._stub.wall(self._loop.time())
        return wire.head(status, fields, service=self._stub.config.name, wall=wall)

    def _reply(self, request: Request, reply: answers.Reply) -> bool:
        keep = request.keep_alive and not reply.close
        body = reply.body if wire.has_body(request.method, reply.status) else b""
        head = self._head(
            reply.status,
            *reply.headers,
            *wire.length_field(reply.status, len(reply.body)),
            *wire.persistence_field(request.version, keep_alive=keep),
        )
        self._transport.write(head + body)
        took = (self._loop.time() - request.arrived) * 1000
        line = f"{request.method} {request.target} {reply.status} {len(body)} B {took:.1f} ms"
        if reply.is_probe:
            self._journal.say_news(request.path, f"{request.method} {reply.status}", line)
        else:
            self._journal.say(line)
        if reply.crash is not None:
            self._crash(reply.crash)
        return keep

    async def _stream(self, request: Request, stream: answers.Stream) -> bool:
        chunked = request.version == "1.1"
        keep = request.keep_alive and chunked
        framing = (("Transfer-Encoding", "chunked"),) if chunked else ()
        persistence = wire.persistence_field(request.version, keep_alive=keep)
        self._transport.write(self._head(200, *stream.headers, *framing, *persistence))
        if request.method == "HEAD":
            return keep
        self._journal.say(f"{request.method} {request.target} 200 event stream opened")
        self._stream_end = wire.LAST_CHUNK if chunked else b""
        schedule = events.schedule(stream.feed, self._stub.config.name, lambda: self._stub.wall(self._loop.time()))
        for piece, pause in schedule:
            self._transport.write(wire.chunk(piece) if chunked else piece)
            await self._drain()
            await asyncio.sleep(pause)
        self._transport.write(self._stream_end)
        self._stream_end = None
        self._journal.say(f"{request.method} {request.target} event stream complete")
        return keep

    def _refuse(self, status: int, reason: str) -> None:
        body = f"{reason}\n".encode()
        fields = ("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))
        self._transport.write(self._head(status, *fields, ("Connection", "close")) + body)
        self._journal.say(f"- {status} {reason}")
        self._linger()

    # The WebSocket.

    def _open(self, request: Request, upgrade: answers.Upgrade) -> None:
        self._echo = Echo()
        self._transport.write(self._head(101, *upgrade.headers))
        self._opened = f"{request.method} {request.target}"
        self._journal.say(f"{self._opened} 101 WebSocket opened")
        self._converse(self._echo, self._reader.rest or b"")
        self._regulate()
        if self._has_eof:
            self._transport.close()

    def _converse(self, echo: Echo, data: bytes) -> None:
        self._transport.write(echo.receive(data))
        if echo.closed is not None:
            self._journal.say(f"{self._opened} WebSocket closed with {echo.closed} after {echo.messages} messages")
            self._linger()

    # The end.

    def end(self) -> None:
        """Leave in the way that fits what is going on, without waiting for the client."""
        self._current = None
        self._task.cancel()
        if self._echo is not None and self._echo.closed is None:
            self._transport.write(self._echo.close(GOING_AWAY, "the stub is stopping"))
            self._linger()
        elif self._stream_end is not None:
            self._transport.write(self._stream_end)
            self._linger()
        elif not self._is_lingering:
            self._transport.close()

    def abort(self) -> None:
        """Leave at once."""
        self._transport.abort()

    def _linger(self) -> None:
        """Send what is still to be sent, then say that it was the last, and let the client close.

        Closing while something from the client is unread would make the system reset the connection, and the last answer could be
        lost on its way (RFC 9112 9.6).
        """
        if self._is_lingering or self._transport.is_closing():
            return
        self._is_lingering = True
        if self._has_eof:
            self._transport.close()
            return
        try:
            self._transport.write_eof()
        except OSError:  # the client has gone, and nobody has told the transport yet
            self._transport.abort()
            return
        self._transport.resume_reading()
        self._loop.call_later(LINGER_S, self._transport.abort)
