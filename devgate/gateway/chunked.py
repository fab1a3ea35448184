"""A chunked request body as it comes off the wire (RFC 9112 7.1), read so that nobody behind can read it another way. No IO.

aiohttp's parser forgets the trailers, but for the last one, which it takes for the first field of the next request on the
connection (3.14.5). So it never sees any: it is given the same body without trailers and chunk extensions, and the trailers go
round it. Extensions concern one hop only and are dropped, as RFC 9112 7.1.1 has it.
"""

from __future__ import annotations

import re
from typing import Final

from devgate.gateway.exchange import BadBody

LINE_LIMIT: Final = 8_190
"""Bytes of one trailer field, or of one chunk's size with its extensions."""
FIELDS_LIMIT: Final = 128
EXTRA_LIMIT: Final = 65_536
"""Bytes of all trailers of a body, and of all its chunk extensions: they reach nobody, and must not keep us busy for ever."""

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})((?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?)")
_NEXT: Final = (re.compile(rb"([0-9A-Fa-f]{1,15})\r\n"), re.compile(rb"\r\n([0-9A-Fa-f]{1,15})\r\n"))
"""The way from one chunk to the next as nearly everybody writes it: at the beginning, and after a chunk."""
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_HEX: Final = frozenset(b"0123456789ABCDEFabcdef")


class ChunkedBody:
    """One body while it arrives.

    Args:
        trailers: filled with the fields that follow it.
    """

    __slots__ = ("_extra", "_kept", "_last", "_left", "_within", "ended", "trailers")

    def __init__(self, trailers: list[tuple[bytes, bytes]]) -> None:
        self.trailers = trailers
        self.ended = False
        self._kept = b""
        """The beginning of a line."""
        self._left = 0
        """Bytes that the chunk still has."""
        self._within = False
        """Between a chunk's size and the end of line after its data."""
        self._last = False
        """The last chunk was seen; what comes are trailers."""
        self._extra = 0

    def feed(self, data: bytes) -> bytes:
        """What of `data` goes on: the same bytes of the body in one chunk, the end if it is reached, and what follows it. Nothing
        is fed after that.

        Raises:
            BadBody: it breaks the rules. Nothing more can be read.
        """
        if self._kept:
            data, self._kept = self._kept + data, b""
        pieces: list[bytes] = []
        at, left, within = 0, self._left, self._within
        while not self.ended:
            if left:
                piece = data[at : at + left]
                pieces.append(piece)
                at += len(piece)
                left -= len(piece)
                if left:
                    break
            plain = None if self._last else _NEXT[within].match(data, at)
            if plain is not None and (left := int(plain[1], 16)):
                at, within = plain.end(), True
                continue
            self._left, self._within = 0, within
            line, after = self._line(data, at)
            if line is None:
                self._kept = data[at:]
                break
            at = after
            self._read(line)
            left, within = self._left, self._within
        self._left, self._within = left, within
        whole = [b"%x\r\n" % sum(map(len, pieces)), *pieces, b"\r\n"] if any(pieces) else []
        if self.ended:
            whole += (b"0\r\n\r\n", data[at:])
        return b"".join(whole)

    def _line(self, data: bytes, at: int) -> tuple[bytes | None, int]:
        """The line that begins at `at`, and where the next one does; None as long as its end has not come."""
        end = data.find(b"\n", at, at + LINE_LIMIT + 2)
        if end > at and data[end - 1] == 13:
            return data[at : end - 1], end + 1
        if end >= 0:
            raise BadBody("a line of it ends without a CR")
        if len(data) - at >= LINE_LIMIT + 2:
            raise self._too_long()
        if at < len(data) and not self._may_begin(data[at]):
            raise BadBody(self._complaint)
        return None, at

    def _may_begin(self, byte: int) -> bool:
        """Whether a line may begin so; who sends something else does not get to finish it."""
        if byte == 13:
            return self._within or self._last
        return self._last or (byte in _HEX and not self._within)

    def _read(self, line: bytes) -> None:
        if self._within:
            if line:
                raise BadBody(self._complaint)
            self._within = False
        elif self._last:
            self._read_trailer(line)
        else:
            found = _SIZE.fullmatch(line)
            if found is None:
                raise BadBody(self._complaint)
            self._count(len(found[2]))
            self._left = int(found[1], 16)
            self._within = self._left > 0
            if not self._left:
                self._last = True
                self._extra = 0

    def _read_trailer(self, line: bytes) -> None:
        if not line:
            self.ended = True
            return
        self._count(len(line))
        found = _FIELD.fullmatch(line)
        if found is None:
            raise BadBody(self._complaint)
        if len(self.trailers) == FIELDS_LIMIT:
            raise BadBody(f"there are more than {FIELDS_LIMIT} trailer fields", "headers-too-large")
        self.trailers.append((found[1], found[2].rstrip(b" \t")))

    def _count(self, extra: int) -> None:
        self._extra += extra
        if self._extra > EXTRA_LIMIT:
            if self._last:
                raise BadBody(f"its trailers are longer than {EXTRA_LIMIT} bytes", "headers-too-large")
            raise BadBody(f"its chunk extensions are longer than {EXTRA_LIMIT} bytes")

    def _too_long(self) -> BadBody:
        if self._last:
            return BadBody(f"a trailer field is longer than {LINE_LIMIT} bytes", "headers-too-large")
        return BadBody(f"the size of a chunk takes more than {LINE_LIMIT} bytes")

    @property
    def _complaint(self) -> str:
        if self._within:
            return "a chunk is longer than it says"
        return "a trailer field is malformed" if self._last else "the size of a chunk is malformed"
