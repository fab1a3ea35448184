"""The gateway's own answers: health, drawn from a `Snapshot` by pure functions (SEMANTICS 3.10, 3.11).

They stand under `/_devgate/health` always and under `/health` unless the profile turns that off. Any status that a load balancer
or a container check looks at is in the status line; the body says why.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from devgate.gateway.failures import Failure
from devgate.gateway.headers import SECURITY_LINES
from devgate.gateway.target import BadTarget, segments
from devgate.model.status import BreakerState, HealthState, SyncState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devgate.gateway.exchange import Exchange
    from devgate.model.snapshot import InstanceRow, ServiceRow, Snapshot

    Answer = tuple[int, dict[str, Any]]
    View = Callable[[Snapshot], Answer]

LONGEST_LAG_MS: Final = 5_000.0
"""Delay of the event loop from which the gateway no longer counts as alive."""

_GOOD: Final = frozenset({HealthState.HEALTHY, HealthState.DEGRADED})


def find(path: bytes, *, plain: bool) -> View | None:
    """The view that a raw path names, None if it belongs to the services. `plain` allows the names without `/_devgate`.

    Raises:
        Failure: below `/_devgate` nothing is ever a service's.
    """
    try:
        names = segments(path)
    except BadTarget:
        return None  # the table refuses it
    reserved = names[:1] == (b"_devgate",)
    view = _VIEWS.get(names[1:] if reserved else names) if reserved or plain else None
    if view is None and reserved:
        raise Failure("no-route", "There is nothing of this name under /_devgate.", stage="builtin")
    return view


def answer(exchange: Exchange, view: View, snapshot: Snapshot) -> None:
    """Answer with a view. Never from a cache: it is asked in order to know how things are now."""
    status, body = view(snapshot)
    assert exchange.cors is not None
    lines = b"Content-Type: application/json\r\nCache-Control: no-store\r\nX-Request-ID: %b\r\n%b%b" % (
        exchange.id,
        SECURITY_LINES,
        exchange.cors.lines,
    )
    exchange.answer(status, lines, json.dumps(body).encode())


def health(snapshot: Snapshot) -> Answer:
    """Everything: the worst of the required services, and each of them."""
    body = {
        "status": snapshot.health.value,
        "timestamp": timestamp(snapshot.at),
        "version": snapshot.version,
        "uptime_s": round(snapshot.uptime_s, 3),
        "profile": snapshot.profile,
        "services": {row.name: _service(row) for row in snapshot.services},
    }
    return (200 if snapshot.health in _GOOD else 503), body


def services(snapshot: Snapshot) -> Answer:
    """Each service; always 200, for it is a report and not a check."""
    return 200, {
        "timestamp": timestamp(snapshot.at),
        "services": {row.name: _service(row) for row in snapshot.services},
    }


def live(snapshot: Snapshot) -> Answer:
    """Whether the gateway itself works: that this answer came, and that it came without much delay."""
    alive = snapshot.loop_delay_ms <= LONGEST_LAG_MS
    return (200 if alive else 503), {
        "status": "alive" if alive else "stuck",
        "timestamp": timestamp(snapshot.at),
        "loop_delay_ms": round(snapshot.loop_delay_ms, 3),
    }


def ready(snapshot: Snapshot) -> Answer:
    """Whether requests will be answered: every required service is up, and nothing is being shut down."""
    missing = [row.name for row in snapshot.services if row.required and row.health not in _GOOD]
    status = "draining" if snapshot.stopping else "waiting" if missing else "ready"
    return (200 if status == "ready" else 503), {
        "status": status,
        "timestamp": timestamp(snapshot.at),
        "ready": snapshot.ready,
        "total": snapshot.total,
        "waiting_for": missing,
    }


def sync(snapshot: Snapshot) -> Answer:
    """Whether all services know the same shared knowledge: a report, unless the profile makes a check of it."""
    failed = snapshot.sync_fails_health and snapshot.sync is SyncState.CRITICAL
    return (503 if failed else 200), {
        "status": snapshot.sync.value,
        "timestamp": timestamp(snapshot.at),
        "expected_version": snapshot.sync_expected,
        "services": {
            row.name: {
                "status": row.sync.state.value,
                "version": row.sync.actual or None,
                "out_of_sync_s": round(row.sync.since_s, 3),
                "detail": row.sync.detail,
            }
            for row in snapshot.services
        },
        "in_sync": sum(row.sync.state is SyncState.SYNCED for row in snapshot.services),
        "total": len(snapshot.services),
    }


def timestamp(at: float) -> str:
    """Seconds since the epoch as RFC 3339 has them."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_VIEWS: Final[Mapping[tuple[bytes, ...], View]] = {
    (b"health",): health,
    (b"health", b"live"): live,
    (b"health", b"ready"): ready,
    (b"health", b"services"): services,
    (b"health", b"sync"): sync,
}


def _service(row: ServiceRow) -> dict[str, Any]:
    failed = round(row.traffic.per_minute * row.traffic.error_ratio)
    return {
        "status": row.health.value,
        "state": row.state.value,
        "required": row.required,
        "response_time": None if row.response_ms is None else round(row.response_ms, 3),
        "last_check_at": None if row.checked_at is None else timestamp(row.checked_at),
        "error": row.health_detail or None,
        # Requests of the last minute: the traffic is what tells about a service, its probes are few.
        "error_count": failed,
        "success_count": round(row.traffic.per_minute) - failed,
        "circuit_state": row.breaker.state.value,
        # True while half open, so that clients which know only this stay careful.
        "circuit_open": row.breaker.state is not BreakerState.CLOSED,
        "sync": row.sync.state.value,
        "instances": [_instance(instance) for instance in row.instances],
    }


def _instance(row: InstanceRow) -> dict[str, Any]:
    return {
        "replica": row.replica,
        "state": row.state.value,
        "status": row.health.value,
        "left_out": row.left_out,
        "port": row.port,
        "uptime_s": round(row.uptime_s, 3),
        "in_flight": row.in_flight,
    }
