"""When a burst of events is over."""

from __future__ import annotations

LONGEST = 20
"""A burst that does not end is cut after so many quiet times: whatever writes for ever must not be waited for for ever."""


class Debounce:
    """Fires once after things have been quiet, and then again only after the next event.

    Args:
        quiet_s: seconds without an event until it fires.
    """

    def __init__(self, quiet_s: float) -> None:
        self._quiet_s = quiet_s
        self._first: float | None = None
        self._last = 0.0

    def touch(self, now: float) -> None:
        """Something happened."""
        if self._first is None:
            self._first = now
        self._last = now

    @property
    def due(self) -> float | None:
        """When to ask `take`, as things are now; None while nothing is pending."""
        if self._first is None:
            return None
        return min(self._last + self._quiet_s, self._first + self._quiet_s * LONGEST)

    def take(self, now: float) -> bool:
        """Whether the burst is over; if so, the next event begins another."""
        due = self.due
        if due is None or now < due:
            return False
        self._first = None
        return True
