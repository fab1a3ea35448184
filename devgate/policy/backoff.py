"""How long to pause before the next attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devgate.model.service import BackoffSpec


def pause(spec: BackoffSpec, failures: int, draw: float) -> float:
    """Seconds to wait after so many failures in a row.

    Args:
        failures: 1 after the first.
        draw: uniform in [0, 1); spreads the pause over `1 - jitter` to `1 + jitter` of itself, never above `max`.
    """
    # The power is taken of a bounded number: a service that has failed for a week must not overflow a float.
    grown = min(spec.first * spec.factor ** min(failures - 1, 64), spec.max)
    return min(grown * (1 + spec.jitter * (2 * draw - 1)), spec.max)
