"""So many bytes a second, and no more."""

from __future__ import annotations

from typing import Final

CATCH_UP_S: Final = 0.1
"""Time that may be made up for: a timer that comes late must not make a slow line slower, nor a pause be followed by a flood."""


class Pacer:
    """Says how much may leave. Nothing may at the very beginning, so that the first byte is as slow as the last one."""

    __slots__ = ("_at", "_credit", "_rate")

    def __init__(self, rate: int, now: float) -> None:
        self._rate = rate
        self._at = now
        self._credit = 0.0

    def allowance(self, now: float) -> int:
        """Bytes that may leave at `now`."""
        self._credit = min(self._credit + (now - self._at) * self._rate, max(1.0, self._rate * CATCH_UP_S))
        self._at = now
        return int(self._credit)

    def spend(self, size: int) -> None:
        """They have left."""
        self._credit -= size
