"""What went over a long connection as a list of messages: server-sent events (HTML standard 9.2), WebSocket (RFC 6455, 7692).

Both read what was kept, which may end in the middle of a message: what is not whole is left out.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING, Final, Literal

from devgate.inspection.bodies import redacted
from devgate.model.detail import Message
from devgate.redact import redact_text

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST: Final = 1_000
"""Messages that are listed; the first ones."""
LARGEST: Final = 64 * 1024
"""Bytes of one message that are shown."""
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_KINDS: Final[dict[int, Literal["text", "binary", "close", "ping", "pong"]]] = {
    1: "text",
    2: "binary",
    8: "close",
    9: "ping",
    10: "pong",
}


def events(data: bytes) -> tuple[Message, ...]:
    """The events of a stream, comments included: they are the heartbeat that somebody looks for."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    found: list[Message] = []
    fields: dict[str, str] = {}
    lines: list[str] = []
    for line in _LINE_END.split(text)[:-1]:  # what follows the last line end is not whole
        if len(found) >= MOST:
            break
        if line.startswith(":"):
            found.append(_event("comment", line[1:].strip(), {}))
        elif line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                lines.append(value)
            else:
                fields[name] = value
        else:
            if lines:  # without data it is none, whatever else it has
                found.append(_event("event", "\n".join(lines), fields))
            fields, lines = {}, []
    return tuple(found)


def _event(kind: Literal["event", "comment"], text: str, fields: dict[str, str]) -> Message:
    name, id = redact_text(fields.get("event", "")), redact_text(fields.get("id", ""))
    return Message("service", kind, len(text.encode("utf-8", "replace")), redacted(text, ""), name, id)


def frames(pieces: Iterable[tuple[bool, bytes]]) -> tuple[Message, ...]:
    """The messages of a WebSocket, in the order in which each was complete.

    Args:
        pieces: raw bytes as they came, each with whether the client sent it.
    """
    sides = {True: _Side("client"), False: _Side("service")}
    found: list[Message] = []
    for from_client, data in pieces:
        if len(found) >= MOST:
            break
        found += sides[from_client].feed(data)
    return tuple(found[:MOST])


class _Side:
    """One direction of a WebSocket."""

    def __init__(self, sender: Literal["client", "service"]) -> None:
        self._sender = sender
        self._rest = b""
        self._kind = 0
        self._packed = False
        self._parts: list[bytes] = []
        # One for the whole direction: each message may refer to the ones before (RFC 7692 7.1).
        self._unpack = zlib.decompressobj(-15)
        self._lost = False
        """A message was not unpacked to its end, so no later one can be."""

    def feed(self, data: bytes) -> list[Message]:
        self._rest += data
        found: list[Message] = []
        while (frame := _frame(self._rest)) is not None:
            first, payload, size = frame
            self._rest = self._rest[size:]
            code = first & 0x0F
            if code >= 8:
                found.append(self._message(code, payload, packed=False))
                continue
            if code:
                self._kind, self._packed, self._parts = code, bool(first & 0x40), []
            self._parts.append(payload)
            if first & 0x80:
                found.append(self._message(self._kind, b"".join(self._parts), packed=self._packed))
                self._parts = []
        return found

    def _message(self, code: int, payload: bytes, *, packed: bool) -> Message:
        kind = _KINDS.get(code, "binary")
        size = len(payload)
        if packed:
            try:
                payload = b"" if self._lost else self._unpack.decompress(payload + b"\x00\x00\xff\xff", LARGEST)
            except zlib.error:
                self._lost = True
            if self._lost:
                return Message(self._sender, kind, size, "(compressed)")
            self._lost = bool(self._unpack.unconsumed_tail)
        if kind == "close":
            status = struct.unpack("!H", payload[:2])[0] if size >= 2 else 1005
            return Message(
                self._sender, kind, size, f"{status} {redact_text(payload[2:].decode('utf-8', 'replace'))}".strip()
            )
        if kind == "binary":
            return Message(self._sender, kind, size)
        return Message(self._sender, kind, size, redacted(payload[:LARGEST].decode("utf-8", "replace"), ""))


def _frame(data: bytes) -> tuple[int, bytes, int] | None:
    """First byte, unmasked payload and size of the frame that `data` begins with; None if it is not whole."""
    if len(data) < 2:
        return None
    length, at = data[1] & 0x7F, 2
    if length >= 126:
        width = 2 if length == 126 else 8
        length = int.from_bytes(data[2 : 2 + width])
        at += width
    mask = b""
    if data[1] & 0x80:
        mask = data[at : at + 4]
        at += 4
    if len(data) < at + length or (data[1] & 0x80 and len(mask) < 4):
        return None
    payload = data[at : at + length]
    if mask and payload:
        repeated = (mask * (length // 4 + 1))[:length]
        payload = (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(length)
    return data[0], payload, at + length
