"""Whether the services know the same shared knowledge: versions and times in, states out (SEMANTICS 3.11).

A service counts as out of sync from the moment its mismatch was first seen; how long ago that is makes it a warning, then
critical. Restarting the service does not start that time anew, for the wrong version is as wrong as before; expecting another
version does.

The states are ordered by how much they ask of a person; the whole is as bad as its worst part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from devgate.model.status import SyncState

if TYPE_CHECKING:
    from collections.abc import Sequence

Comparison = Literal["exact", "minor", "major"]

SILENT_CHECKS: Final = 3
"""Checks without an answer, in a row, until a version that was known is forgotten."""

LONGEST: Final = 100
"""Characters of a version that are kept: the service decides what it sends, and every screen shows it."""

# semver.org, with an optional leading v; build metadata says nothing about order and is not kept.
_VERSION: Final = re.compile(
    r"v?([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:\.([0-9]{1,9}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)
_WORST_FIRST: Final = (
    SyncState.CRITICAL,
    SyncState.WARNING,
    SyncState.OUT_OF_SYNC,
    SyncState.UNKNOWN,
    SyncState.SYNCED,
)


@dataclass(frozen=True, slots=True)
class Change:
    """A service went from one state to another."""

    old: SyncState
    new: SyncState


class Version:
    """The versions of one service, as they were seen.

    Args:
        expected: what it should be; None: nothing is expected and the state is unknown.
        warning_s, critical_s: how long a mismatch may last.
    """

    def __init__(self, expected: str | None, compare: Comparison, *, warning_s: float, critical_s: float) -> None:
        self.actual = ""
        """The last version seen; empty while none is known."""
        self.detail = "not checked yet"
        self.state = SyncState.UNKNOWN
        self._expected = expected
        self._compare = compare
        self._warning_s = warning_s
        self._critical_s = critical_s
        self._since: float | None = None
        self._silent = 0

    def expect(
        self, expected: str | None, compare: Comparison, *, warning_s: float, critical_s: float, now: float
    ) -> Change | None:
        """Other expectations; the time of a mismatch goes on unless the expected version is another."""
        if expected != self._expected:
            self._since = None
        self._expected, self._compare = expected, compare
        self._warning_s, self._critical_s = warning_s, critical_s
        return self.judge(now)

    def saw(self, version: str, now: float) -> Change | None:
        """The service named its version."""
        self._silent = 0
        self.actual = version.strip()[:LONGEST]
        return self.judge(now)

    def telling(self, versions: Sequence[str]) -> str:
        """Of the versions of several replicas the one that counts: the first that is not as expected, if there is one."""
        if self._expected is None:
            return versions[0]
        expected = self._expected
        return next((one for one in versions if not matches(expected, one, self._compare)), versions[0])

    def heard_nothing(self, why: str, now: float) -> Change | None:
        """The service could not be asked, or names no version. What was known stays known for a while: a restart takes longer
        than a check."""
        self._silent += 1
        if self._silent >= SILENT_CHECKS or not self.actual:
            self.actual = ""
            self.detail = why
        return self.judge(now)

    def judge(self, now: float) -> Change | None:
        """The state at this moment; time alone can change it."""
        old, self.state = self.state, self._state(now)
        return Change(old, self.state) if old is not self.state else None

    def since_s(self, now: float) -> float:
        """How long it has been out of sync."""
        return now - self._since if self._since is not None else 0.0

    def _state(self, now: float) -> SyncState:
        if not self.actual:
            return SyncState.UNKNOWN
        if self._expected is None:
            self.detail = "no version is expected"
            return SyncState.UNKNOWN
        same = matches(self._expected, self.actual, self._compare)
        if same is None:
            self.detail = f"{self.actual!r} cannot be compared with {self._expected!r}"
            return SyncState.UNKNOWN
        if same:
            self._since = None
            self.detail = ""
            return SyncState.SYNCED
        self.detail = f"{direction(self._expected, self.actual)}: {self.actual} where {self._expected} is expected"
        if self._since is None:
            self._since = now
        elapsed = now - self._since
        if elapsed >= self._critical_s:
            return SyncState.CRITICAL
        return SyncState.WARNING if elapsed >= self._warning_s else SyncState.OUT_OF_SYNC


def matches(expected: str, actual: str, compare: Comparison) -> bool | None:
    """Whether two versions are equal as far as `compare` looks; None if that cannot be said."""
    if compare == "exact":
        return expected.strip().removeprefix("v") == actual.strip().removeprefix("v")
    want, have = _VERSION.fullmatch(expected.strip()), _VERSION.fullmatch(actual.strip())
    if want is None or have is None:
        return None
    upto = 2 if compare == "minor" else 1
    return [part or "0" for part in want.groups()[:upto]] == [part or "0" for part in have.groups()[:upto]]


def direction(expected: str, actual: str) -> Literal["behind", "ahead", "different"]:
    """Where `actual` stands to `expected`; `different` where that cannot be said."""
    want, have = _order(expected), _order(actual)
    if want is None or have is None or want == have:
        return "different"
    return "behind" if have < want else "ahead"


def overall(states: list[SyncState]) -> SyncState:
    """The worst; off where nobody is asked."""
    return min(states, key=_WORST_FIRST.index, default=SyncState.OFF)


def _order(version: str) -> tuple[int, int, int] | None:
    match = _VERSION.fullmatch(version.strip())
    if match is None or match[4] is not None:  # the order of pre-releases is nobody's business here
        return None
    return int(match[1]), int(match[2] or 0), int(match[3] or 0)
