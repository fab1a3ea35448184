"""The retries of one request: `policy.retry` with a clock, a budget and what is known of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.gateway.capture import Note
from devgate.gateway.screened import Refused
from devgate.gateway.upstream.errors import Kind
from devgate.policy.retry import Failed, pause_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.gateway.upstream.errors import UpstreamError
    from devgate.model.resilience import RetrySpec
    from devgate.policy.retry import Budget

UNREACHABLE: Final = frozenset({Kind.CONNECT_REFUSED, Kind.CONNECT_TIMEOUT})
"""Failures that say the same of the instance to everybody."""
EXHAUSTED: Final = Note("retry", "none: too many retries are under way", "warn")
"""For the record: the budget was."""
_PASSING: Final = UNREACHABLE | {Kind.RESET, Kind.TRUNCATED}


class Retrying:
    """Asked after each failed attempt.

    Args:
        active: requests of the service that are under way.
        safe: the request may reach a service twice.
        deadline: no attempt begins after what this gives, monotonic; time in which the request was held does not count.
        now: monotonic seconds.
        draw: gives numbers in [0, 1).
    """

    def __init__(
        self,
        spec: RetrySpec,
        budget: Budget,
        active: Callable[[], int],
        *,
        safe: bool,
        deadline: Callable[[], float],
        now: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self.tries = 0
        self.pause_s = 0.0
        """Before the attempt that was granted last."""
        self.exhausted = False
        """The budget was, when it was asked last."""
        self.spec = spec
        self._deadline = deadline
        self._budget = budget
        self._active = active
        self._safe = safe
        self._now = now
        self._draw = draw
        self._paid = False

    def grants(self, error: UpstreamError, *, whole: bool) -> bool:
        """Whether there is another attempt after one that failed. What an answer's status has failed was asked already."""
        if isinstance(error, Refused):
            return error.again
        # A response that took too long ends the request, unless that was the time of one attempt among several.
        late = error.kind is Kind.RESPONSE_TIMEOUT and self.spec.per_try is not None
        return self.ask(Failed(error.sent_any, error.kind in _PASSING or late), whole=whole)

    def ask(self, failed: Failed, *, whole: bool) -> bool:
        """Whether there is another attempt. It is paid for until `release`, or until it is asked again."""
        self.release()
        self.exhausted = False
        pause = pause_s(self.spec, failed, self.tries, safe=self._safe, whole=whole, draw=self._draw())
        if pause is None or self._now() + pause >= self._deadline():
            return False
        self._paid = self._budget.take(self._active())
        self.exhausted = not self._paid
        if self._paid:
            self.tries += 1
            self.pause_s = pause
        return self._paid

    def release(self) -> None:
        """The attempt is over."""
        if self._paid:
            self._paid = False
            self._budget.give_back()
