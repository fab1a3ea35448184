"""What happened: the closed set of facts that travel over the bus, all in the past tense.

Requests and log lines are not here: there are too many of them. They sit in bounded rings and are pulled by sequence number.
Adding a fact means adding it to `Event`; the type checker then shows every `match` that ignores it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from devgate.model.plan import Plan
from devgate.model.status import BreakerState, HealthState, ServiceState, SyncState


@dataclass(frozen=True, slots=True)
class ServiceChanged:
    """A service (or one replica of it) went from one state to another."""

    service: str
    replica: int
    old: ServiceState
    new: ServiceState
    cause: str
    """Why, as a short sentence: `exit 1 after 12 s, 3rd in 60 s`."""
    run: int
    """Number of this run, from 1."""
    at: float
    """Seconds since the epoch."""
    dependents: tuple[str, ...] = ()
    """What runs and needs it, where it went down by itself."""


@dataclass(frozen=True, slots=True)
class ProcessExited:
    service: str
    replica: int
    pid: int
    code: int
    """Exit code; minus the signal's number if a signal ended it."""
    uptime_s: float
    last_line: str
    """Last line of output, redacted; may be empty."""
    at: float


@dataclass(frozen=True, slots=True)
class HealthChanged:
    service: str
    old: HealthState
    new: HealthState
    detail: str
    at: float


@dataclass(frozen=True, slots=True)
class BreakerChanged:
    service: str
    old: BreakerState
    new: BreakerState
    cause: str
    at: float


@dataclass(frozen=True, slots=True)
class ReplicaLeftOut:
    """It gets no requests for a while, because it has failed several."""

    service: str
    replica: int
    lasts_s: float
    cause: str
    at: float


@dataclass(frozen=True, slots=True)
class SyncChanged:
    service: str
    old: SyncState
    new: SyncState
    expected: str
    actual: str
    at: float


@dataclass(frozen=True, slots=True)
class FaultChanged:
    """A route has got a fault on demand, another one, or none any more."""

    route: str
    words: str
    """What is wrong with it now; empty: nothing."""
    cause: str
    at: float


@dataclass(frozen=True, slots=True)
class ProfileApplied:
    plan: Plan
    by: str
    """`file`, `screen`, `api`, `start`."""
    at: float


@dataclass(frozen=True, slots=True)
class ProfileRejected:
    """A changed file does not load; the last good profile stays."""

    source: str
    problems: tuple[str, ...]
    """Each as `file:line:column: message`."""
    at: float


@dataclass(frozen=True, slots=True)
class OperatorActed:
    """Somebody asked for something: the audit trail."""

    action: str
    target: str
    by: str
    at: float


@dataclass(frozen=True, slots=True)
class ComponentFailed:
    """A bug in devgate itself, contained."""

    component: str
    error: str


@dataclass(frozen=True, slots=True)
class Lagged:
    """This reader was too slow and lost so many facts."""

    count: int


Event = (
    ServiceChanged
    | ProcessExited
    | HealthChanged
    | BreakerChanged
    | ReplicaLeftOut
    | SyncChanged
    | FaultChanged
    | ProfileApplied
    | ProfileRejected
    | OperatorActed
    | ComponentFailed
    | Lagged
)

Publish = Callable[[Event], None]
"""What a component is given to announce facts; in a test this is `list.append`."""
