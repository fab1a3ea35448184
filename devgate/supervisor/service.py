"""One service that devgate runs: its replicas, and what is asked of all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.errors import CommandError
from devgate.model.events import HealthChanged
from devgate.model.status import FAILED, HealthState, Owner, ServiceState
from devgate.redact import redact_text
from devgate.supervisor.runner import Runner
from devgate.supervisor.view import InstanceView, ServiceView, joined_health, worst

if TYPE_CHECKING:
    import asyncio

    from devgate.model.profile import ServiceSpec
    from devgate.supervisor.world import World

_DONE = frozenset({ServiceState.READY, ServiceState.COMPLETED, ServiceState.EXITED})


class Service:
    """Commands return when the state is reached, and raise `CommandError` with the reason when it cannot be."""

    def __init__(self, world: World, name: str, spec: ServiceSpec) -> None:
        self.name = name
        self.spec = spec
        self.stale: tuple[str, ...] = ()
        """Keys that have changed and count from the next start on."""
        self.entry = world.directory.declare(name, spec.replicas, managed=True)
        self.ring = world.logs.open(name, spec.log)
        self.runners = tuple(Runner(world, self, instance) for instance in self.entry.instances)
        self._world = world
        self._next: ServiceSpec | None = None
        self._health = HealthState.UNKNOWN
        self._loops: list[asyncio.Task[None]] = [
            world.scope.guarded(f"{name}#{runner.replica}", runner.run) for runner in self.runners
        ]

    @property
    def up(self) -> bool:
        """Whether it is meant to run."""
        return any(runner.up for runner in self.runners)

    @property
    def alive(self) -> bool:
        """Whether there is a process, or what is left of one."""
        return any(runner.child is not None for runner in self.runners)

    @property
    def state(self) -> ServiceState:
        return worst(runner.state for runner in self.runners)

    @property
    def run_number(self) -> int:
        return self.runners[0].run_number

    # Commands

    def want(self) -> None:
        """It should run; returns at once."""
        if any(runner.state is ServiceState.STOPPING for runner in self.runners):
            self.entry.restarting = True
        for runner in self.runners:
            runner.start()

    async def start(self) -> None:
        self.want()
        for runner in self.runners:
            await self._started(runner, runner.asked)

    async def restart(self) -> None:
        """One replica after the other, so that somebody always serves where there are several."""
        if not self.alive:
            await self.start()
            return
        for runner in self.runners:
            if not any(other is not runner.instance for other in self.entry.serving):
                self.entry.restarting = True
            await self._started(runner, runner.restart())

    def unwant(self) -> None:
        """It should not run; returns at once."""
        self.entry.restarting = False
        for runner in self.runners:
            runner.stop()

    async def stop(self) -> None:
        self.unwant()
        await self.down()

    async def kill(self) -> None:
        """End it now, without drain or signal."""
        self.unwant()
        self.kill_now()
        await self.down()

    def kill_now(self) -> None:
        for runner in self.runners:
            runner.kill()

    async def down(self) -> None:
        """Wait until nothing of it is left.

        Raises:
            CommandError: somebody has started it again meanwhile.
        """
        await self._world.pulse.until(lambda: self.up or not self._busy)
        if self._busy:
            raise CommandError(f"{self.name} was started again meanwhile", code="superseded")

    @property
    def _busy(self) -> bool:
        waiting = (ServiceState.WAITING, ServiceState.BACKOFF, ServiceState.STOPPING)
        return self.alive or any(runner.state in waiting for runner in self.runners)

    async def _started(self, runner: Runner, ticket: int) -> None:
        """Wait until a replica is ready, or has come to an end that nobody needs to look at."""
        failure: CommandError | None = None

        def settled() -> bool:
            nonlocal failure
            if runner.answered >= ticket and runner.state in _DONE:
                return True
            failure = self.failure(runner, ticket)
            return failure is not None

        await self._world.pulse.until(settled)
        if failure is not None:
            raise failure

    def failure(self, runner: Runner, ticket: int = 0) -> CommandError | None:
        """Why this replica will not become ready by itself; None while it may."""
        if runner.state is ServiceState.WAITING:
            return self._hopeless(runner)
        if not runner.up and (
            runner.answered < ticket or runner.state in (ServiceState.STOPPING, ServiceState.STOPPED)
        ):
            return CommandError(f"{self.name} was stopped meanwhile", code="superseded")
        if runner.answered >= ticket and runner.state in FAILED:
            refusal = runner.refusal if runner.state is ServiceState.BLOCKED else None
            return CommandError(
                redact_text(f"{self.name} is {runner.state}: {runner.cause}"),
                hint=refusal.hint if refusal else f"see `devgate logs {self.name}`",
                code=refusal.code if refusal else "service-failed",
                exit_code=refusal.exit_code if refusal else None,
            )
        return None

    def _hopeless(self, runner: Runner) -> CommandError | None:
        """It waits for something that nobody will bring."""
        for need in runner.missing:
            state, coming = self._world.look(need)
            if state in FAILED or (not coming and state in (ServiceState.STOPPED, ServiceState.EXITED)):
                return CommandError(f"{self.name} waits for {need}, which is {state}", hint=f"start {need} first")
        return None

    # Changes

    def respec(self, spec: ServiceSpec, stale: tuple[str, ...] = ()) -> None:
        """Take a changed spec over: at once, or, where `stale` names keys, from the next start on."""
        if stale:
            self._next, self.stale = spec, stale
        else:
            self.spec, self._next, self.stale = spec, None, ()
            self.ring = self._world.logs.open(self.name, spec.log)
        self._world.changed()

    def renew_spec(self) -> None:
        if self._next is not None:
            self.respec(self._next)

    def health_changed(self) -> None:
        """Something that makes up its health is new; announces the health of the whole service if that has changed."""
        old, new = self._health, self.health
        if old is not new:
            self._health = new
            self._world.publish(
                HealthChanged(
                    service=self.name, old=old, new=new, detail=self._health_detail, at=self._world.clock.wall()
                )
            )

    def close(self) -> None:
        """End its loops. What runs is killed: stop it before."""
        for loop in self._loops:
            loop.cancel()

    # What is shown

    @property
    def health(self) -> HealthState:
        return joined_health((runner.state, runner.vitals.readiness.health) for runner in self.runners)

    @property
    def _health_detail(self) -> str:
        details = (runner.vitals.readiness.detail for runner in self.runners)
        return redact_text(next(filter(None, details), ""))

    def view(self) -> ServiceView:
        # The worst replica speaks for the service, or the first of those that are equally well.
        state = self.state
        speaker = next(runner for runner in self.runners if runner.state is state)
        endpoint = speaker.instance.endpoint
        instances = tuple(self._instance_view(runner) for runner in self.runners)
        return ServiceView(
            name=self.name,
            state=state,
            owner=Owner.DEVGATE,
            stub=speaker.launch is not None and speaker.launch.stub,
            health=self.health,
            health_detail=self._health_detail,
            pid=instances[speaker.replica].pid,
            port=speaker.port,
            url=endpoint.url if endpoint is not None else "",
            uptime_s=speaker.uptime_s,
            restarts=sum(runner.restarts for runner in self.runners),
            exit_code=speaker.exit_code,
            cause=redact_text(speaker.cause),
            last_error=redact_text(self.ring.last_error(speaker.run_number)),
            waiting_for=speaker.missing,
            cpu_percent=None,
            memory_bytes=None,
            stale=self.stale,
            required=self.spec.required,
            instances=instances,
            response_ms=speaker.vitals.last.latency_s * 1000 if speaker.vitals.last is not None else None,
            checked_at=speaker.vitals.checked_at,
            version=speaker.vitals.version,
        )

    def _instance_view(self, runner: Runner) -> InstanceView:
        child = runner.child
        return InstanceView(
            replica=runner.replica,
            state=runner.state,
            pid=child.pid if child is not None and child.code is None else None,
            port=runner.port,
            uptime_s=runner.uptime_s,
            restarts=runner.restarts,
            cpu_percent=None,
            memory_bytes=None,
            in_flight=runner.instance.in_flight,
        )
