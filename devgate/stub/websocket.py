"""The WebSocket that says back whatever it is told (RFC 6455). Bytes in, bytes out; framing is wsproto's.

wsproto is imported at the first upgrade: it costs as much as all the rest of the stub, and most stubs never see one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from devgate.stub.request import Request

MESSAGE_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one message; a longer one is answered with close code 1009."""
GOING_AWAY: Final = 1001
TOO_BIG: Final = 1009

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3


class HandshakeError(ValueError):
    """A request that asks for a WebSocket in a way that cannot be answered with one."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def is_wanted(request: Request) -> bool:
    """Whether `Upgrade` names it. That `Connection` says so too has been seen to by the parser."""
    return any(protocol.lower() == "websocket" for protocol in _listed(request, "upgrade"))


def accept(request: Request) -> tuple[tuple[str, str], ...]:
    """The header fields of the 101 answer (RFC 6455 4.2.2); of the subprotocols, the first one offered.

    Raises:
        HandshakeError: what the client sent is no valid opening handshake (4.2.1).
    """
    if request.method != "GET" or request.version != "1.1":
        raise HandshakeError(400, "a WebSocket is opened by GET and HTTP/1.1")
    if request.values("sec-websocket-version") != ["13"]:
        raise HandshakeError(426, "only Sec-WebSocket-Version 13 is spoken here")
    key = request.values("sec-websocket-key")
    try:
        valid = len(key) == 1 and len(base64.b64decode(key[0], validate=True)) == 16
    except (binascii.Error, ValueError):
        valid = False
    if not valid:
        raise HandshakeError(400, "Sec-WebSocket-Key is not 16 bytes in base64")
    digest = hashlib.sha1(key[0].encode("latin-1") + _GUID, usedforsecurity=False).digest()
    fields = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", base64.b64encode(digest).decode()),
    ]
    if offered := _listed(request, "sec-websocket-protocol"):
        fields.append(("Sec-WebSocket-Protocol", offered[0]))
    return tuple(fields)


def _listed(request: Request, name: str) -> list[str]:
    """The members of a comma-separated header field, over all its lines."""
    return [member for part in ",".join(request.values(name)).split(",") if (member := part.strip())]


class Echo:
    """One open WebSocket. A message is joined from its fragments and sent back as one frame."""

    def __init__(self) -> None:
        # Here and not above: see the module's docstring.
        from wsproto import connection, events

        self._connection = connection.Connection(connection.ConnectionType.SERVER)
        self._events = events
        self._message = bytearray()
        self.messages = 0
        """Whole messages sent back so far."""
        self.closed: int | None = None
        """The code it was closed with, by whichever side. Nothing is to be received any more."""

    def receive(self, data: bytes) -> bytes:
        """Take what the client sent; return what to send back. Afterwards `closed` tells whether that was the last."""
        out = bytearray()
        self._connection.receive_data(data)
        for event in self._connection.events():
            if isinstance(event, self._events.TextMessage | self._events.BytesMessage):
                piece = event.data
                self._message += piece.encode() if isinstance(piece, str) else piece
                if len(self._message) > MESSAGE_LIMIT:
                    return bytes(out) + self.close(TOO_BIG, f"more than {MESSAGE_LIMIT} bytes in one message")
                if event.message_finished:
                    out += self._say(text=isinstance(piece, str))
            elif isinstance(event, self._events.Ping):
                out += self._connection.send(event.response())
            elif isinstance(event, self._events.CloseConnection):
                # The client's own close, or what wsproto found wrong (1002, 1007): either way the same goes back.
                self.closed = int(event.code)
                return bytes(out) + self._connection.send(event.response())
        return bytes(out)

    def close(self, code: int, reason: str) -> bytes:
        """The frame that ends it from this side."""
        self.closed = code
        return self._connection.send(self._events.CloseConnection(code=code, reason=reason))

    def _say(self, *, text: bool) -> bytes:
        whole, self._message = self._message, bytearray()
        self.messages += 1
        if text:
            return self._connection.send(self._events.TextMessage(data=whole.decode()))
        return self._connection.send(self._events.BytesMessage(data=whole))
