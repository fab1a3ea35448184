"""Facts in words: the one line of text that a person reads for each event, on the screen and in plain output."""

from __future__ import annotations

from devgate.model.events import (
    BreakerChanged,
    ComponentFailed,
    Event,
    FaultChanged,
    HealthChanged,
    Lagged,
    OperatorActed,
    ProcessExited,
    ProfileApplied,
    ProfileRejected,
    ReplicaLeftOut,
    ServiceChanged,
    SyncChanged,
)
from devgate.model.snapshot import EventRow
from devgate.model.status import FAILED, BreakerState, HealthState, ServiceState, SyncState
from devgate.model.units import format_duration


def narrate(event: Event, now: float) -> EventRow | None:
    """The line for an event; None for one that only repeats another. `now` (epoch seconds) dates those without a time."""
    match event:
        case ServiceChanged(service=service, new=new, cause=cause, at=at):
            level = "error" if new in FAILED else "warning" if new in _UNQUIET else "info"
            name = service if not event.replica else f"{service}#{event.replica}"
            needed = f"; needed by {', '.join(event.dependents)}" if event.dependents else ""
            said = cause if cause.startswith(f"{new.value} ") else f"{new.value}: {cause}" if cause else new.value
            return EventRow(at, f"{name} {said}{needed}", level)
        case HealthChanged(service=service, new=new_health, detail=detail, at=at):
            bad = new_health in (HealthState.UNHEALTHY, HealthState.DEGRADED)
            return EventRow(
                at, f"{service} is {new_health.value}" + (f": {detail}" if detail else ""), "warning" if bad else "info"
            )
        case BreakerChanged(service=service, new=state, cause=cause, at=at):
            words = {BreakerState.OPEN: "opened", BreakerState.HALF_OPEN: "half open", BreakerState.CLOSED: "closed"}
            level = "error" if state is BreakerState.OPEN else "info"
            return EventRow(at, f"{service} breaker {words[state]}" + (f": {cause}" if cause else ""), level)
        case ReplicaLeftOut(service=service, replica=replica, lasts_s=lasts_s, cause=cause, at=at):
            return EventRow(
                at, f"{service}#{replica} gets no requests for {format_duration(lasts_s)}: {cause}", "warning"
            )
        case SyncChanged(service=service, new=sync, expected=expected, actual=actual, at=at):
            level = {SyncState.CRITICAL: "error", SyncState.WARNING: "warning"}.get(sync, "info")
            if sync is SyncState.SYNCED:
                return EventRow(at, f"{service} in sync: {actual}", level)
            drift = "out of sync" if sync is SyncState.OUT_OF_SYNC else f"sync {sync.value}"
            return EventRow(at, f"{service} {drift}: {actual or 'nothing'} where {expected} is expected", level)
        case FaultChanged(route=route, words=now_wrong, cause=cause, at=at):
            if now_wrong:
                return EventRow(at, f"fault on {route}: {now_wrong} {cause}", "warning")
            return EventRow(at, f"no fault on {route} any more: {cause}", "info")
        case ProfileApplied(plan=plan, by=by, at=at):
            return EventRow(at, f"profile {plan.name} applied by {by}: {plan.summary}", "info")
        case ProfileRejected(source=source, problems=problems, at=at):
            why = problems[0].partition("\n")[0] if problems else "it does not load"  # the source line has no room here
            return EventRow(at, f"{source} not applied: {why}", "error")
        case OperatorActed(action=action, target=target, by=by, at=at):
            return EventRow(at, f"{action} {target} asked by {by}".replace("  ", " "), "info")
        case ComponentFailed(component=component, error=error):
            return EventRow(now, f"devgate's {component} failed and was contained: {error}", "error")
        case Lagged(count=count):
            return EventRow(now, f"{count} events were lost here", "warning")
        case ProcessExited():  # the change of state that follows names the cause
            return None


_UNQUIET = frozenset({ServiceState.BACKOFF, ServiceState.SLOW, ServiceState.EXITED})
