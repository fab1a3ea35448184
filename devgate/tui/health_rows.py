"""Probes, breakers, versions and replicas as rows: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.model.status import BreakerState, HealthState, ServiceState, SyncState
from devgate.tui import format as fmt
from devgate.tui import rows
from devgate.tui.columns import Column, Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devgate.model.query import RequestRow
    from devgate.model.snapshot import BreakerRow, CauseRow, EventRow, InstanceRow, ProbeRow, ServiceRow, Snapshot
    from devgate.tui.ink import Run, Runs

COLUMNS: Final = (
    Column("state", "State", 11),
    Column("name", "Service", 16, grow=1, most=28, marks=True),
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
"""Probes told one by one where there is something to tell; the others are a sign each."""
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
    if rows.tripped(row):
        parts.append((f"breaker: {row.breaker.last_cause}", "warn"))
    if row.sync.detail:
        parts.append((row.sync.detail, "plain"))
    return rows.joined(parts)


def instances(row: ServiceRow | None) -> list[Row]:
    """One row a replica, where there are several."""
    return [_instance(each) for each in row.instances] if row is not None and len(row.instances) > 1 else []


def _instance(row: InstanceRow) -> Row:
    cells: dict[str, Runs] = {
        "replica": ((f"#{row.replica}", "strong"),),
        "state": (_standing(row),),
        "pid": ((str(row.pid or fmt.NONE), "plain" if row.pid else "muted"),),
        "port": ((str(row.port or fmt.NONE), "plain" if row.port else "muted"),),
        "uptime": ((fmt.span(row.uptime_s), "plain") if row.uptime_s else (fmt.NONE, "muted"),),
        "restarts": (rows.number(str(row.restarts), row.restarts),),
        "flight": (rows.number(str(row.in_flight), row.in_flight),),
        "cpu": ((fmt.cpu(row.cpu_percent), "plain"),),
        "memory": ((fmt.size(row.memory_bytes), "plain"),),
    }
    return Row(str(row.replica), cells)


def _standing(row: InstanceRow) -> Run:
    """Its state; of a ready one also why it gets fewer requests than others."""
    if row.state is ServiceState.READY:
        if row.health in (HealthState.UNHEALTHY, HealthState.DEGRADED):
            return f"▲ {row.health.value}", _INK[row.health]
        if row.left_out:
            return "▲ left out", "warn"
    sign, ink = rows.sign(row.state)
    return f"{sign} {row.state.value}", ink


def details(row: ServiceRow | None, known: Mapping[str, RequestRow] | None = None) -> list[Runs]:
    """How devgate knows what it says of one service: its probes, what its breaker counted, its version.

    Args:
        known: failed requests by their ids, as far as they are remembered.
    """
    if row is None:
        return []
    parts = [_probes(row), _breaker(row, known or {}), _version(row)]
    if row.breaker.causes:  # what is wrong comes first, on a small terminal above all
        parts[:2] = parts[1::-1]
    return [line for part in parts for line in (*part, ())][:-1]


def _probes(row: ServiceRow) -> list[Runs]:
    lines: list[Runs] = [(_label("probe"), (row.probe or "none", "plain"), *_strip_of(row.probes))]
    newest = row.probes[: -PROBES - 1 : -1]
    if not any(probe.detail for probe in newest):
        newest = newest[:1]
    lines += [
        (
            _label(""),
            (f"{fmt.clock(probe.at)} ", "muted"),
            _MARK[probe.ok, bool(probe.detail)],
            (f" {fmt.milliseconds(probe.ms):>5}  ", "plain"),
            (probe.detail, "plain" if probe.ok else "bad-soft"),
        )
        for probe in newest
    ]
    return lines


def _strip_of(probes: Sequence[ProbeRow]) -> Runs:
    """The last probes as signs, newest at the right."""
    return (("  ", "plain"), *(_MARK[probe.ok, bool(probe.detail)] for probe in probes))


def _breaker(row: ServiceRow, known: Mapping[str, RequestRow]) -> list[Runs]:
    """Its state, and every failure that has brought it there."""
    breaker = row.breaker
    opened = f"  opened {breaker.opened}x" if breaker.opened else ""
    refused = f"  {breaker.totals.rejected} refused" if breaker.totals.rejected else ""
    lines: list[Runs] = [(_label("breaker"), rows.breaker(breaker), (opened + refused + _reason(breaker), "muted"))]
    if breaker.why and breaker.causes and breaker.state is not BreakerState.CLOSED:
        lines.append((_label(""), (f"{breaker.why}:", "plain")))
    if breaker.forced is not None:
        lines.append((_label(""), (rows.overruled(breaker), "muted")))
    if breaker.last_cause and not breaker.causes:
        lines.append((_label(""), ("last failure ", "muted"), (breaker.last_cause, "plain")))
    lines += [_cause(cause, known.get(cause.request_id)) for cause in breaker.causes]
    return lines


def _reason(breaker: BreakerRow) -> str:
    """What the failures below it are."""
    if not breaker.causes:
        return ""
    if breaker.state is BreakerState.CLOSED:
        return f"  {breaker.counted or 'failures'}:"
    return "" if breaker.why else "  because of:"


def _cause(cause: CauseRow, request: RequestRow | None) -> Runs:
    by: Runs = ((f"  request {cause.request_id}", "muted"),) if cause.request_id else ()
    if request is not None:
        by = ((f"  {request.method} {request.path}", "plain"), *by)
    return _label(""), (f"{fmt.clock(cause.at)} ", "muted"), (cause.what, "bad-soft"), *by


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
