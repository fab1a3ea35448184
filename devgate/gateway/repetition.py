"""A request that repeats the fields of the one before it on its connection: only its request line is read.

A page that polls, an API client and a browser that loads a list send the same fields to the letter, and to parse those again
costs more than to find their route. That is safe where three things hold, and here they are looked at each time: the parser
stands between two messages, the bytes are one request line and then exactly the bytes that it has accepted before, and the line
is of the plainest form, with which no parser differs. Everything else goes to the parser.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.gateway.headers import Field

_LINE: Final = re.compile(rb"(?:GET|HEAD) (/[A-Za-z0-9\-._~!$&'()*+,;=:@/%?]{0,2000}) HTTP/1\.1")
_HEAD_END: Final = b"\r\n\r\n"


class Repetition:
    """What a connection has learned of the requests that it carries."""

    __slots__ = ("between", "fields", "tail")

    def __init__(self) -> None:
        self.tail: bytes | None = None
        """From the end of the request line to the end of the head; None: nothing is learned."""
        self.fields: Sequence[Field] = ()
        """The same, parsed."""
        self.between = True
        """Whether the parser is known to stand between two messages."""

    def target(self, data: bytes) -> bytes | None:
        """The target, if `data` is a request that has the learned fields; otherwise it is to be parsed."""
        tail = self.tail
        if tail is None or not data.endswith(tail):
            return None
        line = _LINE.fullmatch(data, 0, len(data) - len(tail))
        return None if line is None else line[1]

    def fed(self, data: bytes, body: int | None) -> None:
        """The parser was between two messages and has got `data`.

        Args:
            body: bytes of the body, if one whole message came of it, after which the connection goes on; otherwise None.
        """
        if body is None or data.find(_HEAD_END) + len(_HEAD_END) + body != len(data):
            self.between = False
            self.tail = None

    def learn(self, data: bytes, fields: Sequence[Field]) -> None:
        """`data` was a head and nothing else. It has the `fields` of the one before, so there may be more of them."""
        end = data.find(b"\r\n")
        if _LINE.fullmatch(data, 0, end):
            self.tail = data[end:]
            self.fields = fields
