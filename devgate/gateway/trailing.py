"""The chunked body that a connection is receiving, read beside aiohttp's parser for the sake of its trailers.

Two kinds of bodies are left to that parser. Their trailers are dropped, as RFC 9110 6.5.1 allows, and their connection ends with
the answer, since the last trailer may be stuck in the parser (`chunked`):

- of a request that was sent before the one ahead of it was answered. Where that one ends only the parser could say, head by head,
  and each body that waits in its queue would need a reader of its own. Browsers do not pipeline, and hardly anybody else does;
- announced as `CHUNKED`, in capitals, which no client is known to write: to look for it would cost every request a second search
  through its head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.gateway.chunked import ChunkedBody
from devgate.gateway.exchange import BadBody

if TYPE_CHECKING:
    from aiohttp.streams import StreamReader

    from devgate.gateway.headers import Field

ANNOUNCED: Final = b"hunked"
"""How every client writes it, with a small c or a large one."""
_HEAD_END: Final = b"\r\n\r\n"


class Trailing:
    """What is known of it."""

    __slots__ = ("_chunked", "_last", "body", "fields")

    def __init__(self) -> None:
        self.body: StreamReader | None = None
        """The last one that was read here."""
        self.fields: list[Field] = []
        """What follows it; complete once it has ended."""
        self._chunked: ChunkedBody | None = None
        self._last = b""
        """The last bytes of a head that has begun to arrive."""

    @property
    def reading(self) -> bool:
        """The body goes on."""
        return self._chunked is not None

    def head_end(self, data: bytes) -> int:
        """How many bytes of `data` belong to the head that it begins or goes on with, as far as that can be seen; 0: it does not
        end here."""
        found = (self._last + data).find(_HEAD_END)
        return 0 if found < 0 else max(0, found + len(_HEAD_END) - len(self._last))

    def note(self, data: bytes) -> None:
        """The head goes on after `data`."""
        self._last = (self._last + data[-3:])[-3:]

    def forget(self) -> None:
        """There is no such head any more."""
        self._last = b""

    def begin(self, body: StreamReader) -> None:
        """A head has ended, and what comes now is this."""
        self.body, self.fields = body, []
        self._chunked = ChunkedBody(self.fields)

    def strip(self, data: bytes) -> bytes | None:
        """What the parser is to be given in place of `data`; None if the body is broken, whose reader is told."""
        assert self._chunked is not None
        assert self.body is not None
        try:
            data = self._chunked.feed(data)
        except BadBody as fault:
            self.body.set_exception(fault)
            return None
        if self._chunked.ended:
            self._chunked = None
        return data
