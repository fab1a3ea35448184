"""The circuit breaker of one service: when requests to it are refused at once (SEMANTICS 3.1).

Closed, every answer passes and failures are counted, by a `tally`, which says when there were too many. Open, everything is
refused until a pause is over, which grows with repeated openings. Half open, a few requests probe the service: good ones close
the breaker, a bad one opens it again.

`admit` is asked before a request is sent and `record` told how it ended. An admission belongs to one *phase*, the time between
two changes of state: what a request of an earlier phase experienced is counted but moves nothing, because it says nothing about
the service as it is now. `transitions` is the whole machine.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from devgate.model.snapshot import BreakerTotals
from devgate.model.status import BreakerState, Forced
from devgate.policy.tally import tally_of
from devgate.policy.transitions import TRANSITIONS, Trigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devgate.model.service import BreakerSpec

_CLOSED, _OPEN, _HALF = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
_EFFECTIVE: Final[Mapping[Forced | None, BreakerState]] = {
    Forced.OPEN: _OPEN,
    Forced.CLOSED: _CLOSED,
    Forced.DISABLED: _CLOSED,
}
"""What requests meet, where that is not for the machine to say."""
LONGEST_GROWTH: Final = 5
"""Repeated openings double the pause up to so many times the first (as Envoy's ejection time grows with the count)."""
CAUSES_KEPT: Final = 10


class Outcome(Enum):
    """How an admitted request ended, as far as the service's health is concerned."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    """A failure by taking too long; counted apart as well."""
    ALIVE = "alive"
    """A 4xx: the service answers, and says nothing about its health. Neutral while closed: if it reset the count, an outage
    behind a login page would never be seen (getnora-io/nora#614)."""
    IGNORED = "ignored"
    """The client left, or the gateway itself answered."""


@dataclass(frozen=True, slots=True)
class Change:
    """What requests meet has changed."""

    old: BreakerState
    new: BreakerState
    cause: str


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer to `admit`. Give it back with `record`, whatever happens to the request: a probe's slot hangs on it."""

    admitted: bool
    phase: int
    slot: int = 0
    """Number of the probe slot it holds; 0 for none."""
    retry_after_s: float = 0.0
    """How long it pays to wait; whole seconds in `Retry-After`, at least 1."""
    change: Change | None = None
    """Asking may itself have ended the pause."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One failure that counted."""

    at: float
    """Monotonic seconds."""
    what: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Stats:
    state: BreakerState
    forced: Forced | None
    by_hand: bool
    """Whether that was not the profile's doing."""
    since: float
    """Monotonic seconds of the last change of state."""
    failures: int
    """That count at present: in a row, or within the window."""
    counted: str
    """The same in words, with what they are counted by."""
    opened: int
    """How often it has opened since it exists."""
    probe_in_s: float
    """Until the pause is over; 0 unless open."""
    totals: BreakerTotals
    last: Cause | None
    """The last failure, whether or not it still counts."""
    why: str
    """What has brought it into its state, in words; empty if nothing ever has."""
    causes: tuple[Cause, ...]
    """Why it is in its state: while it is closed, the failures that count; otherwise those that opened it, and since then every
    probe that failed and the loss of its process. The last ten, oldest first."""


class Breaker:
    """One service's breaker. `now` is monotonic seconds and never goes back."""

    def __init__(self, spec: BreakerSpec, now: float = 0.0) -> None:
        self.spec = spec
        self.state = _CLOSED
        """Of the machine; what requests meet is `effective`."""
        self._by_profile = None if spec.enabled else Forced.DISABLED
        self.forced: Forced | None = self._by_profile
        self.passing: Admission | None = None
        """What `admit` gives to everybody while nobody is refused; None where it has to be asked."""
        self._acquitted: Admission | None = None
        """The admission of which a good answer has only to be counted."""
        self._since = now
        self._tally = tally_of(spec)
        self._failing = frozenset(spec.statuses)
        self._phase = 1
        self._pass = Admission(True, self._phase)
        self._open_until = now
        self._openings = 0
        """In a row, without having closed in between."""
        self._opened = 0
        self._good_probes = 0
        self._slots: dict[int, float] = {}
        self._last_slot = 0
        self._success = self._failure = self._timeout = self._rejected = self._ignored = 0
        self._last: Cause | None = None
        self._why = ""
        self._causes: deque[Cause] = deque(maxlen=CAUSES_KEPT)
        """Reset by the next failure that counts, not by each success, of which there are so many more."""
        self._settle()

    def __repr__(self) -> str:
        return f"<Breaker {self.state}, forced {self.forced}, {len(self._slots)} probes>"

    def judge(self, status: int) -> Outcome:
        """What an answer with this status says about the service."""
        if status in self._failing:
            return Outcome.FAILURE
        return Outcome.ALIVE if 400 <= status < 500 else Outcome.SUCCESS

    @property
    def by_hand(self) -> bool:
        """Whether what is forced is not the profile's doing."""
        return self.forced is not self._by_profile

    @property
    def effective(self) -> BreakerState:
        """What requests meet, whoever has decided it. While only watching, what they would meet."""
        return _EFFECTIVE.get(self.forced, self.state)

    def admit(self, now: float) -> Admission:
        """Whether a request may go out now. A probe's slot is taken here, before anybody can await."""
        if self.passing is not None:
            return self.passing
        admission = self._decide(now)
        if not admission.admitted:
            self._rejected += 1
        return admission

    def acquits(self, admission: Admission, status: int) -> bool:
        """Record a good answer of a service that nobody suspects, as nearly all are. False: it is none, or has to be recorded
        with its time; `judge` and `record`."""
        if admission is not self._acquitted or status >= 400 or status in self._failing:
            return False
        self._success += 1
        self._tally.forget()
        return True

    def record(
        self, admission: Admission, outcome: Outcome, now: float, cause: str = "", request_id: str = ""
    ) -> Change | None:
        """How an admitted request ended. Returns the transition that follows, if any. Recording twice counts twice; a slot is
        given back by the first."""
        probe = admission.slot != 0 and self._slots.pop(admission.slot, None) is not None
        if self.forced is Forced.DISABLED:
            return None
        current = admission.phase == self._phase and self.forced is not Forced.CLOSED
        if outcome is Outcome.SUCCESS or (outcome is Outcome.ALIVE and probe):
            self._success += 1
            if not current:
                return None
            if self.state is _CLOSED:
                self._tally.succeed(now)
                return None
            return self._probe_succeeded(now) if probe else None
        if outcome is Outcome.ALIVE or outcome is Outcome.IGNORED:
            self._ignored += 1
            return None
        self._failure += 1
        self._timeout += outcome is Outcome.TIMEOUT
        self._last = Cause(now, cause, request_id)
        return self._failed(now, self._last, probe) if current else None

    def lost(self, now: float, cause: str) -> Change | None:
        """The service's process is gone for good: open at once, without letting requests find out."""
        if self.state is _CLOSED:
            self._causes.clear()
        self._causes.append(Cause(now, cause, ""))
        return self._move(Trigger.LOST, now, cause)

    def returned(self, now: float, cause: str) -> Change | None:
        """The service's process was started again: its record starts anew, and an open breaker probes at once."""
        return self._move(Trigger.RETURNED, now, cause)

    def reset(self, now: float, cause: str) -> Change | None:
        """Close it by hand and end what was forced."""
        old = self.effective
        self.forced = self._by_profile
        self._move(Trigger.RESET, now, cause)
        return self._change(old, now, cause)

    def force(self, forced: Forced, now: float, cause: str) -> Change | None:
        """Overrule the machine until `reset`."""
        old = self.effective
        self.forced = forced
        self._settle()
        return self._change(old, now, cause)

    def stats(self, now: float) -> Stats:
        return Stats(
            state=self.effective,
            forced=self.forced,
            by_hand=self.by_hand,
            since=self._since,
            failures=self._tally.failures(now),
            counted=self._tally.words(now),
            opened=self._opened,
            probe_in_s=max(0.0, self._open_until - now) if self.effective is self.state is _OPEN else 0.0,
            totals=BreakerTotals(self._success, self._failure, self._timeout, self._rejected, self._ignored),
            last=self._last,
            why=self._why,
            causes=self._counted(now),
        )

    def _settle(self) -> None:
        """State or force are new: what the hot path reads follows from them."""
        closed = self.effective is _CLOSED and self.forced is not Forced.METRICS_ONLY
        self.passing = self._pass if closed else None
        self._acquitted = self._pass if closed and self.forced is None and self._tally.timeless else None

    def _change(self, old: BreakerState, now: float, cause: str) -> Change | None:
        new = self.effective
        if new is old:
            return None
        self._since = now
        if new is not _HALF:  # what it is tried for is still why it was opened
            self._why = cause
        return Change(old, new, cause)

    def _decide(self, now: float) -> Admission:
        if self.forced is Forced.OPEN:
            return Admission(False, self._phase, retry_after_s=self.spec.open)
        if self.state is _CLOSED:
            return self._pass
        admission = self._decide_unsure(now)
        if self.forced is Forced.METRICS_ONLY and not admission.admitted:
            return Admission(True, self._phase, change=admission.change)
        return admission

    def _decide_unsure(self, now: float) -> Admission:
        change = None
        if self.state is _OPEN:
            if now < self._open_until:
                return Admission(False, self._phase, retry_after_s=self._open_until - now)
            change = self._move(Trigger.WAITED, now, "pause over")
        # A probe that has been out for a whole pause will hardly tell anything soon: its slot is free again.
        stale = [slot for slot, taken_at in self._slots.items() if now - taken_at >= self.spec.open]
        for slot in stale:
            del self._slots[slot]
        if len(self._slots) >= self.spec.half_open_max:
            return Admission(False, self._phase, retry_after_s=1.0, change=change)
        self._last_slot += 1
        self._slots[self._last_slot] = now
        return Admission(True, self._phase, self._last_slot, change=change)

    def _probe_succeeded(self, now: float) -> Change | None:
        self._good_probes += 1
        if self._good_probes < self.spec.success:
            return None
        probes = f"{self._good_probes} good probe{'s' if self._good_probes > 1 else ''}"
        return self._move(Trigger.PROBED, now, probes)

    def _counted(self, now: float) -> tuple[Cause, ...]:
        causes = tuple(self._causes)
        if self.state is not _CLOSED:
            return causes
        return causes[len(causes) - min(self._tally.failures(now), len(causes)) :]

    def _failed(self, now: float, failure: Cause, probe: bool) -> Change | None:
        if self.state is _CLOSED:
            counted = self._counted(now)
            self._causes.clear()
            self._causes.extend((*counted, failure))
            if not self._tally.fail(now):
                return None
            return self._move(Trigger.FAILED_OFTEN, now, f"{self._tally.words(now)}, last: {failure.what}")
        if not probe:
            return None
        self._causes.append(failure)
        return self._move(Trigger.PROBE_FAILED, now, f"probe failed: {failure.what}")

    def _move(self, trigger: Trigger, now: float, cause: str) -> Change | None:
        before = self.effective
        old, new = self.state, TRANSITIONS[self.state, trigger]
        self._tally.forget()
        if new is _CLOSED:
            self._openings = 0
        elif new is _OPEN and trigger is not Trigger.LOST:
            self._open_until = now + self.spec.open * min(2**self._openings, LONGEST_GROWTH)
            self._openings += 1
        elif new is _OPEN:
            self._open_until = now + self.spec.open
        self._good_probes = 0
        self._slots.clear()
        self._phase += 1
        self._pass = Admission(True, self._phase)
        self.state = new
        self._opened += new is _OPEN and new is not old
        self._settle()
        return self._change(before, now, cause)
