"""Which instances are left out for a while because they have refused a request (Envoy's outlier ejection, HAProxy's `observe`).

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
    times: int
    until: float


class Marks(Generic[K]):
    """Marks by instance. `now` is monotonic seconds."""

    __slots__ = ("_marks",)

    def __init__(self) -> None:
        self._marks: dict[K, _Mark] = {}

    def __bool__(self) -> bool:
        """Whether there may be any: the only thing asked while all is well."""
        return bool(self._marks)

    def add(self, instance: K, run: int, now: float) -> None:
        """It has refused, in its `run`."""
        mark = self._marks.get(instance)
        if mark is None or mark.run != run:
            mark = self._marks[instance] = _Mark(run, 0, now)
        if mark.times and now < mark.until:
            return  # many requests find the same door shut; it counts once
        mark.times += 1
        mark.until = now + min(FIRST_S * 2 ** (mark.times - 1), LONGEST_S)

    def out(self, instance: K, run: int, now: float) -> bool:
        """Whether it should be left out."""
        mark = self._marks.get(instance)
        if mark is not None and mark.run != run:
            del self._marks[instance]
            return False
        return mark is not None and now < mark.until
