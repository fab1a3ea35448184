"""Several replicas as one service: the state and the health that a person should hear of. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.model.status import HealthState, ServiceState

if TYPE_CHECKING:
    from collections.abc import Iterable


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
