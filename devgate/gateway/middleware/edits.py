"""Header fields and cookies, changed as the profile says: `policy.edits` and `policy.cookies` on the wire."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from devgate.gateway.middleware.chain import Passing

if TYPE_CHECKING:
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.middleware.chain import Filter, Gate
    from devgate.gateway.relay import Relay
    from devgate.gateway.upstream.response import ResponseHead
    from devgate.gateway.upstream.sink import Sink
    from devgate.policy.cookies import CookieRewrite
    from devgate.policy.edits import Edits


def request_edits(edits: Edits) -> Gate:
    """Changes what the service is told. A connection's requests share a greeting, so this one gets its own."""

    def gate(exchange: Exchange) -> None:
        greeting = exchange.greeting
        lines = edits.lines(greeting.passing.splitlines(keepends=True))
        exchange.greeting = replace(greeting, passing=b"".join(lines))

    return gate


def answer_edits(edits: Edits | None, cookies: CookieRewrite | None) -> Filter:
    """Changes what the client is told, of a WebSocket's handshake, too."""

    def wrap(sink: Sink, relay: Relay) -> Sink:
        return _Edited(sink, edits, cookies)

    return wrap


class _Edited(Passing):
    __slots__ = ("_cookies", "_edits")

    def __init__(self, sink: Sink, edits: Edits | None, cookies: CookieRewrite | None) -> None:
        super().__init__(sink)
        self._edits = edits
        self._cookies = cookies

    def on_head(self, head: ResponseHead) -> None:
        self._change(head)
        super().on_head(head)

    def on_upgrade(self, head: ResponseHead) -> None:
        self._change(head)
        super().on_upgrade(head)

    def _change(self, head: ResponseHead) -> None:
        if self._cookies is not None:
            rewrite = self._cookies.apply
            head.headers = [
                (name, rewrite(value)) if name.lower() == b"set-cookie" else (name, value)
                for name, value in head.headers
            ]
        if self._edits is not None:  # last: what somebody has written is not rewritten
            head.headers = self._edits.fields(head.headers)
