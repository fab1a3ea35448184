"""A WebSocket after its handshake: raw bytes both ways, and a proper goodbye when the gateway has to end it.

Messages are never taken apart, so everything that two endpoints agreed upon works: subprotocols, extensions, close codes, pings,
fragments. Where one side ends without a close frame (1006, as the other one's owner will call that), the connection of the other
ends, and nothing is said that was not said: the codes that no frame may carry are never ours. Frames are followed only to find a
place where a close frame of ours may stand.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from devgate.gateway.capture import KEPT
from devgate.gateway.frames import GOING_AWAY, FrameEdges, close_frame

if TYPE_CHECKING:
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.upstream.line import Line


class Tunnel:
    """One WebSocket. What the client sends arrives at `data_received`, what the service sends at `pass_back`."""

    __slots__ = ("_down", "_exchange", "_frames", "_line", "_parted_down", "_parted_up", "_up")

    def __init__(self, exchange: Exchange, line: Line) -> None:
        self._exchange = exchange
        self._line = line
        self._up = FrameEdges()
        self._down = FrameEdges()
        self._parted_down = self._parted_up = False
        """Whether a close frame of ours has gone that way: nothing may follow it (RFC 6455 5.5.1)."""
        self._frames = exchange.traced().frames

    @property
    def said(self) -> bool:
        """Whether the client has the service's close frame, whole: then it does not matter how the connection ends."""
        return self._down.closing and self._down.at_edge

    def data_received(self, data: bytes) -> None:
        if self._parted_up:
            return
        if self._exchange.received < KEPT:
            self._frames.append((True, data))
        self._exchange.received += len(data)
        self._up.feed(data)
        self._line.write_body(data)

    def pass_back(self, data: bytes) -> None:
        if self._parted_down:
            return
        if self._exchange.sent < KEPT:
            self._frames.append((False, data))
        self._exchange.sent += len(data)
        self._down.feed(data)
        self._exchange.client.write(data)

    def say_goodbye(self, code: int) -> bool:
        """Send close frames to both ends. False where one would stand inside another frame: then only breaking off is left."""
        if self._down.closing:
            return True
        if not self._down.at_edge:
            return False
        reason = "devgate is shutting down" if code == GOING_AWAY else "the service restarts"
        self._exchange.client.write(close_frame(code, reason))
        self._parted_down = True
        if self._up.at_edge and not self._up.closing:
            self._line.write_body(close_frame(code, reason, mask=os.urandom(4)))
            self._parted_up = True
        return True
