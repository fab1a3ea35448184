"""Health of a service and of the whole, as tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devgate.engine.picture import health, overall, picture
from devgate.model.profile import Profile
from devgate.model.snapshot import BreakerRow, CacheRow, ServiceRow, SyncRow, TrafficRow
from devgate.model.status import BreakerState, Forced, HealthState, Owner, ServiceState, SyncState
from tests.tui.fake_control import sample

H = HealthState
ROW = ServiceRow(
    name="api", state=ServiceState.READY, owner=Owner.DEVGATE, stub=False, health=H.HEALTHY, health_detail="200",
    pid=1, port=2, url="http://127.0.0.1:2", uptime_s=1.0, restarts=0, exit_code=None, cause="", last_error="",
    waiting_for=(), cpu_percent=None, memory_bytes=None, stale=(), required=True, instances=(), response_ms=None,
    checked_at=None, traffic=TrafficRow(), breaker=BreakerRow(), sync=SyncRow(),
)  # fmt: skip
OPEN = BreakerRow(state=BreakerState.OPEN, last_cause="3 failures")
WATCHING = replace(OPEN, forced=Forced.METRICS_ONLY)
HALF = BreakerRow(state=BreakerState.HALF_OPEN)
CRITICAL = SyncRow(state=SyncState.CRITICAL)


@pytest.mark.parametrize(
    ("probes", "traffic", "breaker", "sync", "expected", "why"),
    [
        (H.HEALTHY, TrafficRow(), BreakerRow(), SyncRow(), H.HEALTHY, "200"),
        (H.HEALTHY, TrafficRow(), OPEN, SyncRow(), H.UNHEALTHY, "breaker open: 3 failures"),
        (H.HEALTHY, TrafficRow(), replace(OPEN, why="6 of 9 failed"), SyncRow(), H.UNHEALTHY, "breaker open: 6 of 9 failed"),
        (H.HEALTHY, TrafficRow(), WATCHING, SyncRow(), H.DEGRADED, "breaker would be open: 3 failures"),
        (H.DEGRADED, TrafficRow(), OPEN, SyncRow(), H.UNHEALTHY, "breaker open: 3 failures"),
        (H.HEALTHY, TrafficRow(), HALF, CRITICAL, H.DEGRADED, "breaker half open; version critically out of sync"),
        (H.DEGRADED, TrafficRow(), BreakerRow(), SyncRow(), H.DEGRADED, "200"),
        (H.HEALTHY, TrafficRow(error_ratio=0.25, per_minute=10), BreakerRow(), SyncRow(), H.DEGRADED, "25% of requests failed"),
        (H.HEALTHY, TrafficRow(error_ratio=0.25, per_minute=9), BreakerRow(), SyncRow(), H.HEALTHY, "200"),
        (H.HEALTHY, TrafficRow(error_ratio=0.09, per_minute=99), BreakerRow(), SyncRow(), H.HEALTHY, "200"),
        (H.UNHEALTHY, TrafficRow(), BreakerRow(), CRITICAL, H.UNHEALTHY, "200"),
        (H.STARTING, TrafficRow(), OPEN, SyncRow(), H.STARTING, "200"),
        (H.STOPPED, TrafficRow(error_ratio=1, per_minute=99), BreakerRow(), SyncRow(), H.STOPPED, "200"),
    ],
)  # fmt: skip
def test_health_of_a_service(
    probes: HealthState, traffic: TrafficRow, breaker: BreakerRow, sync: SyncRow, expected: HealthState, why: str
) -> None:
    assert health(replace(ROW, health=probes), traffic, breaker, sync) == (expected, why)


def row(state: ServiceState, found: HealthState, *, required: bool = True) -> ServiceRow:
    return replace(sample().services[0], state=state, health=found, required=required)


READY = row(ServiceState.READY, H.HEALTHY)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], H.HEALTHY),
        ([READY], H.HEALTHY),
        ([READY, row(ServiceState.READY, H.UNKNOWN)], H.UNKNOWN),
        ([READY, row(ServiceState.READY, H.DEGRADED)], H.DEGRADED),
        ([READY, row(ServiceState.STARTING, H.STARTING)], H.STARTING),
        ([READY, row(ServiceState.STARTING, H.STARTING, required=False)], H.DEGRADED),
        ([READY, row(ServiceState.CRASHED, H.UNHEALTHY)], H.UNHEALTHY),
        ([READY, row(ServiceState.CRASHED, H.UNHEALTHY, required=False)], H.DEGRADED),
        ([READY, row(ServiceState.STOPPED, H.STOPPED)], H.DEGRADED),
        ([row(ServiceState.CRASHED, H.UNHEALTHY), row(ServiceState.STARTING, H.STARTING)], H.UNHEALTHY),
    ],
)
def test_health_of_the_whole(rows: list[ServiceRow], expected: HealthState) -> None:
    assert overall(rows) is expected
    assert overall(reversed(rows)) is expected


def test_ready_counts_what_should_be() -> None:
    states = (
        ServiceState.READY,
        ServiceState.COMPLETED,
        ServiceState.STARTING,
        ServiceState.STOPPED,
        ServiceState.CRASHED,
    )
    known = [replace(ROW, name=state.value, state=state) for state in states]
    known.append(replace(ROW, name="elsewhere", state=ServiceState.STOPPED, owner=Owner.EXTERNAL))
    found = picture(
        seq=1, at=1.0, uptime_s=1.0, profile=Profile(), source="x", problems=(), applied_at=None, url="u", known=known,
        traffic=TrafficRow(), service_traffic=lambda _: TrafficRow(), route_traffic=lambda _: TrafficRow(),
        breakers=lambda _: BreakerRow(), sync={}, sync_state=SyncState.UNKNOWN, sync_expected="", lag_ms=0.0, events=(),
        stopping=False, kill_in_s=None, waits=False, faults=(), limits=(), cache=CacheRow(),
    )  # fmt: skip
    assert (found.ready, found.total) == (2, 5)
    assert [one.name for one in found.services] == [row.name for row in known]
