"""What a closed breaker counts, and when that is too much: failures in a row, or their share in what was asked of late.

A tally is told of every good and every failed answer and says when it is full. It knows nothing of states: what follows from that
is the breaker's. What says nothing about the service's health (a 4xx, a client that left) is not brought here at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from devgate.model.service import BreakerSpec

SLICES: Final = 10
"""Parts of a window. What is older than nine tenths of it goes part by part, so that a count needs ten numbers, however many
requests it is about (as resilience4j's and Polly's windows do)."""


class Tally(Protocol):
    """`now` is monotonic seconds and never goes back."""

    timeless: bool
    """Whether a good answer empties it, whenever that was. Otherwise `succeed` has to be told of each, with its time."""

    def succeed(self, now: float) -> None:
        """A good answer."""
        ...

    def fail(self, now: float) -> bool:
        """A failed one. True: that was one too many."""
        ...

    def failures(self, now: float) -> int:
        """Those that count at present."""
        ...

    def words(self, now: float) -> str:
        """What it has counted, as in "3 failures in a row"."""
        ...

    def forget(self) -> None:
        """Begin anew."""
        ...


class Consecutive:
    """Failures in a row. A good answer forgets them all, and time one after the other: one for each `decay` without another."""

    timeless = True

    def __init__(self, spec: BreakerSpec) -> None:
        self._enough = spec.failures
        self._decay_s = spec.open if spec.decay is None else spec.decay
        self._row = 0
        self._failed_at = 0.0

    def succeed(self, now: float) -> None:
        """See `Tally.succeed`."""
        self._row = 0

    def fail(self, now: float) -> bool:
        """See `Tally.fail`."""
        self._row = self.failures(now) + 1
        self._failed_at = now
        return self._row >= self._enough

    def failures(self, now: float) -> int:
        """See `Tally.failures`."""
        if not self._row or self._decay_s <= 0:
            return self._row
        return max(0, self._row - int((now - self._failed_at) / self._decay_s))

    def words(self, now: float) -> str:
        """See `Tally.words`."""
        count = self.failures(now)
        return f"{count} failure{'' if count == 1 else 's'} in a row"

    def forget(self) -> None:
        """See `Tally.forget`."""
        self._row = 0


class Rate:
    """The share of failures among the calls of the last `window`, once there were enough calls for a share to mean something.

    Only a failure fills it: a breaker that opens on a good answer could not say why.
    """

    timeless = False

    def __init__(self, spec: BreakerSpec) -> None:
        self._window_s = spec.window
        self._least = spec.min_calls
        self._ratio = spec.ratio
        self._slice = 0
        """Number of the part that is being filled, counted from the clock's zero."""
        self._good = [0] * SLICES
        self._bad = [0] * SLICES

    def succeed(self, now: float) -> None:
        """See `Tally.succeed`."""
        self._good[self._move_to(now)] += 1

    def fail(self, now: float) -> bool:
        """See `Tally.fail`."""
        self._bad[self._move_to(now)] += 1
        bad = sum(self._bad)
        calls = bad + sum(self._good)
        return calls >= self._least and bad >= self._ratio * calls

    def failures(self, now: float) -> int:
        """See `Tally.failures`."""
        self._move_to(now)
        return sum(self._bad)

    def words(self, now: float) -> str:
        """See `Tally.words`."""
        bad = self.failures(now)
        return f"{bad} of {bad + sum(self._good)} failed in the last {self._window_s:g} s"

    def forget(self) -> None:
        """See `Tally.forget`."""
        self._good = [0] * SLICES
        self._bad = [0] * SLICES

    def _move_to(self, now: float) -> int:
        """Begin the part that `now` is in, forgetting what is too old; its index."""
        current = int(now * SLICES / self._window_s)
        for passed in range(max(self._slice + 1, current - SLICES + 1), current + 1):
            self._good[passed % SLICES] = self._bad[passed % SLICES] = 0
        self._slice = max(self._slice, current)
        return self._slice % SLICES


def tally_of(spec: BreakerSpec) -> Tally:
    """What a breaker of these settings counts by."""
    return Rate(spec) if spec.mode == "rate" else Consecutive(spec)
