"""So many bytes a second, and no more."""

from __future__ import annotations

from typing import Final

CATCH_UP_S: Final = 0.1
"""Time that may be made up for: a timer that comes late must not make a slow line slower, nor a pause be followed by a flood."""
BEAT_S: Final = 0.01
"""The longest time between two portions: no packet of a real slow line is much further apart."""
ROOM: Final = 65_536
ROOM_LIMIT: Final = 4 * 2**20


class Pacer:
    """Says how much may leave. Nothing may at the very beginning, so that the first byte is as slow as the last one."""

    __slots__ = ("_at", "_credit", "_rate")

    def __init__(self, rate: int, now: float) -> None:
        self._rate = rate
        self._at = now
        self._credit = 0.0

    @property
    def room(self) -> int:
        """Bytes that may wait to leave; more, and whoever brings them has to wait. What a fast line takes in the time that may be
        made up for: with less it would stand still between two portions for want of bytes (64 KiB every 10 ms are 6 MiB/s)."""
        return min(max(ROOM, int(self._rate * CATCH_UP_S)), ROOM_LIMIT)

    def wait_s(self, size: int) -> float:
        """Until the next portion, `size` bytes being left: their last one leaves in time, and not with the next beat."""
        return min(BEAT_S, max(0.0, size - self._credit) / self._rate)

    def allowance(self, now: float) -> int:
        """Bytes that may leave at `now`."""
        self._credit = min(self._credit + (now - self._at) * self._rate, max(1.0, self._rate * CATCH_UP_S))
        self._at = now
        return int(self._credit)

    def spend(self, size: int) -> None:
        """They have left."""
        self._credit -= size
