"""Which of several instances takes the next request."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

T = TypeVar("T")


class RoundRobin:
    """Each in turn. The turn is a number, not an instance: it survives that instances come and go."""

    __slots__ = ("_turn",)

    def __init__(self) -> None:
        self._turn = 0

    def pick(self, candidates: Sequence[T], avoid: Collection[T] = ()) -> T:
        """The next of `candidates`, which are not empty; one of `avoid` only if there is no other."""
        if len(candidates) == 1:
            return candidates[0]
        self._turn += 1
        for step in range(len(candidates)):
            candidate = candidates[(self._turn + step) % len(candidates)]
            if candidate not in avoid:
                self._turn += step
                return candidate
        return candidates[self._turn % len(candidates)]
