"""Which routes have a fault, since whom and for how long.

A profile may bring faults along and somebody may set others while it runs; those go first, end after a while by themselves, and
are gone with their route. Taking over a profile again does not bring back what was cleared or has expired: only a fault that is
written differently than before is a new one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from devgate.model.fault import Fault

    Written = Mapping[str, tuple[Fault, float | None]]
    """By route what the profile says, and for how many seconds."""

Source = Literal["profile", "operator"]


@dataclass(frozen=True, slots=True)
class Active:
    """A fault that is on."""

    fault: Fault
    until: float
    """Monotonic seconds; infinity: until somebody clears it."""
    source: Source


class FaultBoard:
    """The faults of one gateway, by the id of their route."""

    def __init__(self) -> None:
        self._active: dict[str, Active] = {}
        self._written: Written = {}

    @property
    def active(self) -> Mapping[str, Active]:
        return self._active

    @property
    def due(self) -> float:
        """When the next one ends, in monotonic seconds; infinity if none does."""
        return min((one.until for one in self._active.values()), default=math.inf)

    def apply(self, written: Written, routes: Collection[str], now: float) -> None:
        """Take over a profile with these `routes`."""
        before, self._written = self._written, dict(written)
        kept: dict[str, Active] = {}
        for route, one in self._active.items():
            stays = written.get(route) == before.get(route) if one.source == "profile" else route in routes
            if stays:
                kept[route] = one
        for route, (fault, lasts_s) in written.items():
            if before.get(route) != (fault, lasts_s) and route not in kept:
                kept[route] = Active(fault, math.inf if lasts_s is None else now + lasts_s, "profile")
        self._active = kept

    def set(self, route: str, fault: Fault, lasts_s: float, now: float) -> None:
        """Put a fault on a route, in place of the one that is there."""
        self._active[route] = Active(fault, now + lasts_s, "operator")

    def clear(self, route: str | None = None) -> tuple[str, ...]:
        """Take away one route's fault, or all. The routes that had one."""
        gone = tuple(one for one in self._active if route in (None, one))
        for one in gone:
            del self._active[one]
        return gone

    def expire(self, now: float) -> tuple[str, ...]:
        """Take away what has had its time. Their routes."""
        gone = tuple(route for route, one in self._active.items() if one.until <= now)
        for route in gone:
            del self._active[route]
        return gone
