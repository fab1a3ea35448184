"""When a failed request is tried again (SEMANTICS 3.3; Envoy's retry policy and budget, AWS's full jitter).

This begins where `rescue` ends: `rescue` undoes what a restart of the service has done to a request and is always on; a retry is
what a route asks for, and takes slow and wrong answers for failures, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.policy.moments import moment
from devgate.policy.rescue import IDEMPOTENT

if TYPE_CHECKING:
    from devgate.model.resilience import RetrySpec

GROWTH_LIMIT: Final = 10
"""The longest pause, in first ones."""
RETRY_AFTER_S: Final = 2.0
"""The longest `Retry-After` that is waited for."""
SHARE: Final = 0.2
"""Part of a service's requests under way that may be retries ..."""
FLOOR: Final = 3
"""... but always so many: a fifth of one request would be none."""


class Budget:
    """How many retries a service is asked to bear at once. Without it every client would double the load of a service that fails
    because of its load."""

    __slots__ = ("spent",)

    def __init__(self) -> None:
        self.spent = 0
        """Retries under way."""

    def take(self, active: int) -> bool:
        """A retry is about to begin, with `active` requests under way, retries included. True: `give_back` must follow."""
        if self.spent >= max(FLOOR, SHARE * active):
            return False
        self.spent += 1
        return True

    def give_back(self) -> None:
        self.spent -= 1


@dataclass(frozen=True, slots=True)
class Failed:
    """What became of an attempt."""

    reached: bool
    """The service may have seen the request."""
    passing: bool
    """It may go better next time: refused, lost, too slow, or one of the statuses that the route names."""
    retry_after_s: float | None = None
    """What the service asks for."""


def asked_s(retry_after: bytes, wall: float) -> float | None:
    """Seconds until a service wants to be asked again (RFC 9110 10.2.3); None where it says nothing that means anything.

    Args:
        retry_after: seconds, or a date.
        wall: seconds since the epoch.
    """
    if retry_after.isdigit():
        return float(retry_after[:9])
    date = moment(retry_after)
    return None if date is None else max(0.0, date - wall)


def repeatable(method: str, *, keyed: bool, spec: RetrySpec) -> bool:
    """Whether a request may reach a service twice.

    Args:
        keyed: it carries an `Idempotency-Key`, by which services recognise a repetition.
    """
    return keyed or spec.any_method or method in IDEMPOTENT


def pause_s(spec: RetrySpec, failed: Failed, tries: int, *, safe: bool, whole: bool, draw: float) -> float | None:
    """How long to wait before the next attempt; None: there is none.

    Args:
        tries: retries so far.
        safe: see `repeatable`.
        whole: the request's body can be sent again.
        draw: uniform in [0, 1).
    """
    if tries >= spec.attempts or not failed.passing or not whole or (failed.reached and not safe):
        return None
    wanted_s = failed.retry_after_s or 0.0
    if wanted_s > RETRY_AFTER_S:
        return None
    return max(wanted_s, draw * min(spec.pause * 2.0**tries, spec.pause * GROWTH_LIMIT))
