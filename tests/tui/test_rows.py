"""A snapshot as words: every state, and why it is in it."""

from dataclasses import replace

import pytest

from devgate.model.snapshot import BreakerRow, EventRow, SyncRow
from devgate.model.status import BreakerState, Forced, HealthState, Owner, ServiceState, SyncState
from devgate.tui import ink, route_rows, rows
from tests.tui.fake_control import sample, service


def text(runs: ink.Runs) -> str:
    return "".join(part for part, _ in runs)


@pytest.mark.parametrize("state", ServiceState)
def test_every_state_has_a_sign_a_word_and_an_ink(state: ServiceState):
    row = service("web", state=state)
    sign, colour = rows.mark(row)
    assert sign in "●◐▲✖○◇"
    assert colour in ink.NAMES
    assert rows.word(row) == state.value


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"health": HealthState.DEGRADED}, "▲ degraded"),
        ({"health": HealthState.UNHEALTHY}, "▲ unhealthy"),
        ({"owner": Owner.EXTERNAL}, "◇ external"),
        ({"owner": Owner.EXTERNAL, "health": HealthState.UNHEALTHY}, "▲ unhealthy"),
        ({"owner": Owner.EXTERNAL, "state": ServiceState.CRASHED}, "✖ crashed"),
    ],
)
def test_health_and_owner_show_where_the_process_is_fine(changes: dict[str, object], said: str):
    assert text(rows.service(service("web", **changes)).cells["state"]) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"cause": "started by hand"}, ""),
        ({"state": ServiceState.WAITING, "waiting_for": ("db", "redis")}, "waiting for db, redis"),
        (
            {"state": ServiceState.CRASHED, "cause": "exit 1 after 12 s", "last_error": "KeyError"},
            "exit 1 after 12 s · KeyError",
        ),
        ({"state": ServiceState.CRASHED, "exit_code": -9}, "signal 9"),
        ({"state": ServiceState.BACKOFF, "exit_code": 3}, "exit 3"),
        ({"state": ServiceState.BLOCKED, "cause": "port 80 is taken by nginx (4)"}, "port 80 is taken by nginx (4)"),
        ({"stale": ("env.A", "command")}, "restart to apply env.A, command"),
        ({"health": HealthState.DEGRADED, "health_detail": "took 1.8 s"}, "took 1.8 s"),
        (
            {"health": HealthState.DEGRADED, "health_detail": "took 1.8 s", "cause": "ready after 0.6 s"},
            "took 1.8 s",
        ),
        (
            {"health": HealthState.UNHEALTHY, "health_detail": "503", "cause": "run by x", "owner": Owner.EXTERNAL},
            "503 · run by x",
        ),
        ({"breaker": BreakerRow(BreakerState.OPEN, last_cause="5 failures")}, "5 failures"),
        ({"sync": SyncRow(SyncState.CRITICAL, "1", 700, "expected 2, has 1")}, "expected 2, has 1"),
    ],
)
def test_why(changes: dict[str, object], said: str):
    assert text(rows.why(service("web", **changes))) == said


@pytest.mark.parametrize(
    ("breaker", "said"),
    [
        (BreakerRow(), "closed"),
        (BreakerRow(failures=3), "closed 3"),
        (BreakerRow(BreakerState.OPEN, retry_in_s=8.2), "OPEN 8s"),
        (BreakerRow(BreakerState.OPEN), "OPEN"),
        (BreakerRow(BreakerState.HALF_OPEN), "half-open"),
        (BreakerRow(forced=Forced.DISABLED), "off"),
        (BreakerRow(BreakerState.OPEN, Forced.OPEN), "refuses"),
        (BreakerRow(forced=Forced.CLOSED), "passes"),
        (BreakerRow(BreakerState.OPEN, Forced.METRICS_ONLY, failures=3), "watches"),
    ],
)
def test_breaker(breaker: BreakerRow, said: str):
    assert rows.breaker(breaker)[0] == said


@pytest.mark.parametrize("state", SyncState)
@pytest.mark.parametrize("since_s", [0, 42, 400, 9_000, 1e6])
def test_sync_fits_its_column(state: SyncState, since_s: float):
    width = next(column.width for column in rows.SERVICES if column.key == "sync")
    assert len(rows.sync(SyncRow(state, "1", since_s))[0]) <= width


@pytest.mark.parametrize(
    ("state", "said"),
    [(SyncState.SYNCED, "in sync"), (SyncState.UNKNOWN, "sync unknown"), (SyncState.OFF, "sync off")],
)
def test_versions_in_one_word(state: SyncState, said: str):
    assert rows.sync_summary(replace(sample(), services=(), sync=state))[0] == said


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ((SyncState.CRITICAL, SyncState.WARNING, SyncState.OUT_OF_SYNC), ("1 critical", "bad")),
        ((SyncState.OUT_OF_SYNC, SyncState.WARNING, SyncState.WARNING), ("2 warning", "warn")),
        ((SyncState.SYNCED, SyncState.OUT_OF_SYNC, SyncState.UNKNOWN), ("1 out of sync", "warn")),
    ],
)
def test_the_worst_version_is_said_as_its_column_says_it(states: tuple[SyncState, ...], said: tuple[str, str]):
    found = tuple(replace(service(state.value), sync=SyncRow(state)) for state in states)
    assert rows.sync_summary(replace(sample(), services=found)) == said


def test_failing_first_keeps_the_order_among_equals():
    snapshot = sample()
    names = [row.name for row in snapshot.services]
    assert [row.key for row in rows.services(snapshot)] == names
    sorted_names = [row.key for row in rows.services(snapshot, failing_first=True)]
    assert sorted_names == ["bot-server", *[name for name in names if name != "bot-server"]]


def test_equal_rows_are_equal_so_that_nothing_is_painted_twice():
    assert rows.services(sample()) == rows.services(sample())
    assert route_rows.routes(sample()) == route_rows.routes(sample())


def test_the_last_event_tells_its_cause():
    assert "bot-server crashed: exit 1 after 12 s" in text(rows.event(sample().events[-1]))
    assert text(rows.event(None)) == "nothing has happened yet"
    assert rows.event(EventRow(0, "x", "warning"))[1] == ("▲ ", "warn")


def test_every_ink_is_one_that_widgets_know():
    snapshot = sample()
    for row in [*rows.services(snapshot), *route_rows.routes(snapshot)]:
        for runs in row.cells.values():
            assert {name for _, name in runs} <= set(ink.NAMES)


def test_what_it_waits_for_is_said_once():
    row = service("web", state=ServiceState.WAITING, waiting_for=("db",), cause="waits for db")
    assert text(rows.why(row)) == "waiting for db"
