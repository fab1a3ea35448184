"""WebSocket frames, followed just far enough to know where one ends (RFC 6455 5.2). Pure.

A tunnel carries bytes, not messages. Only when the gateway itself has to end it does it matter where a frame ends: a close frame
put into the middle of another one would be taken for its payload.
"""

from __future__ import annotations

import struct
from typing import Final

CLOSE: Final = 0x8
GOING_AWAY: Final = 1001
SERVICE_RESTART: Final = 1012

_FINAL: Final = 0x80
_MASKED: Final = 0x80
_LENGTHS: Final = {126: 2, 127: 8}
"""Values of the short length that announce a long one, and its bytes."""


class FrameEdges:
    """Follows one direction. Nonsense is followed as far as it goes: judging it is the endpoints' business."""

    __slots__ = ("_head", "_left", "closing")

    def __init__(self) -> None:
        self._head = b""
        """Beginning of a frame whose length is not known yet."""
        self._left = 0
        """Bytes until the frame ends."""
        self.closing = False
        """Whether a close frame has begun: nothing may follow it."""

    @property
    def at_edge(self) -> bool:
        """Whether the next byte begins a frame."""
        return not self._left and not self._head

    def feed(self, data: bytes) -> None:
        """The next bytes of this direction."""
        if self._left >= len(data):
            self._left -= len(data)
            return
        data = self._head + data[self._left :]
        self._left = 0
        at, end = 0, len(data)
        while at < end:
            size = _size(data, at)
            if size is None:
                break
            self.closing = self.closing or data[at] & 0x0F == CLOSE
            at += size
        self._left = max(0, at - end)
        self._head = data[at:]


def close_frame(code: int, reason: str, *, mask: bytes = b"") -> bytes:
    """A close frame; with four bytes of `mask` as a client has to send it."""
    payload = struct.pack("!H", code) + reason.encode()[:123]
    if mask:
        payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes((_FINAL | CLOSE, (_MASKED if mask else 0) | len(payload))) + mask + payload


def _size(data: bytes, at: int) -> int | None:
    """Bytes of the frame that begins at `at`; None while its head is not complete."""
    if len(data) - at < 2:
        return None
    short = data[at + 1] & 0x7F
    mask = 4 if data[at + 1] & _MASKED else 0
    extra = _LENGTHS.get(short, 0)
    if not extra:
        return 2 + mask + short
    if len(data) - at < 2 + extra:
        return None
    return 2 + extra + mask + int.from_bytes(data[at + 2 : at + 2 + extra])
