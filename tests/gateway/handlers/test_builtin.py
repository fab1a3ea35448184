"""The gateway's own answers, as pure functions of a snapshot."""

from dataclasses import replace

import pytest

from devgate.gateway.failures import Failure
from devgate.gateway.handlers import builtin
from devgate.model.snapshot import BreakerRow, InstanceRow, ServiceRow, SyncRow, TrafficRow
from devgate.model.status import BreakerState, HealthState, Owner, ServiceState, SyncState
from tests.gateway.harness import blank_snapshot

INSTANCE = InstanceRow(
    replica=0,
    state=ServiceState.READY,
    pid=1,
    port=2,
    uptime_s=3.0,
    restarts=0,
    cpu_percent=None,
    memory_bytes=None,
    in_flight=4,
)
ROW = ServiceRow(
    name="a", state=ServiceState.READY, owner=Owner.DEVGATE, stub=False, health=HealthState.HEALTHY, health_detail="", pid=1,
    port=2, url="", uptime_s=3.0, restarts=0, exit_code=None, cause="", last_error="", waiting_for=(), cpu_percent=None,
    memory_bytes=None, stale=(), required=True, instances=(INSTANCE,), traffic=TrafficRow(per_minute=10, error_ratio=0.2),
    breaker=BreakerRow(), sync=SyncRow(SyncState.WARNING, "1.0", 12.0, "old"), response_ms=1.25, checked_at=1_700_000_000.0,
)  # fmt: skip
SNAPSHOT = replace(blank_snapshot(), services=(ROW,), ready=1, total=1, sync=SyncState.WARNING, sync_expected="1.1")


def with_row(**fields: object):  # type: ignore[no-untyped-def]
    return replace(SNAPSHOT, services=(replace(ROW, **fields),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "plain", "view"),
    [
        (b"/health", True, builtin.health),
        (b"/health/", True, builtin.health),
        (b"//health//live", True, builtin.live),
        (b"/health/ready", True, builtin.ready),
        (b"/_devgate/health/sync", False, builtin.sync),
        (b"/_devgate/health/services", True, builtin.services),
        (b"/health", False, None),
        (b"/health/x", True, None),
        (b"/healthy", True, None),
        (b"/health/../secret", True, None),
        (b"/_devgates", True, None),
    ],
)
def test_find(path: bytes, plain: bool, view: object):
    assert builtin.find(path, plain=plain) is view


@pytest.mark.parametrize("path", [b"/_devgate", b"/_devgate/x", b"/_devgate/live"])
def test_below_the_reserved_name_nothing_is_a_services(path: bytes):
    with pytest.raises(Failure):
        builtin.find(path, plain=True)


@pytest.mark.parametrize(
    ("health", "status"),
    [
        (HealthState.HEALTHY, 200),
        (HealthState.DEGRADED, 200),
        (HealthState.UNHEALTHY, 503),
        (HealthState.STARTING, 503),
        (HealthState.STOPPED, 503),
    ],
)
def test_health_maps_to_a_status(health: HealthState, status: int):
    got, body = builtin.health(replace(SNAPSHOT, health=health))
    assert (got, body["status"]) == (status, health.value)


def test_the_shape_of_health():
    _, body = builtin.health(SNAPSHOT)
    assert body.keys() == {"status", "timestamp", "version", "uptime_s", "profile", "services"}
    assert body["timestamp"] == "2023-11-14T22:13:20.000Z"
    assert body["services"]["a"] == {
        "status": "healthy",
        "state": "ready",
        "required": True,
        "response_time": 1.25,
        "last_check_at": "2023-11-14T22:13:20.000Z",
        "error": None,
        "error_count": 2,
        "success_count": 8,
        "circuit_state": "CLOSED",
        "circuit_open": False,
        "sync": "warning",
        "instances": [
            {
                "replica": 0,
                "state": "ready",
                "status": "unknown",
                "left_out": False,
                "port": 2,
                "uptime_s": 3.0,
                "in_flight": 4,
            }
        ],
    }
    assert builtin.services(SNAPSHOT)[1]["services"] == body["services"]


def test_what_was_never_measured_is_null():
    service = builtin.health(with_row(response_ms=None, checked_at=None))[1]["services"]["a"]
    assert (service["response_time"], service["last_check_at"]) == (None, None)


@pytest.mark.parametrize(("state", "is_open"), [(BreakerState.OPEN, True), (BreakerState.HALF_OPEN, True)])
def test_a_breaker_that_is_not_closed_counts_as_open(state: BreakerState, is_open: bool):
    service = builtin.health(with_row(breaker=BreakerRow(state=state)))[1]["services"]["a"]
    assert (service["circuit_state"], service["circuit_open"]) == (state.value, is_open)


def test_live_until_the_loop_is_stuck():
    assert builtin.live(SNAPSHOT)[0] == 200
    assert builtin.live(replace(SNAPSHOT, loop_delay_ms=5_001.0))[0] == 503


@pytest.mark.parametrize(
    ("fields", "status", "word"),
    [
        ({}, 200, "ready"),
        ({"health": HealthState.DEGRADED}, 200, "ready"),
        ({"health": HealthState.STARTING}, 503, "waiting"),
        ({"health": HealthState.UNHEALTHY, "required": False}, 200, "ready"),
    ],
)
def test_ready_waits_for_what_is_required(fields: dict[str, object], status: int, word: str):
    got, body = builtin.ready(with_row(**fields))
    assert (got, body["status"]) == (status, word)
    assert body["waiting_for"] == (["a"] if status == 503 else [])


def test_ready_is_over_when_the_end_begins():
    got, body = builtin.ready(replace(SNAPSHOT, stopping=True))
    assert (got, body["status"]) == (503, "draining")


def test_sync():
    got, body = builtin.sync(SNAPSHOT)
    assert got == 200
    assert (body["status"], body["expected_version"], body["in_sync"], body["total"]) == ("warning", "1.1", 0, 1)
    assert body["services"]["a"] == {"status": "warning", "version": "1.0", "out_of_sync_s": 12.0, "detail": "old"}
    assert builtin.sync(replace(SNAPSHOT, sync=SyncState.OFF))[1]["status"] == "off"


@pytest.mark.parametrize("state", SyncState)
def test_sync_is_an_error_where_it_is_critical_and_that_was_asked_for(state: SyncState):
    status, body = builtin.sync(replace(SNAPSHOT, sync=state, sync_fails_health=True))
    assert (status, body["status"]) == (503 if state is SyncState.CRITICAL else 200, state.value)
    assert builtin.sync(replace(SNAPSHOT, sync=state))[0] == 200
