"""Probes, breakers, versions and replicas as rows: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.model.status import BreakerState, HealthState, SyncState
from devgate.tui import format as fmt
from devgate.tui import rows
from devgate.tui.columns import Column, Row

if TYPE_CHECKING:
    from devgate.model.snapshot import EventRow, InstanceRow, ServiceRow, Snapshot
    from devgate.tui.ink import Run, Runs

COLUMNS: Final = (
    Column("state", "State", 11),
    Column("name", "Service", 16, grow=1, most=24),
    Column("health", "Health", 9),
    Column("probe", "Probe", fmt.MILLISECONDS, right=True, drop=2),
    Column("checked", "Checked", fmt.CLOCK, drop=6),
    Column("breaker", "Breaker", 9, drop=1),
    Column("opened", "Opened", 6, right=True, drop=5),
    Column("sync", "Sync", 12),
    Column("version", "Version", 10, drop=4),
    Column("detail", "Detail", 24, grow=3, drop=3),
)
INSTANCES: Final = (
    Column("replica", "Replica", 8),
    Column("state", "State", 11),
    Column("pid", "Pid", 7, right=True),
    Column("port", "Port", 5, right=True),
    Column("uptime", "Up", fmt.SPAN, right=True),
    Column("restarts", "Rst", 3, right=True, drop=1),
    Column("flight", "In flight", 9, right=True, drop=2),
    Column("cpu", "CPU", 4, right=True, drop=3),
    Column("memory", "Mem", fmt.SIZE, right=True, drop=4),
)
EVENTS: Final = (Column("event", "Events", 20, grow=1),)

_INK: Final = {
    HealthState.HEALTHY: "good",
    HealthState.DEGRADED: "warn",
    HealthState.UNHEALTHY: "bad",
    HealthState.STARTING: "warn",
}


def services(snapshot: Snapshot) -> list[Row]:
    return [_service(row, snapshot.sync_expected) for row in snapshot.services]


def _service(row: ServiceRow, expected: str) -> Row:
    sign, ink = rows.mark(row)
    version = row.sync.actual
    differs = bool(version and expected and row.sync.state is not SyncState.SYNCED)
    cells: dict[str, Runs] = {
        "state": ((f"{sign} {rows.word(row)}", ink),),
        "name": ((row.name, "strong"),) if row.required else ((row.name, "strong"), (" optional", "muted")),
        "health": ((row.health.value, _INK.get(row.health, "muted")),),
        "probe": ((fmt.milliseconds(row.response_ms), "plain" if row.response_ms is not None else "muted"),),
        "checked": ((fmt.clock(row.checked_at), "muted"),),
        "breaker": (rows.breaker(row.breaker),),
        "opened": (rows.number(f"{row.breaker.opened}x", row.breaker.opened),),
        "sync": (rows.sync(row.sync),),
        "version": ((version or fmt.NONE, "warn" if differs else "muted"),),
        "detail": _detail(row),
    }
    return Row(row.name, cells)


def _detail(row: ServiceRow) -> Runs:
    parts: list[Run] = []
    if row.health_detail:
        parts.append((row.health_detail, _INK.get(row.health, "plain")))
    if row.breaker.state is not BreakerState.CLOSED and row.breaker.last_cause:
        parts.append((f"breaker: {row.breaker.last_cause}", "warn"))
    if row.sync.detail:
        parts.append((row.sync.detail, "plain"))
    return rows.joined(parts)


def instances(row: ServiceRow | None) -> list[Row]:
    return [_instance(each) for each in row.instances] if row is not None else []


def _instance(row: InstanceRow) -> Row:
    sign, ink = rows.sign(row.state)
    cells: dict[str, Runs] = {
        "replica": ((f"#{row.replica}", "strong"),),
        "state": ((f"{sign} {row.state.value}", ink),),
        "pid": ((str(row.pid or fmt.NONE), "plain" if row.pid else "muted"),),
        "port": ((str(row.port or fmt.NONE), "plain" if row.port else "muted"),),
        "uptime": ((fmt.span(row.uptime_s), "plain") if row.uptime_s else (fmt.NONE, "muted"),),
        "restarts": (rows.number(str(row.restarts), row.restarts),),
        "flight": (rows.number(str(row.in_flight), row.in_flight),),
        "cpu": ((fmt.cpu(row.cpu_percent), "plain"),),
        "memory": ((fmt.size(row.memory_bytes), "plain"),),
    }
    return Row(str(row.replica), cells)


def events(found: tuple[EventRow, ...]) -> list[Row]:
    """Newest first."""
    return [Row(f"{row.at}-{number}", {"event": rows.event(row)}) for number, row in reversed(list(enumerate(found)))]


def summary(snapshot: Snapshot) -> Runs:
    """The whole in one line: health, and the version that is expected everywhere."""
    expected = snapshot.sync_expected
    return (
        ("Health ", "heading"),
        (snapshot.health.value, _INK.get(snapshot.health, "muted")),
        ("   Shared knowledge ", "heading"),
        rows.sync_summary(snapshot),
        (f"   expected {expected}" if expected else "   no version is expected", "heading"),
    )
