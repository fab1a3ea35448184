"""One way to change configuration: load, diff, plan, apply. A switch, a reload and an edited file all come through here.

load -> checks -> diff -> [Plan shown, asked] -> prepare -> commit -> converge
'------- may fail, nothing has changed -----'   '----- one at a time ------'
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from devgate.engine.anatomy import anatomy
from devgate.engine.commands import unknown_service
from devgate.errors import CommandError, DevgateError, Exit, ProfileError
from devgate.model.events import ProfileApplied, ProfileRejected, Publish
from devgate.profile.diff import diff

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devgate.clock import Clock
    from devgate.model.anatomy import Anatomy
    from devgate.model.plan import Plan
    from devgate.model.profile import Profile
    from devgate.profile.loading import Attempt, Loaded
    from devgate.profile.trust import Trust

REMEMBERED = 8
"""Proposed profiles kept until one of them is applied."""


def untrusted(source: str) -> CommandError:
    """The refusal of what somebody has to look at first."""
    return CommandError(
        f"not applied: {source} runs commands that nobody has agreed to",
        hint="read what is new in the plan, then agree: `devgate switch --trust`, or `agreed` over the control API",
        code="untrusted-profile",
        status=403,
        exit_code=Exit.USAGE,
    )


class Target(Protocol):
    """What a new profile is given to."""

    def foresee(self, profile: Profile, plan: Plan) -> Plan:
        """The difference between two profiles, true for the services that run now and those that do not."""
        ...

    async def take(self, profile: Profile, plan: Plan) -> None:
        """Go over to it. If this raises, nothing has changed."""
        ...


class Changes:
    """`Control.profiles`.

    Args:
        load: reads and checks a profile.
        available: what can be switched to.
        environment: what a service's process runs with.
        overrides: `-e`.
        trust: what may run without asking. Neither a switch nor a file that changes runs more, unless somebody has seen what.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        load: Callable[[str], Attempt],
        available: Callable[[], Sequence[str]],
        target: Target,
        trust: Trust,
        publish: Publish,
        clock: Clock,
        environment: Callable[[str], Mapping[str, str]] = lambda _: {},
        overrides: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.loaded = loaded
        """What runs."""
        self.problems: tuple[str, ...] = ()
        """Why the file, as it is now, was refused."""
        self.waits = False
        """Whether it is refused only until somebody agrees to what it would run."""
        self.applied_at: float | None = None
        """When the running profile was last changed, seconds since the epoch."""
        self._load = load
        self._available = available
        self._target = target
        self._trust = trust
        self._environment = environment
        self._overrides = overrides
        self._publish = publish
        self._clock = clock
        self._proposed: dict[Plan, Loaded] = {}
        self._one_at_a_time = asyncio.Lock()

    def list(self) -> Sequence[str]:
        return self._available()

    async def anatomy(self, service: str) -> Anatomy:
        if service not in self.loaded.profile.services:
            raise unknown_service(service, self.loaded.profile.services)
        return anatomy(
            self.loaded,
            service,
            env=self._environment(service),
            inherited=os.environ,
            overrides=self._overrides,
            cwd=Path.cwd(),
        )

    async def propose(self, source: str | None = None) -> Plan:
        switch = source is not None and source != self.loaded.ref
        # Reading a few small files takes milliseconds, and the loop must not see half of one profile and half of another.
        attempt = self._load(source or self.loaded.ref)
        if attempt.loaded is None:
            assert attempt.error is not None
            raise attempt.error
        loaded = attempt.loaded
        plan = self._plan(loaded, switch=switch)
        self._proposed.pop(plan, None)  # the newest last
        self._proposed[plan] = loaded
        while len(self._proposed) > REMEMBERED:
            self._proposed.pop(next(iter(self._proposed)))
        return plan

    async def apply(self, plan: Plan, *, by: str, agreed: bool = False) -> Plan:
        async with self._one_at_a_time:
            if plan.old != self.loaded.profile.digest:
                raise CommandError(
                    "the plan is out of date: another profile was applied meanwhile",
                    hint="propose it again",
                    code="stale-plan",
                )
            # The whole plan is compared, not its digests alone: what comes back over the API is carried out by name.
            loaded = self._proposed.get(plan)
            if loaded is None:
                raise CommandError("this plan was not proposed here", hint="propose it again", code="unknown-plan")
            if agreed:
                self._trust.agree(loaded)
            elif not self._trust.allows(loaded):
                raise untrusted(plan.source)
            await self._carry_out(plan, loaded, by)
            return plan

    async def file_changed(self, loaded: Loaded) -> None:
        """The watched file has a new good content."""
        async with self._one_at_a_time:
            if loaded.ref != self.loaded.ref:  # a switch came first, and its files are watched from now on
                return
            self.problems, self.waits = (), False
            plan = self._plan(loaded, switch=False)
            if plan.empty:
                return
            # A pulled branch must not start programs by itself (SEMANTICS 4, threat 8).
            if not self._trust.allows(loaded):
                self._refuse(
                    f"{loaded.ref} changed: new commands that nobody has agreed to; agree with `devgate reload`"
                )
                self.waits = True
                return
            try:
                await self._carry_out(plan, loaded, "file")
            except DevgateError as error:  # it loads and cannot be taken: its port belongs to somebody else
                self._refuse(error.message)

    def reject(self, error: ProfileError) -> None:
        """The watched file does not load: keep the last good profile and say why."""
        self._refuse(*(tuple(map(str, error.problems)) or (error.message,)))

    def _plan(self, loaded: Loaded, *, switch: bool) -> Plan:
        plan = diff(self.loaded.profile, loaded.profile, source=loaded.ref, switch=switch)
        unapproved = self._trust.unapproved(loaded, self.loaded)
        return replace(self._target.foresee(loaded.profile, plan), file=str(loaded.path), unapproved=unapproved)

    async def _carry_out(self, plan: Plan, loaded: Loaded, by: str) -> None:
        await self._target.take(loaded.profile, plan)
        self.loaded = loaded
        self.problems, self.waits = (), False
        self.applied_at = self._clock.wall()
        self._proposed.clear()
        self._publish(ProfileApplied(plan=plan, by=by, at=self.applied_at))

    def _refuse(self, *problems: str) -> None:
        self.problems = problems
        self.waits = False
        self._publish(ProfileRejected(source=self.loaded.ref, problems=problems, at=self._clock.wall()))
