"""How large a request's body may be, where somebody has said so: what is larger is refused, at the latest when it turns out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.gateway.exchange import BadBody
from devgate.gateway.failures import Failure
from devgate.model.units import format_size

if TYPE_CHECKING:
    from devgate.gateway.exchange import Body, Exchange
    from devgate.gateway.middleware.chain import Gate

_CODE = "body-too-large"


def sized(limit: int) -> Gate:
    """For bodies up to `limit` bytes, the coding of the transfer not counted."""
    sentence = f"The body is larger than {format_size(limit)}, which is the most that is taken here."

    def gate(exchange: Exchange) -> None:
        if exchange.body is None:
            return
        length = exchange.greeting.noted.get(b"content-length")
        if length is None:
            exchange.body = _Bounded(exchange.body, limit, sentence)
        elif int(length) > limit:
            raise Failure(_CODE, sentence, stage="request")

    return gate


class _Bounded:
    """A body of which nobody knows how large it will be (`exchange.Body`)."""

    __slots__ = ("_body", "_left", "_rest", "_sentence")

    def __init__(self, body: Body, limit: int, sentence: str) -> None:
        self._body = body
        self._left = limit
        self._rest: bytes | None = None
        """All that was still to be read when it had arrived; None before that."""
        self._sentence = sentence

    async def readany(self) -> bytes:
        if self._rest is not None:
            return self.read_nowait()
        return self._counted(await self._body.readany())

    def read_nowait(self) -> bytes:
        if self._rest is None:
            return self._counted(self._body.read_nowait())
        rest, self._rest = self._rest, b""
        return self._counted(rest)

    def is_eof(self) -> bool:
        """What is too large never has arrived: it is never taken as a whole, and reading it fails."""
        if self._rest is None and self._body.is_eof():
            self._rest = self._body.read_nowait()
        return self._rest is not None and len(self._rest) <= self._left

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise BadBody(self._sentence, _CODE)
        return data
