"""Requests for the same thing at the same time: one goes, the others wait for what it brings (request coalescing).

Where an answer turns out to be one that may not be kept, everybody is let go at once, and for a while nobody waits there again:
otherwise requests that could have gone side by side would queue for nothing (Varnish's hit-for-miss).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.gateway.cache.store import Owner

    Key = tuple[bytes, Owner]

BARREN_S: Final = 10.0
"""How long it is remembered that an answer could not be kept."""
BARREN_LIMIT: Final = 1024


class Flights:
    """Those under way.

    Args:
        now: monotonic seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._under_way: dict[Key, asyncio.Event] = {}
        self._barren: dict[Key, float] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    def join(self, key: Key) -> asyncio.Event | None:
        """What to wait for, or None: go yourself. Then `land` must follow."""
        flight = self._under_way.get(key)
        if flight is None and self._barren.get(key, 0.0) <= self._now():
            self._under_way[key] = asyncio.Event()
        return flight

    def land(self, key: Key, *, barren: bool) -> None:
        """It is known what came of it. Said again, it changes nothing.

        Args:
            barren: the answer may not be kept.
        """
        flight = self._under_way.pop(key, None)
        if flight is None:
            return
        flight.set()
        if barren:
            if len(self._barren) >= BARREN_LIMIT:
                self._barren.clear()
            self._barren[key] = self._now() + BARREN_S
        else:
            self._barren.pop(key, None)
