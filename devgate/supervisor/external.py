"""A service that somebody else runs: looked at, announced to the gateway, never started."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from devgate.directory import Endpoint
from devgate.errors import CommandError
from devgate.model.events import HealthChanged
from devgate.model.snapshot import BreakerRow, InstanceRow, ServiceRow, SyncRow, TrafficRow
from devgate.model.status import HealthState, Owner, ServiceState
from devgate.supervisor import probes
from devgate.supervisor.console import NoConsole
from devgate.supervisor.lifecycle import Trigger
from devgate.supervisor.readiness import Prober
from devgate.supervisor.standing import Standing
from devgate.supervisor.vitals import Vitals, http_target, probe_text

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from devgate.model.service import ServiceSpec
    from devgate.supervisor.probes import ProbeResult
    from devgate.supervisor.runner import Runner
    from devgate.supervisor.world import World


class External:
    """Ready while its address answers. Where nobody listens it is `stopped`; a bad answer only makes it unhealthy."""

    runners: Sequence[Runner] = ()

    def __init__(self, world: World, name: str, spec: ServiceSpec) -> None:
        assert spec.url is not None
        self.name = name
        self.spec = spec
        self.stale: tuple[str, ...] = ()
        self.entry = world.directory.declare(name, 1, managed=False)
        self.ring = world.logs.open(name, spec.log)
        self._world = world
        self._vitals = Vitals()
        self._vitals.readiness.health = HealthState.UNKNOWN
        self.console = NoConsole(self._refusal)
        self._since: float | None = None
        self._standing = Standing(world, self.entry.instances[0])
        self._prober = Prober(self._look, self._heard, lambda: self.spec.ready, world.draw)
        self._probing: asyncio.Task[None] | None = None

    pending: ServiceSpec | None = None
    up = True
    alive = False
    serial = 0

    @property
    def state(self) -> ServiceState:
        return self.entry.instances[0].state

    @property
    def health(self) -> HealthState:
        return self._vitals.readiness.health

    def want(self) -> None:
        """Look at it from now on; to start it is somebody else's business."""
        if self._probing is None:
            self._probing = self._world.scope.guarded(f"{self.name}.probe", self._prober.run)

    def unwant(self, why: str = "") -> None:
        """Nothing can be done: it is somebody else's."""

    def kill_now(self) -> None:
        """Nothing can be done: it is somebody else's."""

    async def start(self) -> None:
        raise self._refusal()

    async def restart(self) -> None:
        raise self._refusal()

    async def stop(self) -> None:
        raise self._refusal()

    async def kill(self) -> None:
        raise self._refusal()

    async def adopt(self) -> None:
        raise self._refusal()

    async def down(self) -> None:
        """Nothing of ours runs."""

    def check_ours(self) -> None:
        raise self._refusal()

    def _refusal(self) -> CommandError:
        return CommandError(f"{self.name} is not run by devgate: it is {self.spec.url}", code="external-service")

    def respec(self, spec: ServiceSpec, *, patient: bool) -> None:
        """Take a changed spec over at once: there is no process that would have to be started again."""
        self.spec = spec
        self.stale = ()
        self.suspect()

    def suspect(self) -> None:
        """Somebody could not connect: look at once."""
        self._prober.hurry()

    def close(self) -> None:
        if self._probing is not None:
            self._probing.cancel()

    async def _look(self) -> ProbeResult:
        spec, clock = self.spec.ready, self._world.clock
        target = self._target
        if spec.http is None:
            return await probes.tcp(target, spec.timeout, clock)
        asked = http_target(spec.http, target.port, remote=target.remote) or target
        if not spec.http.startswith(("http:", "https:")):
            asked = replace(target, path=asked.path)
        return await probes.http(asked, spec.timeout, clock)

    @property
    def _target(self) -> probes.Target:
        assert self.spec.url is not None
        return probes.target_of(self.spec.url, remote=self.spec.allow_remote)

    def _heard(self, result: ProbeResult) -> bool:
        world, readiness = self._world, self._vitals.readiness
        old = readiness.health
        self._vitals.observe(result, self.spec.ready, world.clock.wall())
        if not readiness.ready and not result.ok:
            readiness.health = HealthState.UNHEALTHY
        ready = self.state is ServiceState.READY
        if readiness.ready and not ready:
            target = self._target
            host = result.host or target.hosts[0]
            world.directory.announce(
                self.entry.instances[0], Endpoint(host, target.port, "https" if target.tls else "http")
            )
            self._since = world.clock.now()
            self._move(Trigger.FOUND, "answers")
        elif ready and result.refused:
            readiness.lapse()
            readiness.health = HealthState.UNHEALTHY
            self._since = None
            self._move(Trigger.LOST, result.detail)
        world.directory.rate(self.entry.instances[0], readiness.health)
        if old is not readiness.health:
            at = world.clock.wall()
            world.publish(
                HealthChanged(service=self.name, old=old, new=readiness.health, detail=readiness.detail, at=at)
            )
        world.changed()
        return readiness.ready

    def _move(self, trigger: Trigger, cause: str) -> None:
        self.entry.detail = cause if trigger is Trigger.LOST else ""
        self.ring.mark(cause)
        self._standing.move(trigger, cause)

    def row(self) -> ServiceRow:
        assert self.spec.url is not None
        instance = self.entry.instances[0]
        last = self._vitals.last
        port = self._target.port
        uptime_s = self._world.clock.now() - self._since if self._since is not None else 0.0
        return ServiceRow(
            name=self.name,
            state=self.state,
            owner=Owner.EXTERNAL,
            stub=False,
            health=self.health,
            health_detail=self._vitals.readiness.detail,
            pid=None,
            port=port,
            url=self.spec.url,
            uptime_s=uptime_s,
            restarts=0,
            exit_code=None,
            cause=self._standing.cause or self._vitals.readiness.detail,
            last_error="",
            waiting_for=(),
            cpu_percent=None,
            memory_bytes=None,
            stale=(),
            required=self.spec.required,
            instances=(
                InstanceRow(
                    replica=0,
                    state=self.state,
                    pid=None,
                    port=port,
                    uptime_s=uptime_s,
                    restarts=0,
                    cpu_percent=None,
                    memory_bytes=None,
                    in_flight=instance.in_flight,
                    health=self.health,
                ),
            ),
            traffic=TrafficRow(),
            breaker=BreakerRow(),
            sync=SyncRow(),
            response_ms=last.latency_s * 1000 if last is not None else None,
            checked_at=self._vitals.checked_at,
            probe=probe_text(self.spec.ready, port),
            probes=tuple(self._vitals.history),
            dependents=self._world.others.dependents_of(self.name),
        )
