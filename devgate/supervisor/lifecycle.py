"""The life of one replica as a table: which state follows which, and why. Pure.

Everything that changes a state goes through `after`; a pair that is not in the table is a programming error and raises, so no
face will ever see an order of states that this page does not allow.

    down ──WANTED──> waiting ──SPAWNED──> starting ──PASSED──> ready ──STOPPING──> stopping ──STOPPED──> stopped
      └──────────────SPAWNED────────────────^  └─LATE─> slow ───^  └─LAPSED─> starting

A process that ends by itself leads from `starting`, `slow` or `ready` to `exited`, `completed`, `backoff`, `crashed` or
`blocked`.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from devgate.model.status import ServiceState as S

if TYPE_CHECKING:
    from collections.abc import Mapping


class Trigger(Enum):
    """What happened to a replica."""

    WANTED = auto()
    """It should run, but something it needs is not there yet."""
    REFUSED = auto()
    """It cannot be started, and trying again will not mend it."""
    SPAWNED = auto()
    """Its process runs."""
    PASSED = auto()
    """The readiness probe says yes."""
    LATE = auto()
    """`start_timeout` is over."""
    LAPSED = auto()
    """It was ready, and now nobody listens on its port, though the process lives: it reloads itself."""
    STOPPING = auto()
    """Somebody asked for its end, or for a restart."""
    STOPPED = auto()
    """It is down because somebody asked."""
    EXITED = auto()
    COMPLETED = auto()
    FAILED = auto()
    """It ended, or was unhealthy, and will be tried again."""
    GAVE_UP = auto()
    """It ended, and will not be tried again."""
    FOUND = auto()
    """Somebody else runs it: its address answers."""
    LOST = auto()
    """Somebody else ran it: its address does not answer any more."""


class UnknownTransitionError(Exception):
    """A trigger in a state where it cannot happen: a bug."""


_DOWN: Final = (S.STOPPED, S.BLOCKED, S.EXITED, S.COMPLETED, S.BACKOFF, S.CRASHED)
_RUNNING: Final = (S.STARTING, S.SLOW, S.READY)


def _table() -> dict[tuple[S, Trigger], S]:
    table: dict[tuple[S, Trigger], S] = {}
    # A restart goes from `stopping` to the next start without a stop between that anybody could see.
    for state in (*_DOWN, S.STOPPING):
        table[state, Trigger.WANTED] = S.WAITING
        table[state, Trigger.STOPPED] = S.STOPPED
    for state in (*_DOWN, S.STOPPING, S.WAITING):
        table[state, Trigger.SPAWNED] = S.STARTING
        table[state, Trigger.REFUSED] = S.BLOCKED
        table[state, Trigger.COMPLETED] = S.COMPLETED  # the stand-in for a task has nothing to run
    table[S.WAITING, Trigger.STOPPED] = S.STOPPED
    table[S.STARTING, Trigger.PASSED] = S.READY
    table[S.SLOW, Trigger.PASSED] = S.READY
    table[S.STARTING, Trigger.LATE] = S.SLOW
    table[S.READY, Trigger.LAPSED] = S.STARTING
    for state in _RUNNING:
        table[state, Trigger.STOPPING] = S.STOPPING
        table[state, Trigger.EXITED] = S.EXITED
        table[state, Trigger.COMPLETED] = S.COMPLETED
        table[state, Trigger.REFUSED] = S.BLOCKED
    # An unhealthy service is stopped first, and fails then.
    for state in (*_RUNNING, S.STOPPING):
        table[state, Trigger.FAILED] = S.BACKOFF
        table[state, Trigger.GAVE_UP] = S.CRASHED
    for state in (S.STOPPED, S.BLOCKED, S.CRASHED, S.EXITED, S.COMPLETED):
        table[state, Trigger.FOUND] = S.READY
    table[S.READY, Trigger.LOST] = S.STOPPED
    return table


TRANSITIONS: Final[Mapping[tuple[S, Trigger], S]] = _table()


def after(state: S, trigger: Trigger) -> S:
    """The state that follows.

    Raises:
        UnknownTransitionError: `trigger` cannot happen in `state`.
    """
    try:
        return TRANSITIONS[state, trigger]
    except KeyError:
        raise UnknownTransitionError(f"{trigger.name} while {state}") from None
