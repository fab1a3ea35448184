"""What the front hears of an exchange: the seam between a connection to a service and whoever relays its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from devgate.gateway.upstream.errors import UpstreamError
    from devgate.gateway.upstream.response import Fields, ResponseHead


class Sink(Protocol):
    """Hears one exchange.

    The order is `on_informational`*, `on_head`, `on_body`*, `on_trailers`?, `on_complete`. `on_error` may take the place of
    everything that is still to come, `on_upgrade` that of `on_head`. After `on_complete` or `on_error` the connection belongs to
    somebody else: let go of it there. After `UpstreamConnection.abort` nothing is heard any more.

    All calls are synchronous and come in batches, one for each read of the socket. A batch ends with `on_flush`, `on_complete`
    or `on_error`, so whoever collects what he hears and writes there sends a small answer with a single write, and still has
    the choice of another answer when an error arrives before the first byte has left.

    No call may raise: what is raised ends up in the event loop's handler, and the connection is lost.
    """

    def on_informational(self, head: ResponseHead) -> None:
        """A 1xx other than 101; the answer is still to come."""

    def on_head(self, head: ResponseHead) -> None:
        """The final answer begins. It may do so before the request is sent to its end."""

    def on_body(self, data: bytes) -> None:
        """A part of the body without its framing, never empty; after `on_upgrade` whatever the service sends."""

    def on_trailers(self, trailers: Fields) -> None:
        """The fields after a chunked body; not called where there are none."""

    def on_flush(self) -> None:
        """This batch is over and the exchange goes on."""

    def on_complete(self, *, garbage_after_body: bool) -> None:
        """The answer is whole; or the service has ended the tunnel.

        `garbage_after_body`: bytes followed it that belong to no answer, which is worth a line in the record.
        """

    def on_upgrade(self, head: ResponseHead) -> None:
        """101: from here on both directions carry raw bytes, by `on_body` and `UpstreamConnection.write_body`."""

    def on_error(self, error: UpstreamError) -> None:
        """The exchange is lost. What was heard of the answer is not all of it."""

    def on_pause_sending(self) -> None:
        """The service reads slower than we send: stop reading from the client, or wait with `UpstreamConnection.drained`."""

    def on_resume_sending(self) -> None:
        """The service has caught up."""
