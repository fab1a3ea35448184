"""The machine of a circuit breaker: what moves it, and where to. A missing key is a bug and raises."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from devgate.model.status import BreakerState

if TYPE_CHECKING:
    from collections.abc import Mapping


class Trigger(Enum):
    FAILED_OFTEN = "failed often"
    LOST = "lost"
    """Its process will not come back by itself."""
    WAITED = "waited"
    """The pause is over."""
    RETURNED = "returned"
    """Its process was started again and is ready, or its probes pass again."""
    PROBE_FAILED = "probe failed"
    PROBED = "probed"
    """Enough good probes in a row."""
    RESET = "reset"
    """By hand."""


_CLOSED, _OPEN, _HALF = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN

TRANSITIONS: Final[Mapping[tuple[BreakerState, Trigger], BreakerState]] = {
    (_CLOSED, Trigger.FAILED_OFTEN): _OPEN,
    (_CLOSED, Trigger.LOST): _OPEN,
    # A service that was not under suspicion is not put under suspicion by a restart: the first requests after `devgate up`
    # would queue behind a probe, and every service would show as half open (so: degraded) until somebody used it.
    (_CLOSED, Trigger.RETURNED): _CLOSED,
    (_CLOSED, Trigger.RESET): _CLOSED,
    (_OPEN, Trigger.WAITED): _HALF,
    (_OPEN, Trigger.RETURNED): _HALF,
    (_OPEN, Trigger.LOST): _OPEN,
    (_OPEN, Trigger.RESET): _CLOSED,
    (_HALF, Trigger.PROBE_FAILED): _OPEN,
    (_HALF, Trigger.PROBED): _CLOSED,
    (_HALF, Trigger.RETURNED): _HALF,
    (_HALF, Trigger.LOST): _OPEN,
    (_HALF, Trigger.RESET): _CLOSED,
}
