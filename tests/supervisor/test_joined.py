"""Several replicas in one word."""

import pytest

from devgate.model.status import HealthState, ServiceState
from devgate.supervisor.joined import joined_health, worst

S, H = ServiceState, HealthState


def test_the_worst_is_told() -> None:
    assert worst([S.READY, S.CRASHED, S.STARTING]) is S.CRASHED
    assert worst([S.READY, S.BACKOFF]) is S.BACKOFF
    assert worst([S.READY]) is S.READY


@pytest.mark.parametrize("state", ServiceState)
def test_every_state_has_a_rank_and_a_health(state: ServiceState) -> None:
    assert worst([state]) is state
    assert joined_health([(state, H.HEALTHY)]) in HealthState


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(S.READY, H.HEALTHY)], H.HEALTHY),
        ([(S.READY, H.HEALTHY), (S.READY, H.DEGRADED)], H.DEGRADED),
        ([(S.READY, H.HEALTHY), (S.CRASHED, H.STOPPED)], H.DEGRADED),
        ([(S.READY, H.UNHEALTHY), (S.READY, H.HEALTHY)], H.DEGRADED),
        ([(S.READY, H.UNHEALTHY), (S.BACKOFF, H.STOPPED)], H.UNHEALTHY),
        ([(S.STARTING, H.STARTING), (S.CRASHED, H.STOPPED)], H.UNHEALTHY),
        ([(S.STARTING, H.STARTING), (S.STOPPED, H.STOPPED)], H.STARTING),
        ([(S.WAITING, H.STOPPED)], H.STARTING),
        ([(S.STOPPED, H.STOPPED), (S.EXITED, H.STOPPED)], H.STOPPED),
        ([(S.COMPLETED, H.STOPPED)], H.HEALTHY),
    ],
)
def test_health_is_joined(parts: list[tuple[ServiceState, HealthState]], expected: HealthState) -> None:
    assert joined_health(parts) is expected
