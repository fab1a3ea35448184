"""The set of services: starts them in order, turns one profile's set into another's, takes them down again.

What it knows it writes into the `Directory`, which the gateway reads; neither knows the other.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from functools import partial
from typing import TYPE_CHECKING, Self

from devgate.errors import CommandError
from devgate.model.profile import Profile
from devgate.model.status import ServiceState
from devgate.supervisor import ports
from devgate.supervisor.external import External
from devgate.supervisor.graph import dependents, levels, pulled
from devgate.supervisor.launch import Surroundings, is_stub
from devgate.supervisor.logs import LogBook
from devgate.supervisor.resources import Resources
from devgate.supervisor.service import Service
from devgate.supervisor.world import World
from devgate.tasks import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from devgate.clock import Clock
    from devgate.directory import Directory, Entry, Instance
    from devgate.files import FileWatcher
    from devgate.model.events import Publish
    from devgate.model.plan import Plan
    from devgate.model.profile import ServiceSpec
    from devgate.model.query import LogSlice
    from devgate.supervisor.spawn import Child
    from devgate.supervisor.view import ServiceView
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
        only: frozenset[str] | None = None,
        guardian: Keeper | None = None,
        files: FileWatcher | None = None,
        overrides: Mapping[str, str] | None = None,
        no_needs: bool = False,
        mark: str = "",
    ) -> None:
        self._directory = directory
        self._only = only
        self._services: dict[str, Service | External] = {}
        self._closing = False
        self._scope = Scope("supervisor", publish)
        self._world = World(
            directory=directory,
            publish=publish,
            clock=clock,
            around=Surroundings(
                folder=state_dir.parent,
                environ=environ,
                overrides=overrides or {},
                mark=mark or secrets.token_hex(8),
                all_stubs=all_stubs,
            ),
            logs=LogBook(clock, state_dir / "logs"),
            keeper=guardian,
            gateway_url=gateway_url,
            auto_ports=auto_ports,
            draw=random.Random().random,
            scope=self._scope,
            profile=Profile(),
            look=self._look,
            address=self._address,
            serial_of=self._serial_of,
            fixed_ports=self._fixed_ports,
            bring=self._bring,
            files=files,
            no_needs=no_needs,
        )
        directory.listen(self._moved)
        self._resources = Resources(self._children, clock.now, self._world.changed)
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

    # Running a profile

    async def start(self, profile: Profile) -> None:
        """Make the profile's services known and start those that start by themselves. Returns when that is under way."""
        self._world.profile = profile
        for name, spec in profile.services.items():
            self._add(name, spec)
        self._begin(profile.services)

    async def converge(self, profile: Profile, plan: Plan) -> None:
        """Go over to another profile as `plan` says. Returns when everything is under way."""
        old = self._needs
        self._world.profile = profile
        going = [name for level in reversed(levels(old)) for name in level if name in plan.stop]
        if going:
            self._scope.once("retire", self._retire([self._services.pop(name) for name in going]))
        for reason in plan.adopt:
            self._services[reason.service].respec(profile.services[reason.service])
        for reason in plan.stale:
            self._change(reason.service, profile.services[reason.service], stale=reason.keys)
        for reason in plan.restart:
            self._change(reason.service, profile.services[reason.service])
        for name in plan.start:
            self._add(name, profile.services[name])
        self._begin(plan.start)

    def _add(self, name: str, spec: ServiceSpec) -> Service | External:
        kind = External if self._is_external(spec) else Service
        service = self._services[name] = kind(self._world, name, spec)
        return service

    def _is_external(self, spec: ServiceSpec) -> bool:
        return spec.url is not None and not is_stub(spec, self._world.around)

    def _begin(self, names: Iterable[str]) -> None:
        """Start those of `names` that start by themselves, and what they need; look at those that somebody else runs."""
        services = self._world.profile.services
        if self._only is None:
            chosen = [name for name in names if services[name].autostart is True]
        else:
            chosen = [name for name in names if name in self._only]
        self._want(chosen if self._world.no_needs else pulled(chosen, self._required))
        for name in names:
            if isinstance(external := self._services[name], External):
                external.want()

    def _want(self, names: Iterable[str]) -> None:
        for level in levels(self._needs):
            for name in level:
                if name in names and not self._services[name].up:
                    self._services[name].want()

    def _bring(self, name: str) -> None:
        if not self._closing:
            self._want([name] if self._world.no_needs else pulled([name], self._required))

    def _change(self, name: str, spec: ServiceSpec, stale: tuple[str, ...] = ()) -> None:
        """Run a service as `spec` says: from now on, or, where `stale` names keys, from its next start on."""
        service = self._services[name]
        if stale and service.alive:
            service.respec(spec, stale)
            return
        # Whoever has stopped it, wants it stopped; what failed may have been mended by this very change.
        start = service.up or service.state is not ServiceState.STOPPED
        external = self._is_external(spec)
        if isinstance(service, External) == external and (external or len(service.runners) == spec.replicas):
            service.respec(spec)
            if isinstance(service, Service) and start:
                service.restart_soon("profile changed")
        else:
            new = self._add(name, spec)
            new.entry.restarting = start and not external
            self._scope.once(f"{name}.replace", self._replace(service, new, start=start))

    async def _replace(self, old: Service | External, new: Service | External, *, start: bool) -> None:
        """One in place of the other, where a restart is not enough: with another number of replicas, or somebody else's."""
        old.unwant("profile changed")
        await old.down()
        old.close()
        if start or isinstance(new, External):
            new.want()

    async def _retire(self, services: Sequence[Service | External]) -> None:
        """Stop services that the profile does not know any more, in the order given, then forget them."""
        for service in services:
            service.unwant("not in the profile any more")
        for service in services:
            await service.down()
            service.close()
            if service.name not in self._services:  # it may have come back meanwhile
                self._directory.remove(service.name)
                self._world.logs.drop(service.name)
        self._world.changed()

    def _moved(self, entry: Entry, instance: Instance, _old: ServiceState) -> None:
        """A service is ready: those that were started with its predecessor and asked for it are restarted, too."""
        if instance.state is not ServiceState.READY or self._closing:
            return
        serial = self._serial_of(entry.service)
        for service in self._services.values():
            need = service.spec.depends_on.get(entry.service)
            if need is None or not need.restart or not isinstance(service, Service):
                continue
            if any(runner.now is not None and runner.needs.get(entry.service) != serial for runner in service.runners):
                service.restart_soon(f"{entry.service} restarted")

    # Commands

    async def start_service(self, name: str) -> None:
        """Start it, and first what it needs."""
        service = self._known(name)
        if isinstance(service, Service) and not self._world.no_needs:
            self._want(pulled([name], self._required) - {name})
        await service.start()

    async def stop_service(self, name: str) -> None:
        await self._known(name).stop()

    async def kill_service(self, name: str) -> None:
        await self._known(name).kill()

    async def adopt_service(self, name: str) -> None:
        """Take whoever answers on its port for it: something that was started elsewhere, before devgate."""
        await self._known(name).adopt()

    async def take_port(self, name: str) -> None:
        """End whoever holds the port of a service that is down, and start it.

        Raises:
            CommandError: it has none, runs, or its owner cannot be ended.
        """
        service = self._known(name)
        port = service.spec.port
        if isinstance(service, External) or service.alive or not isinstance(port, int):
            raise CommandError(f"{name} has no port that could be taken", code="no-port")
        for replica in range(service.spec.replicas):
            await asyncio.to_thread(ports.evict, port + replica)
        await self.start_service(name)

    async def restart_service(self, name: str, *, dependents: bool = False) -> None:
        """Replace its process; with `dependents` also those of all that need it, which are stopped first."""
        service = self._known(name)
        after = [self._services[other] for other in self._dependents(name)] if dependents else []
        after = [other for other in after if other.up and isinstance(other, Service)]
        for other in reversed(after):
            other.unwant()
            other.entry.restarting = True
        for other in reversed(after):
            await other.down()
        try:
            await service.restart()
        finally:
            for other in after:
                other.want()
        for other in after:
            await other.start()

    def _dependents(self, name: str) -> list[str]:
        return [other for other in dependents(name, self._needs) if other in self._services]

    def _known(self, name: str) -> Service | External:
        if self._closing:
            raise CommandError("devgate is stopping", code="stopping", status=503)
        service = self._services.get(name)
        if service is None:
            raise CommandError(f"there is no service {name!r}", code="unknown-service", status=404)
        return service

    def suspect(self, service: str, replica: int) -> None:
        """The gateway could not connect: have a look at once."""
        known = self._services.get(service)
        if isinstance(known, External):
            known.suspect()
        elif known is not None and replica < len(known.runners):
            known.runners[replica].suspect()

    async def settled(self) -> Sequence[str]:
        """Wait until everything that is meant to run is ready, or has come to an end. Returns the names of what failed."""

        def pending(service: Service) -> bool:
            done = (ServiceState.READY, ServiceState.COMPLETED, ServiceState.EXITED)
            return service.up and any(
                runner.state not in done and service.failure(runner) is None for runner in service.runners
            )

        own = [service for service in self._services.values() if isinstance(service, Service)]
        await self._world.pulse.until(lambda: not any(map(pending, own)))
        return [
            service.name
            for service in own
            if any(service.failure(runner) is not None for runner in service.runners)
            and service.state is not ServiceState.STOPPED
        ]

    # Ending

    async def shutdown(self, cap_s: float = 15.0, *, now: bool = False) -> None:
        """Stop everything, those first that nobody needs any more, and what can go together together.

        Args:
            cap_s: what still runs after so long is killed.
            now: kill everything, also what an earlier call is still waiting for.
        """
        self._closing = True
        clock = self._world.clock
        deadline = clock.now() + (0.0 if now else cap_s)
        for level in reversed(levels(self._needs)):
            for name in level:
                self._services[name].unwant()
            await self._world.pulse.until(partial(self._gone, level), max(deadline - clock.now(), 0.0))
        if not self._gone(self._services):
            self.kill_all()
            await self._world.pulse.until(partial(self._gone, self._services), AFTER_KILL_S)

    def kill_all(self) -> None:
        """End everything that runs now."""
        self._closing = True
        for service in self._services.values():
            service.unwant()
            service.kill_now()

    def _gone(self, names: Iterable[str]) -> bool:
        return not any(self._services[name].alive for name in names)

    # What is shown

    @property
    def seq(self) -> int:
        """Moves with everything that `views` would show, but the passing of time."""
        return self._world.seq

    def views(self) -> tuple[ServiceView, ...]:
        """All services, in the profile's order."""
        order = self._world.profile.services
        return tuple(self._services[name].view() for name in order if name in self._services)

    def logs(self, names: Iterable[str], after: int = 0, limit: int = 1000) -> LogSlice:
        """The newest `limit` lines after number `after`: of one service, or merged for several or none.

        Raises:
            CommandError: there is no such service.
        """
        return self._world.logs.read(names, after, limit)

    def _children(self) -> dict[tuple[str, int], Child]:
        return {
            (name, runner.replica): runner.now.child
            for name, service in self._services.items()
            for runner in service.runners
            if runner.now is not None and runner.now.code is None
        }

    # What runners ask

    @property
    def _needs(self) -> Mapping[str, Collection[str]]:
        return {name: service.spec.depends_on for name, service in self._services.items()}

    @property
    def _required(self) -> Mapping[str, Sequence[str]]:
        return {
            name: [other for other, need in service.spec.depends_on.items() if need.required]
            for name, service in self._services.items()
        }

    def _look(self, name: str) -> tuple[ServiceState, bool]:
        service = self._services.get(name)
        return (service.entry.state, service.up) if service is not None else (ServiceState.STOPPED, False)

    def _address(self, name: str) -> str | None:
        service = self._services.get(name)
        if service is None:
            return None
        if isinstance(service, External):
            return service.spec.url
        endpoint = service.entry.instances[0].endpoint
        return endpoint.url if endpoint is not None else None

    def _serial_of(self, name: str) -> int:
        service = self._services.get(name)
        return service.serial if service is not None else 0

    def _fixed_ports(self) -> frozenset[int]:
        return frozenset(
            spec.port + replica
            for spec in self._world.profile.services.values()
            if isinstance(spec.port, int)
            for replica in range(spec.replicas)
        )


def conflicts(profile: Profile) -> dict[str, ports.Owner]:
    """Services whose port is taken, each with who has it."""
    found = {}
    for name, spec in profile.services.items():
        if isinstance(spec.port, int) and spec.url is None:
            for replica in range(spec.replicas):
                if ports.taken(spec.port + replica) and (owner := ports.owner(spec.port + replica)) is not None:
                    found[name] = owner
    return found
