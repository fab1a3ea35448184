"""What a supervisor shows of its services at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.model.status import HealthState, ServiceState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devgate.model.snapshot import InstanceRow, ProbeRow
    from devgate.model.status import Owner

_WORST_FIRST: Final = (
    ServiceState.CRASHED,
    ServiceState.BLOCKED,
    ServiceState.BACKOFF,
    ServiceState.SLOW,
    ServiceState.STOPPING,
    ServiceState.WAITING,
    ServiceState.STARTING,
    ServiceState.EXITED,
    ServiceState.STOPPED,
    ServiceState.READY,
    ServiceState.COMPLETED,
)
_PROBED: Final = frozenset({ServiceState.READY, ServiceState.SLOW, ServiceState.STARTING})
_HEALTH_OF: Final = {
    ServiceState.WAITING: HealthState.STARTING,
    ServiceState.BACKOFF: HealthState.UNHEALTHY,
    ServiceState.CRASHED: HealthState.UNHEALTHY,
    ServiceState.BLOCKED: HealthState.UNHEALTHY,
    ServiceState.STOPPING: HealthState.STOPPED,
    ServiceState.STOPPED: HealthState.STOPPED,
    ServiceState.EXITED: HealthState.STOPPED,
    ServiceState.COMPLETED: HealthState.HEALTHY,  # a task that has done its work is as well as it can be
}


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One service. Fields as in `model.snapshot.ServiceRow`, without what the gateway and the monitor know of it."""

    name: str
    state: ServiceState
    owner: Owner
    stub: bool
    health: HealthState
    health_detail: str
    pid: int | None
    port: int | None
    url: str
    uptime_s: float
    restarts: int
    exit_code: int | None
    cause: str
    last_error: str
    waiting_for: tuple[str, ...]
    cpu_percent: float | None
    memory_bytes: int | None
    stale: tuple[str, ...]
    required: bool
    instances: tuple[InstanceRow, ...]
    response_ms: float | None
    checked_at: float | None
    version: str | None
    """Shared-knowledge version last seen in a health answer."""
    probe: str = ""
    probes: tuple[ProbeRow, ...] = ()
    blocked_by: str = ""
    tty: bool = False


def worst(states: Iterable[ServiceState]) -> ServiceState:
    """The state that a person should hear of."""
    return min(states, key=_WORST_FIRST.index)


def joined_health(parts: Iterable[tuple[ServiceState, HealthState]]) -> HealthState:
    """Health of a service, of the state and health of each of its replicas: some of them down is degraded."""
    found = [_health(state, health) for state, health in parts]
    kinds = set(found)
    if len(kinds) == 1:
        return found[0]
    if HealthState.HEALTHY in kinds or HealthState.DEGRADED in kinds:
        return HealthState.DEGRADED
    if HealthState.UNHEALTHY in kinds:
        return HealthState.UNHEALTHY
    return HealthState.STARTING if HealthState.STARTING in kinds else HealthState.UNKNOWN


def _health(state: ServiceState, health: HealthState) -> HealthState:
    return health if state in _PROBED else _HEALTH_OF[state]
