"""Services as rows of cells, and the words that every view shares: pure functions of frozen values. Routes: `route_rows`.

Every word here is also in `devgate status --json`; a column that has no field in `model.snapshot` does not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from devgate.model.status import BreakerState, Forced, HealthState, Owner, ServiceState, SyncState
from devgate.policy.addresses import is_loopback
from devgate.tui import format as fmt
from devgate.tui.columns import Column, Row

if TYPE_CHECKING:
    from devgate.model.snapshot import BreakerRow, EventRow, ServiceRow, Snapshot, SyncRow, TrafficRow
    from devgate.tui.ink import Run, Runs

_HALF: Final = ("◐", "warn")
_MARKS: Final[dict[ServiceState, Run]] = {
    ServiceState.READY: ("●", "good"),
    ServiceState.WAITING: _HALF,
    ServiceState.STARTING: _HALF,
    ServiceState.SLOW: _HALF,
    ServiceState.STOPPING: _HALF,
    ServiceState.BACKOFF: _HALF,
    ServiceState.CRASHED: ("✖", "bad"),
    ServiceState.BLOCKED: ("✖", "bad"),
    ServiceState.STOPPED: ("○", "muted"),
    ServiceState.EXITED: ("○", "warn"),
    ServiceState.COMPLETED: ("○", "muted"),
}
_SYNC: Final = {
    SyncState.SYNCED: ("synced", "muted"),
    SyncState.OUT_OF_SYNC: ("out of sync", "warn"),
    SyncState.WARNING: ("warning", "warn"),
    SyncState.CRITICAL: ("critical", "bad"),
    SyncState.UNKNOWN: ("unknown", "muted"),
    SyncState.OFF: ("off", "muted"),
}
_FORCED: Final[dict[Forced, tuple[Run, str]]] = {
    Forced.OPEN: (("refuses", "bad"), "refuses every request,"),
    Forced.CLOSED: (("passes", "warn"), "lets every request pass,"),
    Forced.METRICS_ONLY: (("watches", "warn"), "counts and refuses nothing,"),
    Forced.DISABLED: (("off", "muted"), "switched off"),
}
"""A word, and what it does."""
_LEVELS: Final = {"error": ("✖", "bad"), "warning": ("▲", "warn")}
MANY_ERRORS: Final = 0.05
"""From this share of failed requests a rate is red, not yellow."""
_DRIFT_S: Final = 10.0
"""Out of sync for less than this is not worth a number."""

SERVICES: Final = (
    Column("state", "State", 11),
    Column("name", "Service", 20, grow=1, most=26, wish=24, marks=True),
    Column("port", "Port", 5, right=True),
    Column("rate", "Req/m", fmt.COUNT, right=True),
    Column("errors", "Err", 4, right=True),
    Column("p95", "p95", fmt.MILLISECONDS, right=True, drop=8),
    Column("breaker", "Breaker", 9, drop=2),
    Column("sync", "Sync", 12, drop=3),
    Column("uptime", "Up", fmt.SPAN, right=True, drop=4),
    Column("restarts", "Rst", 3, right=True, drop=5),
    Column("cpu", "CPU", 4, right=True, drop=6),
    Column("memory", "Mem", fmt.SIZE, right=True, drop=7),
    Column("trend", "Last min.", 10, drop=10),
    Column("why", "Why", 30, grow=3, drop=9),
)
"""Dropped from the highest `drop` down: what SUPERVISION.md 1.3 lists, and before it what only a wide terminal has room for."""


def sign(state: ServiceState) -> Run:
    """Sign and colour of a state."""
    return _MARKS[state]


def mark(row: ServiceRow) -> Run:
    """Sign and colour of a service; `word` says the same in a word."""
    if row.state is ServiceState.READY:
        if row.health is HealthState.UNHEALTHY:
            return "▲", "bad"
        if row.health is HealthState.DEGRADED:
            return "▲", "warn"
        if row.owner is Owner.EXTERNAL:
            return "◇", "info"
    return _MARKS[row.state]


def word(row: ServiceRow) -> str:
    """The state in one word."""
    if row.state is ServiceState.READY:
        if row.health in (HealthState.UNHEALTHY, HealthState.DEGRADED):
            return row.health.value
        if row.owner is Owner.EXTERNAL:
            return "external"
    return row.state.value


def failed(row: ServiceRow) -> bool:
    """Whether somebody has to look at it: what "failing first" sorts up."""
    return mark(row)[1] == "bad"


def why(row: ServiceRow) -> Runs:
    """Why it is not simply ready, most important first; empty when there is nothing to say."""
    parts: list[Run] = []
    if row.waiting_for:
        parts.append((f"waiting for {', '.join(row.waiting_for)}", "warn"))
    if row.cause and row.state not in (ServiceState.READY, ServiceState.WAITING):
        parts.append((row.cause, "bad" if failed(row) else "plain"))
    if row.exit_code is not None and row.state in (ServiceState.CRASHED, ServiceState.BACKOFF) and not row.cause:
        parts.append((exit_text(row.exit_code), "bad"))
    if word(row) in ("degraded", "unhealthy") and row.health_detail and row.health_detail != row.cause:
        parts.append((row.health_detail, "warn"))
    if row.last_error and row.state is not ServiceState.READY:
        parts.append((row.last_error, "muted"))
    if tripped(row):
        parts.append((row.breaker.last_cause, "warn"))
    if row.stale:
        parts.append((f"restart to apply {', '.join(row.stale)}", "info"))
    if row.sync.state in (SyncState.WARNING, SyncState.CRITICAL) and row.sync.detail:
        parts.append((row.sync.detail, "warn"))
    if row.cause and row.state is ServiceState.READY and row.owner is Owner.EXTERNAL:
        parts.append(
            (row.cause, "plain")
        )  # who runs it; when one of ours became ready does not say what is wrong with it
    return joined(parts)


def joined(parts: list[Run], separator: str = " · ") -> Runs:
    runs: list[Run] = []
    for part in parts:
        if runs:
            runs.append((separator, "muted"))
        runs.append(part)
    return tuple(runs)


def exit_text(code: int) -> str:
    """`exit 1`, `signal 9`."""
    return f"exit {code}" if code >= 0 else f"signal {-code}"


def services(snapshot: Snapshot, *, failing_first: bool = False) -> list[Row]:
    """One row a service, in the profile's order so that the eye learns it."""
    rows = [service(row) for row in snapshot.services]
    if failing_first:
        red = {row.name for row in snapshot.services if failed(row)}
        rows.sort(key=lambda row: row.key not in red)
    return rows


def service(row: ServiceRow) -> Row:
    sign, ink = mark(row)
    traffic = row.traffic
    running = row.pid is not None
    cells: dict[str, Runs] = {
        "state": ((f"{sign} ", ink), (word(row), ink)),
        "name": _name(row),
        "port": ((str(row.port) if row.port else fmt.NONE, "plain" if row.port else "muted"),),
        "rate": (number(fmt.count(traffic.per_minute), traffic.per_minute),),
        "errors": (errors(traffic),),
        "p95": ((fmt.milliseconds(traffic.p95_ms), "plain" if traffic.p95_ms is not None else "muted"),),
        "breaker": (breaker(row.breaker),),
        "sync": (sync(row.sync),),
        "uptime": ((fmt.span(row.uptime_s), "plain") if row.uptime_s else (fmt.NONE, "muted"),),
        "restarts": ((str(min(row.restarts, 999)), "warn" if row.restarts else "muted"),),
        "cpu": ((fmt.cpu(row.cpu_percent if running else None), "plain" if running else "muted"),),
        "memory": ((fmt.size(row.memory_bytes if running else None), "plain" if running else "muted"),),
        "trend": ((fmt.sparkline(traffic.spark, 10), "spark"),),
        "why": why(row),
    }
    return Row(row.name, cells)


def _name(row: ServiceRow) -> Runs:
    runs: list[Run] = [(row.name, "strong")]
    if row.stale:
        runs.append((" stale", "info"))
    if len(row.instances) > 1:
        ready = sum(instance.state is ServiceState.READY for instance in row.instances)
        runs.append((f" {ready}/{len(row.instances)}", "muted" if ready == len(row.instances) else "warn"))
    if row.stub:
        runs.append((" stub", "muted"))
    return tuple(runs)


def number(text: str, value: float) -> Run:
    """A number that recedes while it is zero."""
    return text, "plain" if value else "muted"


def errors(traffic: TrafficRow) -> Run:
    """The share of failed requests; nothing where there were none."""
    share = traffic.error_ratio
    if not traffic.per_minute and not share:
        return fmt.NONE, "muted"
    return fmt.ratio(share), "muted" if not share else "bad" if share >= MANY_ERRORS else "warn"


def tripped(row: ServiceRow) -> bool:
    """Whether the breaker's last failure has yet to be told of."""
    cause = row.breaker.last_cause
    return row.breaker.state is not BreakerState.CLOSED and bool(cause) and cause not in row.health_detail


def breaker(row: BreakerRow) -> Run:
    """`closed`, `closed 2` (failures that count), `OPEN 8s` (until the next probe), `half-open`; and what somebody has decided
    over its head: `off`, `passes`, `refuses`, `watches`."""
    if row.forced is not None:
        return _FORCED[row.forced][0]
    if row.state is BreakerState.OPEN:
        return f"OPEN {fmt.span(row.retry_in_s)}" if row.retry_in_s > 0 else "OPEN", "bad"
    if row.state is BreakerState.HALF_OPEN:
        return "half-open", "warn"
    return (f"closed {row.failures}", "warn") if row.failures else ("closed", "muted")


def overruled(row: BreakerRow) -> str:
    """What was decided over a breaker's head, in words; empty if nothing was."""
    if row.forced is None:
        return ""
    return f"{_FORCED[row.forced][1]} {'by hand, until it is reset' if row.by_hand else 'in the profile'}"


def sync(row: SyncRow) -> Run:
    """The state's word, and for how long once that matters."""
    text, ink = _SYNC[row.state]
    if row.state in (SyncState.WARNING, SyncState.CRITICAL) and row.since_s >= _DRIFT_S:
        return f"{text} {fmt.age(row.since_s)}", ink
    return text, ink


def status(code: int) -> Run:
    """A response status in its colour; 0 is not known yet."""
    if not code:
        return fmt.NONE, "muted"
    return str(code), "bad" if code >= 500 else "warn" if code >= 400 else "good"


def event(row: EventRow | None) -> Runs:
    """The last thing that happened, with its cause."""
    if row is None:
        return (("nothing has happened yet", "muted"),)
    sign, ink = _LEVELS.get(row.level, ("·", "muted"))
    return ((f"{fmt.clock(row.at)} ", "muted"), (f"{sign} ", ink), (row.text, "muted" if ink == "muted" else "plain"))


def sync_summary(snapshot: Snapshot) -> Run:
    """`in sync`, `1 critical`, `sync unknown`, `sync off`: the worst, and how many are that, in the words of their column."""
    for state in _DRIFTED:
        if count := sum(row.sync.state is state for row in snapshot.services):
            word, ink = _SYNC[state]
            return f"{count} {word}", ink
    if snapshot.sync is SyncState.SYNCED:
        return "in sync", "good"
    return "sync off" if snapshot.sync is SyncState.OFF else "sync unknown", "muted"


EXPOSED: Final[Run] = ("open to the network", "bad")


def is_exposed(snapshot: Snapshot) -> bool:
    """Whether the gateway listens where other machines reach it (SEMANTICS 4, threat 7): said as long as it is so."""
    host = urlsplit(snapshot.url).hostname
    return host is not None and not is_loopback(host)


_DRIFTED: Final = (SyncState.CRITICAL, SyncState.WARNING, SyncState.OUT_OF_SYNC)
"""The worst first."""
