"""One exchange's hold on a connection: what the gateway's front sends with, and ends early with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devgate.gateway.upstream.errors import Kind, Stage, UpstreamError

if TYPE_CHECKING:
    from devgate.gateway.upstream.connection import UpstreamConnection
    from devgate.gateway.upstream.sink import Sink

CHUNKED: Final = -1
"""As the length of a request body: not known, `write_body` makes a chunk of each part."""


class Line:
    """Lent by a pool for one exchange, to be started or aborted before the next await.

    When the exchange is over, in whatever way, the line is dead and everything on it does nothing. The connection may then serve
    somebody else, whom a late `abort` or `pause_reading` must not hit.
    """

    __slots__ = ("_connection", "_detached", "_held_back", "_reused", "_transport", "_waiter", "unsent")

    def __init__(self, connection: UpstreamConnection) -> None:
        self.unsent = 0
        """Bytes of the request body that are still to come, or `CHUNKED`."""
        self._connection: UpstreamConnection | None = connection
        self._transport = connection.transport
        self._reused = connection.served > 0
        self._held_back = False
        self._detached = False
        self._waiter: asyncio.Future[bool] | None = None

    def __repr__(self) -> str:
        return f"<Line {'dead' if self._connection is None else f'on {self._connection!r}'}>"

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
            UpstreamError: the connection has died since it was lent. Nothing was sent.
            RuntimeError: started before.
        """
        connection = self._connection
        if connection is None or self._transport.is_closing():
            self.abort()
            detail = "the service closed the connection before the request"
            raise UpstreamError(Kind.RESET, Stage.SEND, detail, reused=self._reused)
        connection.begin(sink, is_head=is_head, expects_upgrade=expects_upgrade)
        self.unsent = body
        self._transport.write(head)

    def write_body(self, data: bytes) -> bool:
        """Send a part of the request's body; in a tunnel, raw bytes. False when nobody wants more: the exchange is over.

        Raises:
            ValueError: more than was promised to `start`.
        """
        connection = self._connection
        if connection is None or self._transport.is_closing():  # uvloop raises on a write to a closed transport
            return False
        if not data:
            return True  # an empty chunk would be the last one
        if connection.tunnel:
            self._transport.write(data)
        elif self.unsent == CHUNKED:
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        elif len(data) <= self.unsent:
            self.unsent -= len(data)
            self._transport.write(data)
        else:
            raise ValueError(f"{len(data)} bytes of a request body where {self.unsent} are left")
        return True

    def end_body(self, trailers: bytes = b"") -> None:
        """The request is whole. A chunked one may have `trailers`, encoded fields that end in CRLF each.

        Raises:
            ValueError: bytes that were promised are missing. Abort: the service waits for them.
        """
        connection = self._connection
        if connection is None or connection.tunnel:
            return
        if self.unsent == CHUNKED:
            self.unsent = 0
            if not self._transport.is_closing():
                self._transport.write(b"0\r\n%b\r\n" % trailers)
        elif self.unsent:
            raise ValueError(f"{self.unsent} bytes of the request body are missing")

    async def drained(self) -> bool:
        """Wait until the service has read enough of what was written. False: the exchange is over, stop sending."""
        connection = self._connection
        if connection is None:
            return False
        if not connection.choked:
            return True
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        try:
            return bool(await waiter)
        finally:
            self._waiter = None

    def pause_reading(self) -> None:
        """The client reads slower than the service sends. What has been read already still arrives."""
        if self._connection is not None and not self._held_back and not self._transport.is_closing():
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
        if self._connection is not None and not self._detached:
            self._detached = True
            self._connection.owner.detached(self._connection)

    def abort(self) -> None:
        """Close the connection at once; the sink hears nothing more."""
        if self._connection is not None:
            self._connection.abort()

    def fail(self, kind: Kind, detail: str) -> None:
        """Close the connection at once and let the sink hear `on_error`: a deadline has passed, say."""
        if self._connection is not None:
            self._connection.fail(kind, detail)

    # Called by the connection

    def catch_up(self) -> None:
        """What was written has left."""
        self._wake(True)

    def over(self) -> None:
        """The exchange has ended."""
        if self._connection is not None:
            if self._held_back:
                self.resume_reading()
            self._connection = None
            if self._waiter is not None:
                self._wake(False)

    def _wake(self, go_on: bool) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(go_on)
