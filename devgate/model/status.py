"""The words for states, once for screen, API, gateway and tests."""

from enum import StrEnum


class ServiceState(StrEnum):
    """Where a service is in its life (SUPERVISION.md 1.1). The transitions are the table in `supervisor.lifecycle`."""

    STOPPED = "stopped"
    BLOCKED = "blocked"
    """Cannot start, and trying again cannot mend it: missing command, missing variable, port taken."""
    WAITING = "waiting"
    """For its dependencies."""
    STARTING = "starting"
    READY = "ready"
    SLOW = "slow"
    """Still starting after `start_timeout`; not killed."""
    STOPPING = "stopping"
    EXITED = "exited"
    """A service that ended by itself with a good exit code."""
    COMPLETED = "completed"
    """A task that ended with a good exit code."""
    BACKOFF = "backoff"
    """Failed, and will be started again after a pause."""
    CRASHED = "crashed"
    """Failed, and will not be started again by itself."""


RETURNING = frozenset({ServiceState.WAITING, ServiceState.STARTING, ServiceState.SLOW, ServiceState.BACKOFF})
"""States from which a service comes back without anybody asking: its requests are held."""

FAILED = frozenset({ServiceState.BLOCKED, ServiceState.CRASHED})
"""States that a person has to look at."""


class Owner(StrEnum):
    """Who runs the process behind a service."""

    DEVGATE = "devgate"
    EXTERNAL = "external"


class HealthState(StrEnum):
    """What probes and traffic say about a service (SEMANTICS 3.10)."""

    UNKNOWN = "unknown"
    STARTING = "starting"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    STOPPED = "stopped"


class BreakerState(StrEnum):
    """Circuit breaker states, spelled as on the wire of the sync gateway."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class Forced(StrEnum):
    """What an operator has decided over a breaker's head (resilience4j's states), until it is reset."""

    OPEN = "open"
    """Everything is refused."""
    CLOSED = "closed"
    """Everything passes, nothing moves."""
    METRICS_ONLY = "metrics_only"
    """The machine runs, and nothing is refused."""
    DISABLED = "disabled"
    """Everything passes, nothing is counted; also what a profile says with `enabled: false`."""


class SyncState(StrEnum):
    """How a service's shared-knowledge version relates to the expected one (SEMANTICS 3.11)."""

    SYNCED = "synced"
    OUT_OF_SYNC = "out_of_sync"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"
    OFF = "off"
    """Nobody asks."""
