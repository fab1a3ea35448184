"""What follows when a service has ended by itself: another start after a pause, or an end state."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from signal import Signals
from typing import TYPE_CHECKING

from devgate.model.status import ServiceState
from devgate.model.units import format_duration
from devgate.policy.backoff import pause

if TYPE_CHECKING:
    from devgate.model.service import ServiceSpec

CANNOT_RUN = frozenset({126, 127})
"""What a shell ends with when a command is not executable or not there: trying again mends neither."""


@dataclass(frozen=True, slots=True)
class Again:
    """Start it once more."""

    after_s: float
    cause: str


@dataclass(frozen=True, slots=True)
class Settled:
    """It stays down until somebody asks."""

    state: ServiceState
    """`exited`, `completed`, `crashed` or `blocked`."""
    cause: str


Verdict = Again | Settled


class RestartPolicy:
    """Memory of one replica's failures. Time comes in as monotonic seconds."""

    def __init__(self) -> None:
        self._failures: deque[float] = deque(maxlen=1000)
        self._in_a_row = 0

    def rearm(self) -> None:
        """Forget everything: somebody asked for a start, or what it runs has changed."""
        self._failures.clear()
        self._in_a_row = 0

    def ended(
        self, spec: ServiceSpec, code: int, *, now: float, uptime_s: float, ready_s: float, was_ready: bool, draw: float
    ) -> Verdict:
        """The process has ended and nobody had asked for it.

        Args:
            code: exit code; minus the signal's number if a signal ended it.
            uptime_s: since the process was started.
            ready_s: how long it had been ready without a break.
            was_ready: whether it ever was, in this run.
            draw: uniform in [0, 1), for the jitter.
        """
        what = f"{end_text(code)} after {age_text(uptime_s)}"
        good = code in spec.success_exit
        if good and spec.kind == "task":
            return Settled(ServiceState.COMPLETED, what)
        if good and spec.restart != "always":
            return Settled(ServiceState.EXITED, what)
        if code in CANNOT_RUN and not was_ready:
            return Settled(ServiceState.BLOCKED, f"{what}: the command cannot be run")
        return self.failed(spec, what, now=now, ready_s=ready_s, draw=draw)

    def failed(self, spec: ServiceSpec, what: str, *, now: float, ready_s: float, draw: float) -> Verdict:
        """A failure for whatever reason; `what` is how it is called in the cause."""
        if ready_s >= spec.backoff.reset_after:
            self.rearm()
        self._failures.append(now)
        self._in_a_row += 1
        if spec.restart == "no":
            return Settled(ServiceState.CRASHED, what)
        window = spec.give_up.window
        while self._failures[0] < now - window:
            self._failures.popleft()
        count = len(self._failures)
        if count > 1:
            what = f"{what}, {_ordinal(count)} in {format_duration(window)}"
        if count >= spec.give_up.failures:
            return Settled(ServiceState.CRASHED, f"{what}: gave up")
        return Again(pause(spec.backoff, self._in_a_row, draw), what)


def end_text(code: int) -> str:
    """`exit 1`, or for a negative code the signal's name, as this system has it."""
    if code >= 0:
        return f"exit {code}"
    try:
        return f"killed by {Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def age_text(seconds: float) -> str:
    """Short and rounded: `0.3 s`, `12 s`, `5 min`, `3 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
