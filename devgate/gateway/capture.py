"""The raw bytes of finished requests, as far as they are kept: references to what passed anyway, nothing copied, nothing parsed.

Bounded twice: a body is kept to its first `BODY` bytes, and all together to `TOTAL`, of which the oldest leave first. Secrets are
in here; whatever leaves goes through `detail`. That it is kept at all is for replay and for whoever asks what a page really sent.
"""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.gateway.headers import Field
    from devgate.policy.cors import Verdict

BODY: Final = 64 * 1024
"""Bytes kept of a body, and of either direction of a WebSocket."""
TOTAL: Final = 32 * 1024 * 1024
"""Bytes kept of all requests."""
FIELD_COST: Final = 128
"""Bytes that the objects of a header take beside its characters: two `bytes` and a tuple."""
ENTRY_COST: Final = 512
"""Likewise of a request."""


class Trial(NamedTuple):
    """An attempt that did not succeed."""

    at: float
    """Monotonic seconds, when it failed."""
    replica: int
    kind: str
    detail: str
    then: str
    """What was decided on (`policy.rescue.Rescue`)."""


class Raw(NamedTuple):
    """What is kept of one request."""

    fields: Sequence[Field]
    """As they came."""
    sent: tuple[bytes, bytes]
    """Its head as the service got it, before and after the `Host` line; empty if it was not sent to one."""
    upload: tuple[bytes, ...]
    """The request's body, without framing."""
    answer: tuple[bytes, ...]
    """What was written to the client, head and framing included."""
    frames: tuple[tuple[bool, bytes], ...]
    """Of a WebSocket: whether the client sent it, and the bytes."""
    peer: str
    http10: bool
    cors: Verdict | None
    sent_s: float
    """When it was sent, in seconds after its arrival; 0: at once."""
    answered_s: float
    """When the first byte of the answer came; 0: with the last."""
    trials: tuple[Trial, ...]
    why: tuple[str, str, str]
    """Stage, sentence and hint of a failure; empty without one."""
    probe: bool
    """Whether it was let through to try a service whose breaker was open."""
    size: int


class Captures:
    """The newest of them, numbered from 1 like the requests themselves.

    Args:
        total: bytes.
    """

    def __init__(self, total: int = TOTAL, capacity: int = 5_000) -> None:
        self.size = 0
        """Bytes held, as far as that can be known without asking the allocator."""
        self._total = total
        self._capacity = capacity
        self._held: deque[tuple[object, ...]] = deque()
        self._last = 0

    def add(
        self,
        fields: Sequence[Field],
        sent: tuple[bytes, bytes],
        upload: tuple[bytes, ...],
        answer: Sequence[bytes],
        *more: object,
    ) -> None:
        """The next request is done; the arguments are the members of `Raw` in their order, but for `size`."""
        size = (
            ENTRY_COST
            + FIELD_COST * len(fields)
            + sum(map(len, chain.from_iterable(fields)))
            + sum(map(len, sent))
            + sum(map(len, upload))
            + sum(map(len, answer))
        )
        if more[0]:
            size += sum(len(data) for _, data in more[0])  # type: ignore[attr-defined,misc]
        held = self._held
        held.append((fields, sent, upload, tuple(answer), *more, size))
        self._last += 1
        self.size += size
        while self.size > self._total or len(held) > self._capacity:
            self.size -= held.popleft()[-1]  # type: ignore[operator]

    def get(self, number: int) -> Raw | None:
        """What is kept of a request; None if that is gone, or never was."""
        index = number - (self._last - len(self._held)) - 1
        return Raw._make(self._held[index]) if 0 <= index < len(self._held) else None


def cut(pieces: Sequence[bytes], most: int) -> tuple[bytes, ...]:
    """The first `most` bytes; no piece is copied but the one that is cut."""
    kept: list[bytes] = []
    for piece in pieces:
        if most <= 0:
            break
        kept.append(piece if len(piece) <= most else piece[:most])
        most -= len(piece)
    return tuple(kept)
