"""What answers say for whoever looks for a fault in a network panel: `gateway.debug_headers` (SEMANTICS 3.3).

Off unless somebody wants it, and no answer pays for it then: what devgate hides from a page, the page should not come to know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.gateway.middleware.chain import Passing

if TYPE_CHECKING:
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.relay import Relay
    from devgate.gateway.upstream.response import ResponseHead
    from devgate.gateway.upstream.sink import Sink

ATTEMPTS = b"X-Devgate-Attempts"


def debugged(sink: Sink, relay: Relay) -> Sink:
    """Tells of the attempts until this answer, of a WebSocket's handshake, too."""
    return _Debugged(sink, relay.exchange)


def attempts_line(count: int) -> bytes:
    """For what the gateway answers itself."""
    return b"%b: %d\r\n" % (ATTEMPTS, count)


class _Debugged(Passing):
    __slots__ = ("_exchange",)

    def __init__(self, sink: Sink, exchange: Exchange) -> None:
        super().__init__(sink)
        self._exchange = exchange

    def on_head(self, head: ResponseHead) -> None:
        self._tell(head)
        super().on_head(head)

    def on_upgrade(self, head: ResponseHead) -> None:
        self._tell(head)
        super().on_upgrade(head)

    def _tell(self, head: ResponseHead) -> None:
        count = max(1, self._exchange.traced().attempts)
        others = [field for field in head.headers if field[0].lower() != ATTEMPTS.lower()]
        head.headers = [*others, (ATTEMPTS, b"%d" % count)]
