"""How many requests may come within a sliding window (SEMANTICS 3.6).

A request is judged by several rules at once, a `Claim` each: either it fits into all of them and is counted by all, or it is
refused and counted by none. Up to `EXACT` events a window remembers each; a larger one weighs the span before by how much of it
the window still covers (Cloudflare's sliding counter), so that memory does not grow with the limit.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

EXACT: Final = 10_000
KEYS: Final = 4_096
"""Clients, users ... that one rule remembers; more, and the one that came least recently is forgotten."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """So many within so long. Two that say the same are still two."""

    name: str
    limit: int
    window_s: float


class Standing(NamedTuple):
    """How one rule sees one client after a request was judged."""

    rule: Rule
    remaining: int
    reset_s: float
    """Until it can be more: until the oldest event that counts leaves the window."""


class Verdict(NamedTuple):
    """What all rules of a phase say together. A tuple, because one is made for each request."""

    standings: tuple[Standing, ...]
    violated: tuple[Standing, ...]
    """Of these rules there was nothing left; empty: the request was counted."""

    @property
    def tightest(self) -> Standing:
        """The rule with the least left; of several, the one that takes longest."""
        standings = self.standings
        return standings[0] if len(standings) == 1 else min(standings, key=lambda one: (one.remaining, -one.reset_s))

    @property
    def retry_after_s(self) -> float:
        """When it would fit, if nobody else came; 0 if it does."""
        return max((one.reset_s for one in self.violated), default=0.0)


class Window(Protocol):
    """What happened within the window of one key."""

    def left(self, now: float) -> int:
        """How many more fit."""
        ...

    def reset(self, now: float) -> float:
        """Seconds until more fit; 0 where nothing is counted."""
        ...

    def take(self, now: float) -> None: ...

    def give_back(self) -> None:
        """Forget the last one taken."""
        ...


class _Log:
    """Every event, exactly."""

    __slots__ = ("_limit", "_times", "_window_s")

    def __init__(self, rule: Rule) -> None:
        self._limit = rule.limit
        self._window_s = rule.window_s
        self._times: deque[float] = deque()

    def left(self, now: float) -> int:
        times, oldest = self._times, now - self._window_s
        while times and times[0] <= oldest:
            times.popleft()
        return self._limit - len(times)

    def reset(self, now: float) -> float:
        return self._times[0] + self._window_s - now if self._times else 0.0

    def take(self, now: float) -> None:
        self._times.append(now)

    def give_back(self) -> None:
        if self._times:
            self._times.pop()


class _Counter:
    """Two sums: of this span and of the one before."""

    __slots__ = ("_before", "_limit", "_span", "_this", "_window_s")

    def __init__(self, rule: Rule) -> None:
        self._limit = rule.limit
        self._window_s = rule.window_s
        self._span = 0
        self._before = self._this = 0

    def left(self, now: float) -> int:
        covered = self._move_to(now)
        return max(0, math.floor(self._limit - self._this - self._before * covered))

    def reset(self, now: float) -> float:
        covered = self._move_to(now)
        room = self._limit - 1 - self._this
        if self._this == self._before == 0 or room - self._before * covered >= 0:
            return covered * self._window_s if self._this or self._before else 0.0
        until_next = covered * self._window_s
        if room >= 0 and self._before:  # enough of the span before has left
            return until_next - room / self._before * self._window_s
        return until_next + (1 - (self._limit - 1) / self._this) * self._window_s

    def take(self, now: float) -> None:
        self._move_to(now)
        self._this += 1

    def give_back(self) -> None:
        self._this = max(0, self._this - 1)

    def _move_to(self, now: float) -> float:
        """Share of the span before that the window still covers."""
        span = int(now / self._window_s)
        if span != self._span:
            self._before = self._this if span == self._span + 1 else 0
            self._this = 0
            self._span = span
        return 1 - (now / self._window_s - span)


class Limiter:
    """One rule and all whom it counts."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.refused = 0
        """Requests for which there was nothing left."""
        self.refused_at = -math.inf
        """When that was the last time."""
        self._windows: dict[str, Window] = {}

    def window(self, key: str) -> Window:
        """What is counted under `key`, which has come most recently now."""
        window = self._windows.pop(key, None)
        if window is None:
            if len(self._windows) >= KEYS:
                del self._windows[next(iter(self._windows))]
            window = _Log(self.rule) if self.rule.limit <= EXACT else _Counter(self.rule)
        self._windows[key] = window
        return window


Claim = tuple[Limiter, str]
"""A rule, and under which key it counts this request."""


def judge(claims: Sequence[Claim], now: float) -> Verdict:
    """Count a request by all `claims` or, if one of them has nothing left, by none."""
    windows = [(limiter, limiter.window(key)) for limiter, key in claims]
    full = [limiter for limiter, window in windows if window.left(now) <= 0]
    for limiter, window in windows:
        if limiter in full:
            limiter.refused += 1
            limiter.refused_at = now
        elif not full:
            window.take(now)
    standings = tuple(_standing(limiter, window, now) for limiter, window in windows)
    if not full:
        return Verdict(standings, ())
    return Verdict(standings, tuple(one for one in standings if any(one.rule is other.rule for other in full)))


def stand(claims: Sequence[Claim], now: float) -> tuple[Standing, ...]:
    """How the rules of `claims` see their clients, nothing being counted."""
    return tuple(_standing(limiter, limiter.window(key), now) for limiter, key in claims)


def _standing(limiter: Limiter, window: Window, now: float) -> Standing:
    return Standing(limiter.rule, window.left(now), max(0.0, round(window.reset(now), 6)))


def give_back(claims: Sequence[Claim]) -> None:
    """Undo the counting of the last request judged: a later phase has refused it."""
    for limiter, key in claims:
        limiter.window(key).give_back()
