"""All services at one moment: how they depend on each other, and going over from one profile's set to another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.model.status import ServiceState
from devgate.supervisor.external import External
from devgate.supervisor.forecast import forecast
from devgate.supervisor.graph import dependents, levels, pulled
from devgate.supervisor.launch import is_stub
from devgate.supervisor.service import Service

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from devgate.directory import Entry, Instance
    from devgate.model.plan import Plan
    from devgate.model.profile import Profile
    from devgate.model.service import ServiceSpec
    from devgate.supervisor.runner import Runner
    from devgate.supervisor.world import World


class Fleet:
    """Knows every service; `World` asks it what one replica wants to know of the others.

    Args:
        only: start just these by themselves, and what they need; none: all that say so.
        alone: nobody waits for anybody, nor brings anybody with it (`--no-deps`).
    """

    def __init__(self, *, only: frozenset[str] | None, alone: bool) -> None:
        self.closing = False
        """Nothing is started any more."""
        self._only = only
        self._alone = alone
        self._services: dict[str, Service | External] = {}
        self._leaving: list[Service | External] = []
        """On their way out: not in the profile any more, or replaced."""
        self._graph_of: Profile | None = None
        self._graph: Mapping[str, tuple[str, ...]] = {}
        """Who needs whom in that profile."""
        self.world: World

    def __iter__(self) -> Iterator[Service | External]:
        return iter(self._services.values())

    def get(self, name: str) -> Service | External | None:
        return self._services.get(name)

    @property
    def everything(self) -> list[Service | External]:
        """Also what is on its way out."""
        return [*self._services.values(), *self._leaving]

    # Who needs whom

    @property
    def levels(self) -> list[list[Service | External]]:
        """In the order of their start; reversed in that of their stop."""
        return [[self._services[name] for name in level] for level in levels(self._needs)]

    def dependents(self, name: str) -> list[Service]:
        """Those of ours that need `name`, in the order of their start."""
        found = [self._services.get(other) for other in self.dependents_of(name)]
        return [service for service in found if isinstance(service, Service)]

    def want(self, names: Iterable[str]) -> None:
        """Start services, and first what they need; returns at once."""
        if self.closing:
            return
        wanted = set(names) if self._alone else pulled(names, self._required)
        for level in self.levels:
            for service in level:
                if service.name in wanted and not service.up:
                    service.want()

    @property
    def _needs(self) -> Mapping[str, Collection[str]]:
        return {name: service.spec.depends_on for name, service in self._services.items()}

    @property
    def _required(self) -> Mapping[str, Sequence[str]]:
        return _required({name: service.spec for name, service in self._services.items()})

    # From profile to profile

    def begin(self, profile: Profile) -> None:
        """Take the first profile."""
        self.world.profile = profile
        for name, spec in profile.services.items():
            self._add(name, spec)
        self._begin(profile.services)

    def foresee(self, profile: Profile, plan: Plan) -> Plan:
        """What the difference between two profiles comes to, as the services stand now."""
        return forecast(
            plan,
            _required(profile.services),
            up={service.name for service in self if service.up},
            resting={service.name for service in self if service.name in profile.services and _rests(service)},
            beginning=self._beginners(plan.start, profile),
            alone=self._alone,
        )

    def converge(self, profile: Profile, plan: Plan) -> None:
        """Go over to another profile as `plan` says, which was foreseen. Returns when everything is under way."""
        going = [service for level in reversed(self.levels) for service in level if service.name in plan.stop]
        self.world.profile = profile
        for service in going:
            del self._services[service.name]
        if going:
            self._leaving += going
            self.world.scope.once("retire", self._retire(going))
        for reason in plan.adopt:
            self._services[reason.service].respec(profile.services[reason.service], patient=True)
        for reason in plan.stale:
            self.change(reason.service, profile.services[reason.service], patient=True)
        for reason in plan.rest:
            self.change(reason.service, profile.services[reason.service])
        for reason in plan.restart:
            self.change(reason.service, profile.services[reason.service], start=True)
        new = [name for name in plan.start if name not in self._services]
        for name in plan.start:
            if name in new:
                self._add(name, profile.services[name])
            else:
                self.change(name, profile.services[name], start=True)
        self._begin(new)

    def change(
        self, name: str, spec: ServiceSpec, *, patient: bool = False, start: bool = False
    ) -> asyncio.Task[None] | None:
        """Run a service as `spec` says from now on; if `patient`, what only a new process can see waits for its next start.

        Args:
            start: also if it is at rest.

        Returns:
            The replacement under way, where one service takes the place of another.
        """
        service = self._services[name]
        if patient and service.alive:
            service.respec(spec, patient=True)
            return None
        # Whoever has stopped it, wants it stopped; what failed may have been mended by this very change.
        start = start or not _rests(service)
        if self.fits(service, spec):
            service.respec(spec, patient=False)
            if isinstance(service, Service) and start:
                service.restart_soon("profile changed")
            return None
        new = self._add(name, spec)
        new.entry.restarting = start and isinstance(new, Service)
        self._leaving.append(service)
        return self.world.scope.once(f"{name}.replace", self._replace(service, new, start=start))

    def fits(self, service: Service | External, spec: ServiceSpec) -> bool:
        """Whether a restart is enough to go over to `spec`: as many replicas, and still ours or still somebody else's."""
        if isinstance(service, External):
            return self._is_external(spec)
        return not self._is_external(spec) and len(service.runners) == spec.replicas

    def _add(self, name: str, spec: ServiceSpec) -> Service | External:
        kind = External if self._is_external(spec) else Service
        service = self._services[name] = kind(self.world, name, spec)
        return service

    def _is_external(self, spec: ServiceSpec) -> bool:
        return spec.url is not None and not is_stub(spec, self.world.around)

    def _begin(self, names: Collection[str]) -> None:
        """Start those of `names` that start by themselves; look at those that somebody else runs."""
        self.want(self._beginners(names, self.world.profile))
        for name in names:
            if isinstance(external := self._services[name], External):
                external.want()

    def _beginners(self, names: Iterable[str], profile: Profile) -> list[str]:
        """Those of `names` that start by themselves."""
        if self._only is None:
            return [name for name in names if profile.services[name].autostart is True]
        return [name for name in names if name in self._only]

    async def _replace(self, old: Service | External, new: Service | External, *, start: bool) -> None:
        old.unwant("profile changed")
        await old.down()
        old.close()
        self._leaving.remove(old)
        if (start and not self.closing) or isinstance(new, External):
            new.want()

    async def _retire(self, going: Sequence[Service | External]) -> None:
        """Stop services that the profile does not know any more, in the order given, then forget them."""
        for service in going:
            service.unwant("not in the profile any more")
        for service in going:
            await service.down()
            service.close()
            self._leaving.remove(service)
            if service.name not in self._services:  # it may have come back meanwhile
                self.world.directory.remove(service.name)
                self.world.logs.drop(service.name)
        self.world.changed()

    def moved(self, entry: Entry, instance: Instance, _old: ServiceState) -> None:
        """A service is ready: those that were started with its predecessor and asked for it are restarted, too."""
        if instance.state is not ServiceState.READY or self.closing:
            return
        serial = self.serial_of(entry.service)
        for service in self._services.values():
            need = service.spec.depends_on.get(entry.service)
            if need is None or not need.restart or not isinstance(service, Service):
                continue
            if any(runner.now is not None and runner.needs.get(entry.service) != serial for runner in service.runners):
                service.restart_soon(f"{entry.service} restarted")

    # What replicas ask

    def look(self, name: str) -> tuple[ServiceState, bool]:
        """State of a service, and whether it is meant to run."""
        service = self._services.get(name)
        return (service.entry.state, service.up) if service is not None else (ServiceState.STOPPED, False)

    def address(self, name: str) -> str | None:
        """Where a service answers, as far as that is known."""
        service = self._services.get(name)
        if service is None:
            return None
        if isinstance(service, External):
            return service.spec.url
        endpoint = service.entry.instances[0].endpoint
        return endpoint.url if endpoint is not None else None

    def serial_of(self, name: str) -> int:
        """Serial number of a service's present process."""
        service = self._services.get(name)
        return service.serial if service is not None else 0

    def fixed_ports(self) -> frozenset[int]:
        """Ports that the profile names: never given away as free ones."""
        return frozenset(
            spec.port + replica
            for spec in self.world.profile.services.values()
            if isinstance(spec.port, int)
            for replica in range(spec.replicas)
        )

    def needing(self, name: str) -> tuple[str, ...]:
        """Who is meant to run and needs this service."""
        return tuple(other for other in self.dependents_of(name) if self.look(other)[1])

    def dependents_of(self, name: str) -> tuple[str, ...]:
        """Who needs a service, directly or not, in the order of their start; asked for every picture, worked out once."""
        profile = self.world.profile
        if self._graph_of is not profile:
            needs = {service: spec.depends_on for service, spec in profile.services.items()}
            self._graph_of, self._graph = profile, {service: tuple(dependents(service, needs)) for service in needs}
        return self._graph.get(name, ())

    def leaving_port(self, port: int, asker: Runner) -> str | None:
        """The service of ours that is on a port now and about to leave it."""
        for service in self.everything:
            for runner in service.runners:
                if runner is not asker and runner.wish.leaving and runner.now is not None and runner.port == port:
                    return service.name
        return None


def _required(services: Mapping[str, ServiceSpec]) -> dict[str, list[str]]:
    """What each service cannot do without."""
    return {
        name: [other for other, need in spec.depends_on.items() if need.required] for name, spec in services.items()
    }


def _rests(service: Service | External) -> bool:
    """Whether it stands still, or is about to, because nobody wants it: stopped, killed, or not asked for yet."""
    return not service.up and service.state in (ServiceState.STOPPED, ServiceState.STOPPING)
