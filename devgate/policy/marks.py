"""Which instances are left out for a while because they have refused a request, or failed several in a row (Envoy's outlier
ejection, HAProxy's `observe`).

A mark belongs to one run of an instance: what is started again begins without one. It lasts longer each time, and is a preference
only: where everybody is marked, everybody is used.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

FIRST_S: Final = 2.0
"""How long the first mark lasts. A probe was asked for at the same time, which takes an instance out that is really gone."""
LONGEST_S: Final = 30.0

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class _Mark:
    run: int
    times: int = 0
    until: float = 0.0
    row: int = 0
    """Failures without anything else between."""
    ended: int = 0
    """Requests that had ended at the last of them."""


class Marks(Generic[K]):
    """Marks by instance. `now` is monotonic seconds."""

    __slots__ = ("_marks",)

    def __init__(self) -> None:
        self._marks: dict[K, _Mark] = {}

    def add(self, instance: K, run: int, now: float) -> float | None:
        """It has refused, in its `run`. How long it is to be left out; None where it is already."""
        return self._extend(self._of(instance, run), now)

    def fail(self, instance: K, run: int, ended: int, enough: int, now: float) -> float | None:
        """It has failed a request that it had taken.

        That there was no good answer in between is seen by the number of requests that have ended, so that good answers cost
        nothing. Whoever simply left counts as one: this is a preference, and the breaker counts exactly.

        Args:
            ended: how many requests of this instance have, this one included.
            enough: so many failures in a row are too many.

        Returns:
            how long it is to be left out; None: it is not, or is already.
        """
        mark = self._of(instance, run)
        mark.row = mark.row + 1 if ended - mark.ended <= 1 else 1
        mark.ended = ended
        if mark.row < enough:
            return None
        mark.row = 0
        return self._extend(mark, now)

    def _of(self, instance: K, run: int) -> _Mark:
        mark = self._marks.get(instance)
        if mark is None or mark.run != run:
            mark = self._marks[instance] = _Mark(run)
        return mark

    def _extend(self, mark: _Mark, now: float) -> float | None:
        if mark.times and now < mark.until:
            return None  # many requests find the same door shut; it counts once
        lasts_s = min(FIRST_S * 2.0 ** min(mark.times, 10), LONGEST_S)
        mark.times += 1
        mark.until = now + lasts_s
        return lasts_s
