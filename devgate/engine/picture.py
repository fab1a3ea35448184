"""Joins what the parts know into one `Snapshot`: process and traffic in one row, which is what no peer has. Pure."""

from __future__ import annotations

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
from devgate.model.status import BreakerState, HealthState, Owner, ServiceState, SyncState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from devgate.model.profile import Profile
    from devgate.supervisor.view import ServiceView

DEGRADED_ERRORS = 0.1
"""Share of failed requests over the last minute from which a service counts as degraded (SEMANTICS 3.10) ..."""
DEGRADED_CALLS = 10
"""... if there were so many at all."""

_SETTLED = frozenset({ServiceState.READY, ServiceState.COMPLETED})


def health(view: ServiceView, traffic: TrafficRow, breaker: BreakerRow, sync: SyncRow) -> tuple[HealthState, str]:
    """What probes, traffic, breaker and versions say together, and why."""
    if view.health not in (HealthState.HEALTHY, HealthState.DEGRADED):
        return view.health, view.health_detail
    if breaker.state is BreakerState.OPEN:
        return HealthState.UNHEALTHY, f"breaker open: {breaker.last_cause}"
    reasons = [view.health_detail] if view.health is HealthState.DEGRADED else []
    if breaker.state is BreakerState.HALF_OPEN:
        reasons.append("breaker half open")
    if sync.state is SyncState.CRITICAL:
        reasons.append("version critically out of sync")
    if traffic.error_ratio >= DEGRADED_ERRORS and traffic.per_minute >= DEGRADED_CALLS:
        reasons.append(f"{traffic.error_ratio:.0%} of requests failed")
    if reasons:
        return HealthState.DEGRADED, "; ".join(filter(None, reasons))
    return view.health, view.health_detail


def service_row(view: ServiceView, traffic: TrafficRow, breaker: BreakerRow, sync: SyncRow) -> ServiceRow:
    state, detail = health(view, traffic, breaker, sync)
    return ServiceRow(
        name=view.name,
        state=view.state,
        owner=view.owner,
        stub=view.stub,
        health=state,
        health_detail=detail,
        pid=view.pid,
        port=view.port,
        url=view.url,
        uptime_s=view.uptime_s,
        restarts=view.restarts,
        exit_code=view.exit_code,
        cause=view.cause,
        last_error=view.last_error,
        waiting_for=view.waiting_for,
        cpu_percent=view.cpu_percent,
        memory_bytes=view.memory_bytes,
        stale=view.stale,
        required=view.required,
        instances=view.instances,
        traffic=traffic,
        breaker=breaker,
        sync=sync,
        response_ms=view.response_ms,
        checked_at=view.checked_at,
        probe=view.probe,
        probes=view.probes,
        blocked_by=view.blocked_by,
        tty=view.tty,
    )


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
    views: Sequence[ServiceView],
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
    faults: tuple[FaultRow, ...],
    limits: tuple[LimitRow, ...],
    cache: CacheRow,
) -> Snapshot:
    """Everything at one moment."""
    rows = tuple(
        service_row(view, service_traffic(view.name), breakers(view.name), sync.get(view.name, SyncRow()))
        for view in views
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
        faults=faults,
        limits=limits,
        cache=cache,
    )
