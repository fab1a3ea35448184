"""What a face can see at one moment: everything the screen draws and `devgate status --json` prints.

The engine builds it from the owners of the state; nobody keeps a second copy. Times are relative (`uptime_s`) or since the epoch
(`at`), so that a face needs no clock of its own. Built at most a few times a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from devgate.model.fault import Fault
from devgate.model.status import BreakerState, Forced, HealthState, Owner, ServiceState, SyncState


@dataclass(frozen=True, slots=True)
class TrafficRow:
    """Requests of one service or route over the last minute."""

    total: int = 0
    """Since devgate started."""
    per_minute: float = 0.0
    error_ratio: float = 0.0
    """Share answered with 5xx or not at all."""
    p50_ms: float | None = None
    p95_ms: float | None = None
    last_status: int = 0
    in_flight: int = 0
    held: int = 0
    spark: tuple[int, ...] = ()
    """Requests in each of the last 30 spans of two seconds, oldest first."""


@dataclass(frozen=True, slots=True)
class CauseRow:
    """A failure that a breaker counted."""

    at: float
    """Seconds since the epoch."""
    what: str
    """The status, or how sending the request failed."""
    request_id: str
    """Empty: it was no request; the process went."""


@dataclass(frozen=True, slots=True)
class BreakerTotals:
    """Requests since a breaker exists, by how they ended."""

    success: int = 0
    failure: int = 0
    """Timeouts included."""
    timeout: int = 0
    rejected: int = 0
    """Refused by it."""
    ignored: int = 0
    """They say nothing about the service's health: a 4xx, a client that left, an answer of the gateway's own."""


@dataclass(frozen=True, slots=True)
class BreakerRow:
    state: BreakerState = BreakerState.CLOSED
    """What requests meet; while it only watches, what they would meet."""
    forced: Forced | None = None
    """What somebody has decided over its head."""
    by_hand: bool = False
    """Whether that was an operator, whose word a reset ends; not the profile with `enabled: false`."""
    since: float | None = None
    """When it has come into its state, seconds since the epoch; None: never heard of."""
    failures: int = 0
    """Those that count at present: in a row, or within the window."""
    counted: str = ""
    """The same in words: `2 failures in a row`, `3 of 14 failed in the last 10 s`."""
    opened: int = 0
    """How often it has opened."""
    retry_in_s: float = 0.0
    why: str = ""
    """What has opened or closed it, in words; empty if nothing ever has."""
    last_cause: str = ""
    causes: tuple[CauseRow, ...] = ()
    """Why it is in its state: the failures that count while it is closed; otherwise those that opened it, and every probe that
    has failed since. The last ten, oldest first."""
    totals: BreakerTotals = BreakerTotals()


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One look at a service."""

    at: float
    """Seconds since the epoch."""
    ok: bool
    ms: float
    detail: str
    """Why not, or why only just; empty if all is well."""


@dataclass(frozen=True, slots=True)
class SyncRow:
    state: SyncState = SyncState.OFF
    actual: str = ""
    since_s: float = 0.0
    """How long it has been out of sync."""
    detail: str = ""
    warning_s: float = 0.0
    """Out of sync for this long, it is a warning ..."""
    critical_s: float = 0.0
    """... and for this long, critical."""


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One replica."""

    replica: int
    state: ServiceState
    pid: int | None
    port: int | None
    uptime_s: float
    restarts: int
    cpu_percent: float | None
    memory_bytes: int | None
    in_flight: int
    health: HealthState = HealthState.UNKNOWN
    """What its own probes say."""
    left_out: bool = False
    """Whether it gets no requests for a while, as long as there is another one: it has refused or failed several."""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    name: str
    state: ServiceState
    """Worst of its replicas."""
    owner: Owner
    stub: bool
    health: HealthState
    health_detail: str
    pid: int | None
    port: int | None
    url: str
    uptime_s: float
    """Since it became ready, else since it started; 0 if it does not run."""
    restarts: int
    exit_code: int | None
    cause: str
    """Why it is in this state; may be empty."""
    last_error: str
    """Last line that looks like an error, redacted."""
    waiting_for: tuple[str, ...]
    cpu_percent: float | None
    """Of one core; None while unknown."""
    memory_bytes: int | None
    stale: tuple[str, ...]
    """Keys that changed in the file and need a restart."""
    required: bool
    instances: tuple[InstanceRow, ...]
    traffic: TrafficRow
    breaker: BreakerRow
    sync: SyncRow
    response_ms: float | None
    """Of the last probe."""
    checked_at: float | None
    """Of the last probe, seconds since the epoch."""
    probe: str = ""
    """What is looked at, and how often: `GET /health every 5 s`."""
    probes: tuple[ProbeRow, ...] = ()
    """The last looks, newest last; of the replica that speaks for the service."""
    blocked_by: str = ""
    """What keeps a blocked service from starting, as a slug: `port-in-use`, `missing-command`, `missing-cwd` ...; else empty."""
    dependents: tuple[str, ...] = ()
    """Who needs it, directly or not, in the order of their start."""
    tty: bool = False
    """Whether its process has a terminal of its own, into which one can type."""


@dataclass(frozen=True, slots=True)
class RouteRow:
    id: str
    path: str
    methods: tuple[str, ...]
    service: str
    traffic: TrafficRow


@dataclass(frozen=True, slots=True)
class CacheRow:
    """The answers that are kept."""

    answers: int = 0
    bytes: int = 0
    """What they take, with the room for keeping them."""
    limit: int = 0
    """What they may take."""
    hits: int = 0
    """How many requests were answered with one, so far."""
    misses: int = 0
    """How many requests of routes that keep answers had to ask the service."""


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A fault on demand that is on."""

    route: str
    """Id of the route."""
    fault: Fault
    words: str
    """The same for people: `300ms late, 503 for 50 %`."""
    left_s: float | None
    """Until it ends by itself; None: it does not."""
    source: Literal["profile", "operator"]
    """Who wants it."""


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit, and how often it was reached."""

    name: str
    route: str
    """Id of the route that it belongs to; empty: the whole gateway's."""
    by: str
    limit: int
    window_s: float
    over: int
    """Requests for which there was nothing left."""
    over_s: float | None
    """How long ago that was the last time; None: never."""
    enforced: bool
    """Whether those were refused."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """The last things that happened, newest last."""

    at: float
    text: str
    level: str
    """`info`, `warning` or `error`."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    seq: int
    """Moves when anything here may have changed."""
    at: float
    version: str
    profile: str
    """Its name."""
    profile_source: str
    url: str
    """Where the gateway answers."""
    uptime_s: float
    ready: int
    total: int
    """Services ready, and services that should be."""
    health: HealthState
    sync: SyncState
    sync_expected: str
    traffic: TrafficRow
    """Of the whole gateway."""
    loop_delay_ms: float
    """Worst delay of the event loop over the last seconds: what a request may have waited for the screen."""
    config_problems: tuple[str, ...]
    """Why the changed file was refused; empty when file and running profile agree."""
    reloaded_at: float | None
    services: tuple[ServiceRow, ...]
    routes: tuple[RouteRow, ...]
    events: tuple[EventRow, ...]
    stopping: bool = False
    kill_in_s: float | None = None
    """While it stops: how long until what still runs is killed."""
    faults: tuple[FaultRow, ...] = ()
    """Faults on demand that are on."""
    limits: tuple[LimitRow, ...] = ()
    cache: CacheRow = CacheRow()
    config_waits: bool = False
    """What `config_problems` tells is no error: the changed file waits until somebody agrees to its new commands."""
    sync_fails_health: bool = False
    """Whether `/health/sync` is an error while critical: `sync.fail_health`."""
