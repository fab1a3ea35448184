"""Probes, breakers, versions and replicas as rows: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.model.status import BreakerState, HealthState, SyncState
from devgate.tui import format as fmt
from devgate.tui import rows
from devgate.tui.columns import Column, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devgate.model.query import RequestRow
    from devgate.model.snapshot import EventRow, InstanceRow, ProbeRow, ServiceRow, Snapshot
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

PROBES: Final = 5
"""Probes told one by one; the others are a sign each."""
FAILURES: Final = 5
REFUSED: Final = "circuit-open"
"""Slug of what the breaker itself answers."""
_MARK: Final[dict[tuple[bool, bool], Run]] = {
    (True, False): ("●", "good"),
    (True, True): ("▲", "warn"),
    (False, False): ("✖", "bad"),
    (False, True): ("✖", "bad"),
}
"""By whether a probe was good, and whether there is something to say about it."""

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
    """One row a replica, where there are several."""
    return [_instance(each) for each in row.instances] if row is not None and len(row.instances) > 1 else []


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


def failures(known: Iterable[RequestRow], service: str) -> list[RequestRow]:
    """The service's failed requests, newest first, as its breaker counts them; not those that the breaker itself refused."""
    found = [row for row in known if row.service == service and row.status >= 500 and row.error != REFUSED]
    return found[: -FAILURES - 1 : -1]


def details(row: ServiceRow | None, failed: Sequence[RequestRow] = ()) -> list[Runs]:
    """How devgate knows what it says of one service: its probes, what its breaker counted, its version."""
    if row is None:
        return []
    return [*_probes(row), (), *_breaker(row, failed), (), *_version(row)]


def _probes(row: ServiceRow) -> list[Runs]:
    lines: list[Runs] = [(_label("probe"), (row.probe or "none", "plain"), *_strip_of(row.probes))]
    lines += [
        (
            _label(""),
            (f"{fmt.clock(probe.at)} ", "muted"),
            _MARK[probe.ok, bool(probe.detail)],
            (f" {fmt.milliseconds(probe.ms):>5}  ", "plain"),
            (probe.detail, "plain" if probe.ok else "bad-soft"),
        )
        for probe in row.probes[: -PROBES - 1 : -1]
    ]
    return lines


def _strip_of(probes: Sequence[ProbeRow]) -> Runs:
    """The last probes as signs, newest at the right."""
    return (("  ", "plain"), *(_MARK[probe.ok, bool(probe.detail)] for probe in probes))


def _breaker(row: ServiceRow, failed: Sequence[RequestRow]) -> list[Runs]:
    breaker = row.breaker
    opened = f"  opened {breaker.opened}x" if breaker.opened else ""
    lines: list[Runs] = [(_label("breaker"), rows.breaker(breaker), (opened, "muted"))]
    if breaker.last_cause:
        lines.append((_label(""), ("last failure ", "muted"), (breaker.last_cause, "warn")))
    lines += [
        (
            _label(""),
            (f"{fmt.clock(request.at)} ", "muted"),
            rows.status(request.status),
            (f" {request.error or fmt.milliseconds(request.duration_ms)}", "bad-soft"),
            (f"  {request.method} {request.path}", "plain"),
        )
        for request in failed
    ]
    return lines


def _version(row: ServiceRow) -> list[Runs]:
    sync = row.sync
    lines: list[Runs] = [(_label("version"), (sync.actual or fmt.NONE, "plain"), ("  ", "plain"), rows.sync(sync))]
    if sync.detail:
        lines.append((_label(""), (sync.detail, "plain")))
    if sync.since_s and sync.state is not SyncState.SYNCED:
        lines.append((_label(""), (f"out of sync for {fmt.span(sync.since_s)}", "warn")))
    if sync.critical_s:
        limits = f"a warning after {fmt.span(sync.warning_s)}, critical after {fmt.span(sync.critical_s)}"
        lines.append((_label(""), (limits, "muted")))
    return lines


def _label(text: str) -> Run:
    return f"{text:<9}", "heading"


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
