"""One HTTP/1.1 connection to a service: a request out, an answer in, and again.

States: *idle* (in the pool) -> *taken* (somebody is about to `start`) -> *under way* (has a sink) -> idle again, or closed. After
a 101 it is a *tunnel* until it closes. The owner, a pool, hears of each change.

The order within a batch is what makes this safe: the reader only collects, then the parts are handed out one by one, and after
each call it is asked whether the sink still wants more (it may have aborted). The connection is handed back before `on_complete`,
so that a sink which sends its next request at once finds it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from devgate.gateway.upstream.errors import Kind, Stage, UpstreamError
from devgate.gateway.upstream.response import Framing, ResponseReader
from devgate.gateway.upstream.unread import has_input, last_words

if TYPE_CHECKING:
    from devgate.gateway.upstream.sink import Sink

CHUNKED: Final = -1
"""As the length of a request body: not known, `write_body` makes a chunk of each part."""

SALVAGE_BYTES = 256 * 1024
"""How much of an answer is read from a connection on which a write has failed."""


class Owner(Protocol):
    """Who keeps connections. Every call is synchronous and says what has already happened."""

    def released(self, connection: UpstreamConnection) -> None:
        """The exchange is over and another one may begin."""

    def spent(self, connection: UpstreamConnection) -> None:
        """No further exchange will begin. Said once."""

    def detached(self, connection: UpstreamConnection) -> None:
        """The exchange under way lasts as long as its client likes, and should hold up nobody else. Said once an exchange."""

    def closed(self, connection: UpstreamConnection) -> None:
        """The socket is closed; the last that is heard."""


class UpstreamConnection(asyncio.Protocol):
    """See the module. Made by `dial`, kept by a pool."""

    __slots__ = (
        "_detached",
        "_head_seen",
        "_held_back",
        "_keep",
        "_owner",
        "_paused",
        "_reader",
        "_sink",
        "_spent",
        "_transport",
        "_tunnel",
        "_unsent",
        "_until_eof",
        "_waiter",
        "generation",
        "idle_since",
        "served",
    )

    def __init__(self, owner: Owner, generation: int = 0) -> None:
        self.generation = generation
        """Of the pool when this connection was dialled."""
        self.idle_since = 0.0
        """When the last exchange ended, by the pool's clock."""
        self.served = 0
        """Exchanges begun so far."""
        self._owner = owner
        self._transport: asyncio.Transport
        self._reader = ResponseReader()
        self._sink: Sink | None = None
        self._waiter: asyncio.Future[bool] | None = None
        self._unsent = 0
        self._paused = False
        self._held_back = False
        self._head_seen = False
        self._keep = False
        self._until_eof = False
        self._tunnel = False
        self._detached = False
        self._spent = False

    def __repr__(self) -> str:
        if self._spent:
            state = "closed"
        elif self._sink is None:
            state = "idle"
        else:
            state = "tunnel" if self._tunnel else "under way"
        return f"<{type(self).__name__} {state}, exchange {self.served}>"

    # For whoever sends a request

    def start(
        self,
        sink: Sink,
        head: bytes,
        *,
        body: int = 0,
        is_head: bool = False,
        expects_upgrade: bool = False,
    ) -> None:
        """Send a request; `sink` hears the answer, never before this returns.

        Args:
            head: request line and fields with their last empty line; its framing fields agree with `body`. May carry the body of
                a small request, too, which then does not count as `body`.
            body: how many bytes will follow by `write_body`, or `CHUNKED`.
            is_head: the answer has no body, whatever it says.
            expects_upgrade: 101 is an answer.

        Raises:
            UpstreamError: the connection has died since it was acquired. Nothing was sent.
            RuntimeError: an exchange is under way.
        """
        transport = self._transport
        if self._sink is not None:
            raise RuntimeError(f"{self!r} cannot begin another exchange")
        if transport.is_closing():
            self._spend()
            raise UpstreamError(
                Kind.RESET, Stage.SEND, "the service closed the connection before the request", reused=self.served > 0
            )
        self.served += 1
        self._reader.begin(is_head=is_head, expects_upgrade=expects_upgrade)
        self._sink = sink
        self._unsent = body
        self._head_seen = False
        self._until_eof = False
        transport.write(head)

    def write_body(self, data: bytes) -> bool:
        """Send a part of the request's body; in a tunnel, raw bytes. False when nobody wants more: the exchange is over.

        Raises:
            ValueError: more than was promised to `start`.
        """
        if self._sink is None or self._transport.is_closing():
            return False
        if not data:
            return True  # an empty chunk would be the last one
        if self._tunnel:
            self._transport.write(data)
        elif self._unsent == CHUNKED:
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        elif len(data) <= self._unsent:
            self._unsent -= len(data)
            self._transport.write(data)
        else:
            raise ValueError(f"{len(data)} bytes of a request body where {self._unsent} are left")
        return True

    def end_body(self, trailers: bytes = b"") -> None:
        """The request is whole. A chunked one may have `trailers`, encoded fields that end in CRLF each.

        Raises:
            ValueError: bytes that were promised are missing. Abort: the service waits for them.
        """
        if self._sink is None or self._tunnel:
            return
        if self._unsent == CHUNKED:
            self._unsent = 0
            if not self._transport.is_closing():
                self._transport.write(b"0\r\n%b\r\n" % trailers)
        elif self._unsent:
            raise ValueError(f"{self._unsent} bytes of the request body are missing")

    async def drained(self) -> bool:
        """Wait until the service has read enough of what was written. False: the exchange is over, stop sending."""
        if self._sink is None:
            return False
        if not self._paused:
            return True
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiter = waiter
        try:
            return await waiter
        finally:
            self._waiter = None

    def pause_reading(self) -> None:
        """The client reads slower than the service sends. What has been read already still arrives."""
        if self._sink is not None and not self._held_back and not self._transport.is_closing():
            self._held_back = True
            self._transport.pause_reading()
            self.detach()

    def resume_reading(self) -> None:
        """The client has caught up."""
        if self._held_back and not self._transport.is_closing():
            self._held_back = False
            self._transport.resume_reading()

    def detach(self) -> None:
        """Give this exchange's place in the pool's limits to somebody else: an event stream holds one for hours.

        Tunnels and exchanges that wait for their client do so by themselves.
        """
        if not self._detached and not self._spent:
            self._detached = True
            self._owner.detached(self)

    def abort(self) -> None:
        """Close at once and forget the exchange; the sink hears nothing more. Also for a connection that was never started."""
        self._sink = None
        self._close()

    def fail(self, kind: Kind, detail: str) -> None:
        """Close at once and let the sink hear `on_error`: a deadline has passed, or the gateway is stopping."""
        sink = self._sink
        self._sink = None
        self._close()
        if sink is not None:
            sink.on_error(self._error(kind, detail))

    # For the pool

    @property
    def usable(self) -> bool:
        return not self._spent and not self._transport.is_closing()

    def has_input(self) -> bool:
        """Something lies in the socket that the loop has not seen: on an idle connection, its end. Costs a system call."""
        return has_input(self._transport)

    # Called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        sink = self._sink
        if sink is None:
            self._close()  # no request, so no answer; after it, it could be taken for the next one
            return
        if self._tunnel:
            sink.on_body(data)
            if self._sink is sink:
                sink.on_flush()
            return
        reader = self._reader
        reader.feed(data)
        if not self._hand_out(sink):
            return
        if reader.complete:
            self._finish(sink, reusable=self._keep and not reader.garbage)
        elif reader.fault:
            self.fail(reader.kind, reader.fault)
        else:
            sink.on_flush()

    def eof_received(self) -> None:
        sink = self._sink
        if sink is None:
            self._close()
        elif self._tunnel or self._until_eof:
            self._finish(sink, reusable=False)
        else:
            self._lose("closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._sink is not None and exc is not None and not self._tunnel:
            data, whole = last_words(self._transport, SALVAGE_BYTES)
            if data:
                self.data_received(data)
            if whole:
                self.eof_received()
        if self._sink is not None:
            self._lose("reset the connection" if exc is not None else "closed the connection")
        self._spend()
        self._owner.closed(self)

    def pause_writing(self) -> None:
        self._paused = True
        if self._sink is not None:
            self._sink.on_pause_sending()

    def resume_writing(self) -> None:
        self._paused = False
        self._wake(True)
        if self._sink is not None:
            self._sink.on_resume_sending()

    # Parts of the above

    def _hand_out(self, sink: Sink) -> bool:
        """Tell `sink` what the reader has found. False: the exchange is no longer this sink's."""
        reader = self._reader
        if reader.informational:
            for interim in reader.informational:
                sink.on_informational(interim)
                if self._sink is not sink:
                    return False
            reader.informational.clear()
        head = reader.head
        if head is not None:
            reader.head = None
            self._head_seen = True
            self._keep = head.keep
            if head.status == 101:
                self._tunnel = True
                self.detach()
                sink.on_upgrade(head)
            else:
                self._until_eof = head.framing is Framing.EOF
                sink.on_head(head)
            if self._sink is not sink:
                return False
        if reader.pieces:
            for piece in reader.pieces:
                sink.on_body(piece)
                if self._sink is not sink:
                    return False
            reader.pieces.clear()
        return True

    def _finish(self, sink: Sink, *, reusable: bool) -> None:
        """The answer is whole."""
        reader = self._reader
        if reader.trailers and not self._tunnel:
            sink.on_trailers(reader.trailers)
            if self._sink is not sink:
                return
        self._sink = None
        # An answer that came before the end of its request is whole, but the service may still wait for the rest of it.
        if reusable and not self._unsent and not self._transport.get_write_buffer_size() and self.usable:
            if self._held_back:
                self._held_back = False
                self._transport.resume_reading()
            self._owner.released(self)
            self._detached = False
        else:
            self._close()
        sink.on_complete(garbage_after_body=reader.garbage)

    def _lose(self, what: str) -> None:
        if not self._reader.received:
            self.fail(Kind.RESET, f"the service {what} without an answer")
        elif not self._head_seen:
            self.fail(Kind.TRUNCATED, f"the service {what} within the head of its answer")
        elif self._tunnel:
            self.fail(Kind.RESET, f"the service {what}")
        else:
            self.fail(Kind.TRUNCATED, f"the service {what} before the end of its answer")

    def _error(self, kind: Kind, detail: str) -> UpstreamError:
        received = self._reader.received
        stage = Stage.BODY if self._head_seen else Stage.SEND if self._unsent and not received else Stage.HEAD
        return UpstreamError(kind, stage, detail, sent_any=True, received_any=received, reused=self.served > 1)

    def _close(self) -> None:
        # abort, not close: what is still to be written is for an exchange that nobody follows any more
        self._transport.abort()
        self._spend()

    def _spend(self) -> None:
        self._wake(False)
        if not self._spent:
            self._spent = True
            self._owner.spent(self)

    def _wake(self, go_on: bool) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(go_on)
