"""The set of services: starts them in order, turns one profile's set into another's, takes them down again.

What it knows it writes into the `Directory`, which the gateway reads; neither knows the other.
"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Self

from devgate.model.profile import Profile
from devgate.processes import MARK
from devgate.supervisor.external import External
from devgate.supervisor.fleet import Fleet
from devgate.supervisor.kinship import new_mark
from devgate.supervisor.launch import Surroundings
from devgate.supervisor.logs import LogBook
from devgate.supervisor.orders import Orders
from devgate.supervisor.prognosis import failed, undecided
from devgate.supervisor.resources import Resources
from devgate.supervisor.service import Service
from devgate.supervisor.world import World
from devgate.tasks import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from devgate.clock import Clock
    from devgate.directory import Directory
    from devgate.files import FileWatcher
    from devgate.model.events import Publish
    from devgate.model.plan import Plan
    from devgate.model.query import LogSlice
    from devgate.model.snapshot import ServiceRow
    from devgate.supervisor.spawn import Child
    from devgate.supervisor.world import Keeper

AFTER_KILL_S = 5.0


class Supervisor:
    """Runs the services of one profile at a time. Enter it, `start` it, and `shutdown` before leaving.

    Args:
        state_dir: `.devgate` of the project, whose folder relative paths begin in.
        environ: what services inherit.
        gateway_url: where the gateway answers; asked at each start of a service.
        all_stubs: every service runs as a stand-in.
        auto_ports: a taken port is replaced by a free one.
        take_ports: who holds the port of a service before its first start is ended.
        only: start just these, and what they need; none: all that start by themselves.
        guardian: told of each process group, so that it can end them when devgate is killed.
        files: tells of changed files; none: `watch` does nothing.
        overrides: variables that beat every other (`-e NAME=value`).
        no_needs: start services without what they need, and without waiting for it (`--no-deps`).
        mark: what the environment of every process carries, unique to this devgate; the guardian and the run file know it.
    """

    def __init__(
        self,
        directory: Directory,
        publish: Publish,
        clock: Clock,
        *,
        state_dir: Path,
        environ: Mapping[str, str],
        gateway_url: Callable[[], str],
        all_stubs: bool = False,
        auto_ports: bool = False,
        take_ports: bool = False,
        only: frozenset[str] | None = None,
        guardian: Keeper | None = None,
        files: FileWatcher | None = None,
        overrides: Mapping[str, str] | None = None,
        no_needs: bool = False,
        mark: str = "",
    ) -> None:
        self._fleet = fleet = Fleet(only=only, alone=no_needs)
        self.orders = Orders(fleet)
        """What one service is asked for."""
        self._scope = Scope("supervisor", publish)
        self._world = fleet.world = World(
            directory=directory,
            publish=publish,
            clock=clock,
            around=Surroundings(
                folder=state_dir.parent,
                environ=environ,
                overrides=overrides or {},
                mark=mark or new_mark(),
                all_stubs=all_stubs,
            ),
            logs=LogBook(clock, state_dir / "logs"),
            keeper=guardian,
            gateway_url=gateway_url,
            auto_ports=auto_ports,
            take_ports=take_ports,
            draw=random.Random().random,
            scope=self._scope,
            profile=Profile(),
            others=fleet,
            files=files,
            alone=no_needs,
        )
        directory.listen(fleet.moved)
        self._deadline: float | None = None
        """When what still runs is killed, once devgate stops; monotonic seconds."""
        self._resources = Resources(self._children, clock.now)
        self._world.usage = lambda name, replica: self._resources.usage.get((name, replica))

    async def __aenter__(self) -> Self:
        await self._scope.__aenter__()
        self._scope.guarded("resources", self._resources.run)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Leaving ends the loops, and each loop ends what it runs: nothing outlives this, shut down or not.
        await self._scope.__aexit__(kind, error, trace)
        self._world.logs.close()

    async def start(self, profile: Profile) -> None:
        """Make the profile's services known and start those that start by themselves. Returns when that is under way."""
        self._fleet.begin(profile)

    def foresee(self, profile: Profile, plan: Plan) -> Plan:
        """The plan, true for who runs now: what was stopped is not restarted, and is started where something needs it."""
        return self._fleet.foresee(profile, plan)

    async def converge(self, profile: Profile, plan: Plan) -> None:
        """Go over to another profile as `plan`, which was foreseen, says. Returns when everything is under way."""
        self._fleet.converge(profile, plan)

    def environment(self, service: str) -> Mapping[str, str]:
        """The variables of a service's present or last process, without the mark that tells ours from others; empty if there
        was none."""
        known = self._fleet.get(service)
        run = known.runners[0].last if isinstance(known, Service) else None
        return {name: value for name, value in run.launch.env.items() if name != MARK} if run is not None else {}

    def suspect(self, service: str, replica: int) -> None:
        """The gateway could not connect: have a look at once."""
        known = self._fleet.get(service)
        if isinstance(known, External):
            known.suspect()
        elif known is not None and replica < len(known.runners):
            known.runners[replica].suspect()

    async def settled(self) -> Sequence[str]:
        """Wait until everything that is meant to run is ready, or has come to an end. Returns the names of what failed."""
        fleet = self._fleet
        own = [service for service in fleet if isinstance(service, Service)]
        await self._world.pulse.until(lambda: not any(undecided(service, fleet) for service in own))
        return [service.name for service in own if failed(service, fleet)]

    # Ending

    async def shutdown(self, cap_s: float = 15.0, *, now: bool = False) -> None:
        """Stop everything, those first that nobody needs any more, and what can go together together.

        Args:
            cap_s: what still runs after so long is killed.
            now: kill everything, also what an earlier call is still waiting for.
        """
        self._fleet.closing = True
        clock = self._world.clock
        deadline = self._deadline = clock.now() + (0.0 if now else cap_s)
        for level in reversed(self._fleet.levels):
            for service in level:
                service.unwant()
            await self._world.pulse.until(partial(_gone, level), max(deadline - clock.now(), 0.0))
        everything = self._fleet.everything
        await self._world.pulse.until(partial(_gone, everything), max(deadline - clock.now(), 0.0))
        if not _gone(everything):
            self.kill_all()
            await self._world.pulse.until(partial(_gone, everything), AFTER_KILL_S)

    def kill_all(self) -> None:
        """End everything that runs now."""
        self._fleet.closing = True
        for service in self._fleet.everything:
            service.unwant()
            service.kill_now()

    # What is shown

    @property
    def kill_in_s(self) -> float | None:
        """While it shuts down: how long until what still runs is killed."""
        return max(self._deadline - self._world.clock.now(), 0.0) if self._deadline is not None else None

    @property
    def seq(self) -> int:
        """Moves with everything that happens and that `rows` would show; not with what only goes on: the passing of time, and
        figures that are taken again and again (probes and their latencies, processor, memory)."""
        return self._world.seq

    @property
    def names(self) -> tuple[str, ...]:
        """Of all services, in the profile's order."""
        return tuple(name for name in self._world.profile.services if self._fleet.get(name) is not None)

    def rows(self) -> tuple[ServiceRow, ...]:
        """All services, in the profile's order, without what the gateway and the monitor know of them."""
        found = (self._fleet.get(name) for name in self._world.profile.services)
        return tuple(service.row() for service in found if service is not None)

    def logs(self, names: Iterable[str], after: int = 0, limit: int = 1000) -> LogSlice:
        """The newest `limit` lines after number `after`: of one service, or merged for several or none.

        Raises:
            CommandError: there is no such service.
        """
        return self._world.logs.read(names, after, limit)

    def _children(self) -> dict[tuple[str, int], Child]:
        return {
            (service.name, runner.replica): runner.now.child
            for service in self._fleet
            for runner in service.runners
            if runner.now is not None and runner.now.code is None
        }


def _gone(services: Iterable[Service | External]) -> bool:
    return not any(service.alive for service in services)
