"""Who may begin an exchange now, and who waits: the pool's policy, pure.

Two limits count exchanges, not sockets: one over everything, one for each origin. Whoever finds them reached waits in a
`Ticket`, and is admitted in the order of arrival, except that somebody who waits for one origin never blocks those who wait for
another. A slot that is given back goes to the next in line in the same step, so nobody who comes later can snatch it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(eq=False, slots=True)
class Ticket:
    """A place in a line."""

    number: int
    """Grows with each arrival, over all lanes."""
    wake: Callable[[], None]
    """Called when the ticket is admitted, which is then so already. Must not call back into the slots."""
    admitted: bool = False
    """Holds a slot."""


@dataclass(eq=False, slots=True)
class Lane:
    """One origin's share."""

    limit: int
    used: int = 0
    waiting: deque[Ticket] = field(default_factory=deque)


class Slots:
    """The limits over several lanes."""

    __slots__ = ("_lanes", "_number", "limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._lanes: set[Lane] = set()
        """Those in which somebody waits."""
        self._number = 0

    def take(self, lane: Lane) -> bool:
        """A slot, now or not at all."""
        if lane.used >= lane.limit or self.used >= self.limit:
            return False  # if somebody waits in this lane, one of the two is the reason
        lane.used += 1
        self.used += 1
        return True

    def line_up(self, lane: Lane, wake: Callable[[], None]) -> Ticket:
        """Wait for a slot; `leave` when the waiting is over for another reason than being admitted."""
        self._number += 1
        ticket = Ticket(self._number, wake)
        lane.waiting.append(ticket)
        self._lanes.add(lane)
        return ticket

    def leave(self, lane: Lane, ticket: Ticket) -> None:
        """Give up: a ticket that waits is torn, the slot of an admitted one passes on."""
        if ticket.admitted:
            self.give_back(lane)
        else:
            lane.waiting.remove(ticket)
            if not lane.waiting:
                self._lanes.discard(lane)

    def give_back(self, lane: Lane) -> None:
        """A slot of this lane is free; the next ticket that fits is admitted."""
        lane.used -= 1
        self.used -= 1
        if self._lanes:
            self._admit()

    def _admit(self) -> None:
        while True:
            fitting = [lane for lane in self._lanes if lane.used < lane.limit]
            if self.used >= self.limit or not fitting:
                return
            lane = min(fitting, key=lambda lane: lane.waiting[0].number)
            ticket = lane.waiting.popleft()
            if not lane.waiting:
                self._lanes.discard(lane)
            lane.used += 1
            self.used += 1
            ticket.admitted = True
            ticket.wake()
