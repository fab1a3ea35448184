"""Joins what the parts know into one `Snapshot`: process and traffic in one row, which is what no peer has. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from devgate import __version__
from devgate.model.snapshot import (
    BreakerRow,
    CacheRow,
    EventRow,
    FaultRow,
    LimitRow,
    RouteRow,
    ServiceRow,
    Snapshot,
    SyncRow,
    TrafficRow,
)
from devgate.model.status import BreakerState, Forced, HealthState, Owner, ServiceState, SyncState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from devgate.model.profile import Profile

DEGRADED_ERRORS = 0.1
"""Share of failed requests over the last minute from which a service counts as degraded (SEMANTICS 3.10) ..."""
DEGRADED_CALLS = 10
"""... if there were so many at all."""

_SETTLED = frozenset({ServiceState.READY, ServiceState.COMPLETED})


def health(row: ServiceRow, traffic: TrafficRow, breaker: BreakerRow, sync: SyncRow) -> tuple[HealthState, str]:
    """What probes, traffic, breaker and versions say together, and why."""
    if row.health not in (HealthState.HEALTHY, HealthState.DEGRADED):
        return row.health, row.health_detail
    reasons = [row.health_detail] if row.health is HealthState.DEGRADED else []
    if breaker.state is BreakerState.OPEN:
        why = breaker.why or breaker.last_cause
        if breaker.forced is not Forced.METRICS_ONLY:
            return HealthState.UNHEALTHY, f"breaker open: {why}"
        reasons.append(f"breaker would be open: {why}")
    if breaker.state is BreakerState.HALF_OPEN:
        reasons.append("breaker half open")
    if sync.state is SyncState.CRITICAL:
        reasons.append("version critically out of sync")
    if traffic.error_ratio >= DEGRADED_ERRORS and traffic.per_minute >= DEGRADED_CALLS:
        reasons.append(f"{traffic.error_ratio:.0%} of requests failed")
    if reasons:
        return HealthState.DEGRADED, "; ".join(filter(None, reasons))
    return row.health, row.health_detail


def joined(row: ServiceRow, traffic: TrafficRow, breaker: BreakerRow, sync: SyncRow) -> ServiceRow:
    """What the supervisor knows of a service, with what the gateway and the monitor do."""
    state, detail = health(row, traffic, breaker, sync)
    return replace(row, health=state, health_detail=detail, traffic=traffic, breaker=breaker, sync=sync)


def overall(services: Iterable[ServiceRow]) -> HealthState:
    """Worst of the required services; an optional one that is down only degrades the whole (SEMANTICS 3.10), and so does one
    that somebody stopped on purpose."""
    worst = HealthState.HEALTHY
    for row in services:
        found = (
            HealthState.DEGRADED if row.state in _AT_REST or (not row.required and row.health in _DOWN) else row.health
        )
        if _BAD.index(found) > _BAD.index(worst):
            worst = found
    return worst


def worst_health(states: Iterable[HealthState]) -> HealthState:
    """The one that a person should hear of; unknown where there is none."""
    return max(states, key=_BAD.index, default=HealthState.UNKNOWN)


_AT_REST = frozenset({ServiceState.STOPPED, ServiceState.EXITED})
_DOWN = frozenset({HealthState.UNHEALTHY, HealthState.STOPPED, HealthState.STARTING})
_BAD = (
    HealthState.HEALTHY,
    HealthState.UNKNOWN,
    HealthState.DEGRADED,
    HealthState.STARTING,
    HealthState.STOPPED,
    HealthState.UNHEALTHY,
)


def picture(
    *,
    seq: int,
    at: float,
    uptime_s: float,
    profile: Profile,
    source: str,
    problems: tuple[str, ...],
    waits: bool,
    applied_at: float | None,
    url: str,
    known: Sequence[ServiceRow],
    traffic: TrafficRow,
    service_traffic: Callable[[str], TrafficRow],
    route_traffic: Callable[[str], TrafficRow],
    breakers: Callable[[str], BreakerRow],
    sync: Mapping[str, SyncRow],
    sync_state: SyncState,
    sync_expected: str,
    lag_ms: float,
    events: tuple[EventRow, ...],
    stopping: bool,
    kill_in_s: float | None,
    faults: tuple[FaultRow, ...],
    limits: tuple[LimitRow, ...],
    cache: CacheRow,
) -> Snapshot:
    """Everything at one moment."""
    rows = tuple(
        joined(row, service_traffic(row.name), breakers(row.name), sync.get(row.name, SyncRow())) for row in known
    )
    expected = [row for row in rows if row.state is not ServiceState.STOPPED or row.owner is Owner.EXTERNAL]
    return Snapshot(
        seq=seq,
        at=at,
        version=__version__,
        profile=profile.name,
        profile_source=source,
        url=url,
        uptime_s=uptime_s,
        ready=sum(row.state in _SETTLED for row in expected),
        total=len(expected),
        health=overall(rows),
        sync=sync_state,
        sync_expected=sync_expected,
        sync_fails_health=profile.sync.fail_health,
        traffic=traffic,
        loop_delay_ms=lag_ms,
        config_problems=problems,
        config_waits=waits,
        reloaded_at=applied_at,
        services=rows,
        routes=tuple(
            RouteRow(route.id, route.path, route.methods, route.service, route_traffic(route.id))
            for route in profile.routes
        ),
        events=events,
        stopping=stopping,
        kill_in_s=kill_in_s,
        faults=faults,
        limits=limits,
        cache=cache,
    )
