"""Which of several instances takes the next request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

T = TypeVar("T")


class Balance(Protocol[T]):
    """Takes turns."""

    def pick(self, candidates: Sequence[T], avoid: Collection[T] = ()) -> T:
        """The next of `candidates`, which are not empty; one of `avoid` only if there is no other."""
        ...


class RoundRobin:
    """Each in turn. The turn is a number, not an instance: it survives that instances come and go."""

    __slots__ = ("_turn",)

    def __init__(self) -> None:
        self._turn = 0

    def pick(self, candidates: Sequence[T], avoid: Collection[T] = ()) -> T:
        """See `Balance.pick`."""
        if len(candidates) == 1:
            return candidates[0]
        self._turn += 1
        for step in range(len(candidates)):
            candidate = candidates[(self._turn + step) % len(candidates)]
            if candidate not in avoid:
                self._turn += step
                return candidate
        return candidates[self._turn % len(candidates)]


class Weighted(Generic[T]):
    """Each as often as its weight says, and spread evenly: 5, 1, 1 gives a a b a c a a (nginx's smooth round robin).

    Everybody earns its weight with each turn; the richest is picked and pays what all of them have earned. So the shares are
    exact after each full round, and who comes and goes takes its account along.
    """

    __slots__ = ("_accounts", "_weight")

    def __init__(self, weight: Callable[[T], float]) -> None:
        self._weight = weight
        """Of a candidate; one with 0 is picked only where nobody has more."""
        self._accounts: dict[T, float] = {}

    def pick(self, candidates: Sequence[T], avoid: Collection[T] = ()) -> T:
        """See `Balance.pick`."""
        there = [candidate for candidate in candidates if candidate not in avoid] or list(candidates)
        weights = {candidate: self._weight(candidate) for candidate in there}
        total = sum(weights.values())
        if total <= 0:
            weights, total = dict.fromkeys(there, 1.0), float(len(there))
        elif any(weight <= 0 for weight in weights.values()):
            weights = {candidate: weight for candidate, weight in weights.items() if weight > 0}
        accounts = {candidate: self._accounts.get(candidate, 0.0) + weight for candidate, weight in weights.items()}
        best = max(accounts, key=accounts.__getitem__)
        accounts[best] -= total
        self._accounts = accounts if len(there) == len(candidates) else {**self._accounts, **accounts}
        return best
