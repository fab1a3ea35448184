"""An answer as it was written to a client, taken apart again: status line, fields, body without framing.

We wrote it ourselves, so the parsing may be short; but the body may have been cut anywhere, also inside of a chunk's size.
"""

from __future__ import annotations

from dataclasses import dataclass

Pair = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 0
    reason: str = ""
    fields: tuple[Pair, ...] = ()
    body: bytes = b""
    """Without chunk sizes."""


def answer_of(data: bytes) -> Answer:
    """Bytes of one answer; nothing of it gives an answer with status 0."""
    head, end, body = data.partition(b"\r\n\r\n")
    line, *rest = head.split(b"\r\n")
    words = line.split(b" ", 2)
    if not end or len(words) < 2 or not words[1].isdigit():
        return Answer()
    fields = pairs(rest)
    if any(name.lower() == b"transfer-encoding" for name, _ in fields):
        body = dechunked(body)
    return Answer(int(words[1]), words[2].decode("latin-1") if len(words) > 2 else "", fields, body)


def pairs(lines: list[bytes]) -> tuple[Pair, ...]:
    """Header lines as names and values."""
    split = (line.partition(b":") for line in lines if line)
    return tuple((name, value.strip(b" \t")) for name, _, value in split)


def dechunked(data: bytes) -> bytes:
    """The body in chunks (RFC 9112 7.1), as far as it goes."""
    found: list[bytes] = []
    at = 0
    while (end := data.find(b"\r\n", at)) >= 0:
        try:
            size = int(data[at:end].partition(b";")[0], 16)
        except ValueError:
            break
        if size <= 0:
            break
        found.append(data[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
    return b"".join(found)
