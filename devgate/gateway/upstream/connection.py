"""One HTTP/1.1 connection to a service: the asyncio side, and what is heard on it.

States: *idle* (in its owner's pool) -> *lent* (there is a `Line`) -> *under way* (and a `Sink`) -> idle again, or closed. After
a 101 it is a *tunnel* until it closes. The owner, a pool, hears of each change.

What makes this safe is the order within a batch: the reader only collects, then the parts are handed out one by one, and after
each call it is asked whether the sink still listens, for it may have aborted. The connection goes back to its owner before
`on_complete`, so that a sink which sends its next request at once finds it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol, cast

from devgate.gateway.upstream.errors import Kind, Stage, UpstreamError
from devgate.gateway.upstream.line import Line
from devgate.gateway.upstream.response import Framing, ResponseReader
from devgate.gateway.upstream.unread import has_input, last_words

if TYPE_CHECKING:
    from devgate.gateway.upstream.sink import Sink

READ_SIZE: Final = 64 * 1024
"""How many bytes are read at once. asyncio's own 256 KiB, once for the read and once for the parser's copy, are so large that the
allocator gives them back to the system each time and fetches them again: 940 us of CPU a MB, against 200 with this."""

LAST_WORDS: Final = 256 * 1024
"""How many bytes of an answer are looked for after a write has failed."""


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
    """See the module. Made by `dial`, kept by a pool, used through a `Line`."""

    __slots__ = (
        "_head_seen",
        "_keep",
        "_line",
        "_reader",
        "_sink",
        "_spent",
        "_until_eof",
        "choked",
        "generation",
        "idle_since",
        "owner",
        "served",
        "transport",
        "tunnel",
    )

    def __init__(self, owner: Owner, generation: int = 0) -> None:
        self.owner = owner
        self.generation = generation
        """Of the pool when this connection was dialled."""
        self.idle_since = 0.0
        """When the last exchange ended, by the pool's clock."""
        self.served = 0
        """Exchanges begun so far."""
        self.transport: asyncio.Transport
        self.choked = False
        """More is written than the service has read; the transport's buffer is full."""
        self.tunnel = False
        self._reader = ResponseReader()
        self._line: Line | None = None
        self._sink: Sink | None = None
        self._head_seen = False
        self._keep = False
        self._until_eof = False
        self._spent = False

    def __repr__(self) -> str:
        if self._spent:
            state = "closed"
        elif self._sink is not None:
            state = "tunnel" if self.tunnel else "under way"
        else:
            state = "idle" if self._line is None else "lent"
        return f"<{type(self).__name__} {state}, exchange {self.served}>"

    # For the pool and the line

    def has_input(self) -> bool:
        """Something lies in the socket that the loop has not seen: on an idle connection, its end. Costs a system call."""
        return has_input(self.transport)

    def lend(self) -> Line:
        """For the next exchange."""
        self._line = line = Line(self)
        return line

    def begin(self, sink: Sink, *, is_head: bool, expects_upgrade: bool) -> None:
        """A request is about to be written; what comes from now on is its answer."""
        if self._sink is not None:
            raise RuntimeError(f"{self!r} cannot begin another exchange")
        self._sink = sink
        self._head_seen = False
        self._until_eof = False
        self.served += 1
        self._reader.begin(is_head=is_head, expects_upgrade=expects_upgrade)

    def abort(self) -> None:
        """Close at once; the sink of an exchange under way hears nothing more."""
        self._sink = None
        self._close()

    def fail(self, kind: Kind, detail: str) -> None:
        """Close at once; the sink of an exchange under way hears `on_error`."""
        sink = self._sink
        if sink is None:
            self._close()
            return
        received = self._reader.received
        unsent = self._line is not None and self._line.unsent and not received
        stage = Stage.BODY if self._head_seen else Stage.SEND if unsent else Stage.HEAD
        self._sink = None
        self._close()
        sink.on_error(UpstreamError(kind, stage, detail, sent_any=True, received_any=received, reused=self.served > 1))

    # Called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        if hasattr(transport, "max_size"):  # asyncio's plain sockets have it; uvloop and TLS do not
            transport.max_size = READ_SIZE

    def data_received(self, data: bytes) -> None:
        sink = self._sink
        if sink is None:
            self._close()  # no request, so no answer; if kept, it would be taken for the next one
            return
        if self.tunnel:
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
        elif self.tunnel or self._until_eof:
            self._finish(sink, reusable=False)
        else:
            self._lose("closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._sink is not None and exc is not None:
            data = last_words(self.transport, LAST_WORDS)
            if data:
                self.data_received(data)
        if self._sink is not None:
            self._lose("reset the connection" if exc is not None else "closed the connection")
        self._spend()
        self.owner.closed(self)

    def pause_writing(self) -> None:
        self.choked = True
        if self._sink is not None:
            self._sink.on_pause_sending()

    def resume_writing(self) -> None:
        self.choked = False
        if self._line is not None:
            self._line.catch_up()
        if self._sink is not None:
            self._sink.on_resume_sending()

    # Parts of the above

    def _hand_out(self, sink: Sink) -> bool:
        """Tell `sink` what the reader has found. False: it does not listen any more."""
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
                self.tunnel = True
                if self._line is not None:
                    self._line.detach()
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
        """The answer is whole, or the tunnel has ended."""
        reader = self._reader
        if reader.trailers:
            sink.on_trailers(reader.trailers)
            if self._sink is not sink:
                return
        line, self._line = self._line, None
        self._sink = None
        if line is not None:
            line.over()
            # An answer may come before the end of its request. It is whole, but the service may still wait for the rest.
            reusable = reusable and not line.unsent and not self.transport.get_write_buffer_size()
        if reusable and not self._spent and not self.transport.is_closing():
            self.owner.released(self)
        else:
            self._close()
        sink.on_complete(garbage_after_body=reader.garbage)

    def _lose(self, what: str) -> None:
        if not self._reader.received:
            self.fail(Kind.RESET, f"the service {what} without an answer")
        elif self.tunnel:
            self.fail(Kind.RESET, f"the service {what}")
        elif not self._head_seen:
            self.fail(Kind.TRUNCATED, f"the service {what} within the head of its answer")
        else:
            self.fail(Kind.TRUNCATED, f"the service {what} before the end of its answer")

    def _close(self) -> None:
        # abort, not close: what is still to be written is for an exchange that nobody follows any more
        self.transport.abort()
        self._spend()

    def _spend(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.over()
        if not self._spent:
            self._spent = True
            self.owner.spent(self)
