"""An attempt whose answer is looked at before the client gets any of it: for routes that retry, fall back or keep answers.

A refused answer is read to its end, so that the connection can be used again, unless that end is far away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from devgate.gateway.relay import Relay
from devgate.gateway.upstream.errors import Kind, Stage, UpstreamError

if TYPE_CHECKING:
    from devgate.directory import Instance
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.lane import Lane
    from devgate.gateway.relay import Common, Then
    from devgate.gateway.upstream.response import Fields, ResponseHead
    from devgate.policy.breaker import Admission

SKIPPED: Final = 64 * 1024
"""Bytes of a refused body that are read; beyond them another connection is cheaper."""


class Refused(UpstreamError):
    """An answer that the client does not get.

    Args:
        received: its status.
        again: the request is sent again, which has been paid for already.
        head: of a refused answer that something is to be learnt from.
    """

    def __init__(self, detail: str, *, received: int, again: bool = False, head: ResponseHead | None = None) -> None:
        super().__init__(Kind.BAD_RESPONSE, Stage.HEAD, detail, sent_any=True, received_any=True)
        self.received = received
        self.again = again
        self.head = head


class Screen(Protocol):
    """Looks at answers on their way."""

    def judge(self, attempt: Screened, head: ResponseHead) -> Refused | None:
        """Whether an answer passes. Of one that does, header fields may be added to `head`."""
        ...

    def piece(self, data: bytes) -> None:
        """Of the body of an answer that has passed."""
        ...

    def whole(self) -> None:
        """That answer has come to its end."""
        ...


class Screened(Relay):
    """See the module."""

    __slots__ = ("_refusal", "_screen", "_skipped")

    def __init__(
        self,
        exchange: Exchange,
        lane: Lane,
        instance: Instance,
        admission: Admission,
        common: Common,
        then: Then,
        screen: Screen,
    ) -> None:
        super().__init__(exchange, lane, instance, admission, common, then)
        self._screen = screen
        self._refusal: Refused | None = None
        self._skipped = 0

    @property
    def origins(self) -> tuple[bytes, ...]:
        """What the service may call itself in a `Location`."""
        return self._origins

    def on_head(self, head: ResponseHead) -> None:
        self._refusal = self._screen.judge(self, head)
        if self._refusal is None:
            super().on_head(head)
            return
        self.exchange.status = head.status
        self.cast_status()
        self.exchange.status = 0  # the client has no answer yet, and another attempt may be waiting for one

    def on_body(self, data: bytes) -> None:
        if self._refusal is None:
            if self._tunnel is None:
                self._screen.piece(data)
            super().on_body(data)
            return
        self._skipped += len(data)
        if self._skipped > SKIPPED:
            self._give_up(self._refusal)

    def on_trailers(self, trailers: Fields) -> None:
        if self._refusal is None:
            super().on_trailers(trailers)

    def on_complete(self, *, garbage_after_body: bool) -> None:
        if self._refusal is not None:
            self.end(self._refusal)
            return
        if self._tunnel is None:
            self._screen.whole()
        super().on_complete(garbage_after_body=garbage_after_body)

    def on_error(self, error: UpstreamError) -> None:
        if self._refusal is not None:
            self.end(self._refusal)
            return
        super().on_error(error)

    def _give_up(self, refusal: Refused) -> None:
        assert self._line is not None
        self._line.abort()
        self.end(refusal)
