"""One way to change configuration: load, diff, plan, apply. A switch, a reload and an edited file all come through here.

load -> checks -> diff -> [Plan shown, asked] -> prepare -> commit -> converge
'------- may fail, nothing has changed -----'   '----- one at a time ------'
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from devgate.errors import CommandError, ProfileError
from devgate.model.events import ProfileApplied, ProfileRejected, Publish
from devgate.profile.diff import diff

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devgate.clock import Clock
    from devgate.model.plan import Plan
    from devgate.model.profile import Profile
    from devgate.profile.loading import Attempt, Loaded

REMEMBERED = 8
"""Proposed profiles kept until one of them is applied."""


class Target(Protocol):
    """What a new profile is given to."""

    async def take(self, profile: Profile, plan: Plan) -> None: ...


class Changes:
    """`Control.profiles`.

    Args:
        load: reads and checks a profile.
        available: what can be switched to.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        load: Callable[[str], Attempt],
        available: Callable[[], Sequence[str]],
        target: Target,
        publish: Publish,
        clock: Clock,
    ) -> None:
        self.loaded = loaded
        """What runs."""
        self.problems: tuple[str, ...] = ()
        """Why the file, as it is now, was refused."""
        self.applied_at: float | None = None
        """When the running profile was last changed, seconds since the epoch."""
        self._load = load
        self._available = available
        self._target = target
        self._publish = publish
        self._clock = clock
        self._proposed: dict[str, Loaded] = {}
        self._one_at_a_time = asyncio.Lock()

    def list(self) -> Sequence[str]:
        return self._available()

    async def propose(self, source: str | None = None) -> Plan:
        switch = source is not None and source != self.loaded.ref
        # Reading a few small files takes milliseconds, and the loop must not see half of one profile and half of another.
        attempt = self._load(source or self.loaded.ref)
        if attempt.loaded is None:
            assert attempt.error is not None
            raise attempt.error
        return self.consider(attempt.loaded, switch=switch)

    def consider(self, loaded: Loaded, *, switch: bool) -> Plan:
        """The plan that leads to a profile already loaded; remembered until it is applied."""
        plan = diff(self.loaded.profile, loaded.profile, source=loaded.ref, switch=switch)
        self._proposed[plan.new] = loaded
        while len(self._proposed) > REMEMBERED:
            self._proposed.pop(next(iter(self._proposed)))
        return plan

    async def apply(self, plan: Plan, *, by: str) -> Plan:
        async with self._one_at_a_time:
            running = self.loaded.profile.digest
            if plan.old != running:
                raise CommandError(
                    "the plan is out of date: another profile was applied meanwhile",
                    hint="propose it again",
                    code="stale-plan",
                )
            loaded = self._proposed.get(plan.new)
            if loaded is None:
                raise CommandError("this plan was not proposed here", hint="propose it again", code="unknown-plan")
            await self._target.take(loaded.profile, plan)
            self.loaded = loaded
            self.problems = ()
            self.applied_at = self._clock.wall()
            self._proposed.clear()
            self._publish(ProfileApplied(plan=plan, by=by, at=self.applied_at))
            return plan

    async def file_changed(self, loaded: Loaded) -> None:
        """The watched file has a new good content."""
        self.problems = ()
        plan = self.consider(loaded, switch=False)
        if not plan.empty:
            await self.apply(plan, by="file")

    def reject(self, error: ProfileError) -> None:
        """The watched file does not load: keep the last good profile and say why."""
        self.problems = tuple(str(problem) for problem in error.problems) or (error.message,)
        self._publish(ProfileRejected(source=self.loaded.ref, problems=self.problems, at=self._clock.wall()))
