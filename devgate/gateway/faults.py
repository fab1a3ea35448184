"""The faults of a running gateway: which there are, how they come and go, and what a face sees of them."""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import TYPE_CHECKING

from devgate.errors import CommandError
from devgate.model.events import FaultChanged
from devgate.model.fault import LONGEST_S
from devgate.model.snapshot import FaultRow
from devgate.model.units import format_duration
from devgate.policy.faults import FaultBoard

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.clock import Clock
    from devgate.gateway.deadlines import Deadlines
    from devgate.model.events import Publish
    from devgate.model.fault import Fault
    from devgate.model.profile import Profile


class Faults:
    """A `FaultBoard` with its clock and its voice.

    Args:
        changed: makes the gateway's rules anew; a route without a fault has nothing to ask.
    """

    def __init__(self, deadlines: Deadlines, publish: Publish, clock: Clock, changed: Callable[[], None]) -> None:
        self.deadline = math.inf
        """When the next one ends (`deadlines.Limited`)."""
        self._board = FaultBoard()
        self._routes: tuple[str, ...] = ()
        self._deadlines = deadlines
        self._publish = publish
        self._clock = clock
        self._changed = changed

    def apply(self, profile: Profile) -> None:
        """Take over a profile's routes and faults. The rules are being made anew already."""
        self._routes = tuple(route.id for route in profile.routes)
        written = {
            route.id: (route.fault.fault(), route.fault.lasts) for route in profile.routes if route.fault is not None
        }
        self._board.apply(written, self._routes, self._clock.now())
        self.watch()

    def watch(self) -> None:
        """See to it that faults end; called whenever they may have changed, and once the loop runs."""
        self.deadline = self._board.due
        if self.deadline < math.inf:
            self._deadlines.watch(self)
        else:
            self._deadlines.forget(self)

    def get(self, route: str) -> Fault | None:
        """What is wrong with a route at present."""
        active = self._board.active.get(route)
        return None if active is None else active.fault

    def set(self, route: str, fault: Fault, lasts_s: float) -> None:
        """Put a fault on a route, in place of the one that is there.

        Raises:
            CommandError: there is no such route, or that is no time.
        """
        if route not in self._routes:
            raise _unknown(route, self._routes)
        if not 0 < lasts_s <= LONGEST_S:
            message = f"a fault lasts longer than 0s and at most {format_duration(LONGEST_S)}"
            raise CommandError(message, code="bad-request", status=400, exit_code=2)
        self._board.set(route, fault, lasts_s, self._clock.now())
        self._announce(route, fault.words, f"for {format_duration(lasts_s)}")
        self._changed()

    def clear(self, route: str | None) -> tuple[str, ...]:
        """Take away one route's fault, or all. The routes that had one.

        Raises:
            CommandError: there is no such route.
        """
        if route is not None and route not in self._routes:
            raise _unknown(route, self._routes)
        gone = self._board.clear(route)
        self._end(gone, "cleared")
        return gone

    def expire(self) -> None:
        """The time of at least one is up (`deadlines.Limited`)."""
        self._end(self._board.expire(self._clock.now()), "its time is up")

    def rows(self) -> tuple[FaultRow, ...]:
        """Those that are on, in the order of the profile."""
        now = self._clock.now()
        active = self._board.active
        return tuple(
            FaultRow(
                route=route,
                fault=active[route].fault,
                words=active[route].fault.words,
                left_s=None if active[route].until == math.inf else max(0.0, active[route].until - now),
                source=active[route].source,
            )
            for route in self._routes
            if route in active
        )

    def _end(self, routes: tuple[str, ...], cause: str) -> None:
        for route in routes:
            self._announce(route, "", cause)
        if routes:
            self._changed()

    def _announce(self, route: str, words: str, cause: str) -> None:
        self._publish(FaultChanged(route, words, cause, self._clock.wall()))


def _unknown(route: str, known: tuple[str, ...]) -> CommandError:
    near = get_close_matches(route, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "see `devgate routes`"
    return CommandError(f"there is no route {route!r}", hint=hint, code="unknown-route", status=404, exit_code=2)
