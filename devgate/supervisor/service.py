"""One service that devgate runs: its replicas, and what is asked of all of them together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devgate.errors import CommandError
from devgate.model.events import HealthChanged
from devgate.model.status import FAILED, HealthState, ServiceState
from devgate.profile.diff import unseen
from devgate.redact import redact_text
from devgate.supervisor import prognosis
from devgate.supervisor.console import Console
from devgate.supervisor.demand import Demand
from devgate.supervisor.joined import joined_health, worst
from devgate.supervisor.refusal import CannotStartError
from devgate.supervisor.runner import Runner
from devgate.supervisor.showing import row_of

if TYPE_CHECKING:
    from devgate.model.service import ServiceSpec
    from devgate.model.snapshot import ServiceRow
    from devgate.supervisor.foreign import Foreign
    from devgate.supervisor.world import World

ADOPT_WAIT_S: Final = 5.0


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
        self.console = Console(self)
        self._world = world
        self.pending: ServiceSpec | None = None
        """What it will be from its next start on."""
        self._health = HealthState.UNKNOWN
        self._rolling = asyncio.Lock()
        self._loops: list[asyncio.Task[None]] = [
            world.scope.guarded(f"{name}#{runner.replica}", runner.run) for runner in self.runners
        ]
        self._demand = Demand(world, self)
        self._demand.arrange()

    @property
    def up(self) -> bool:
        """Whether it is meant to run."""
        return any(runner.wish.up for runner in self.runners)

    @property
    def alive(self) -> bool:
        """Whether there is a process, or what is left of one."""
        return any(runner.now is not None for runner in self.runners)

    @property
    def state(self) -> ServiceState:
        return worst(runner.state for runner in self.runners)

    @property
    def serial(self) -> int:
        """Serial number of its present process."""
        run = self.runners[0].last
        return run.serial if run is not None else 0

    # Commands

    def want(self) -> None:
        """It should run; returns at once."""
        if self.state is not ServiceState.READY:
            self.entry.restarting = True  # what arrives from now on waits for it
        self._demand.allow_requests()
        for runner in self.runners:
            runner.start()

    async def start(self) -> None:
        self.check_ours()
        self._demand.forgive()
        self.want()
        for runner in self.runners:
            await self._started(runner, runner.wish.asked)

    async def restart(self, why: str = "restart") -> None:
        """One replica after the other, so that somebody always serves where there are several."""
        self.check_ours()
        self._demand.forgive()
        await self._renew(why)

    async def _renew(self, why: str) -> None:
        if not self.alive:
            self.want()
            for runner in self.runners:
                await self._started(runner, runner.wish.asked)
            return
        self._check()
        if len(self.runners) == 1:
            self.entry.restarting = True
            await self._started(self.runners[0], self.runners[0].restart(why))
            return
        async with self._rolling:
            for runner in self.runners:
                if not any(other is not runner.instance for other in self.entry.serving):
                    self.entry.restarting = True
                await self._started(runner, runner.restart(why))

    def _check(self) -> None:
        """What runs is not ended for something that cannot be started.

        Raises:
            CommandError: it cannot.
        """
        try:
            for runner in self.runners:
                runner.check(self.pending or self.spec)
        except CannotStartError as refusal:
            message = redact_text(f"{self.name} was not restarted: {refusal.message}")
            self.ring.mark(message, run=self.runners[0].run_number)
            raise CommandError(message, hint=refusal.hint, code=refusal.code, exit_code=refusal.exit_code) from refusal

    def unwant(self, why: str = "stop") -> None:
        """It should not run; returns at once."""
        self.entry.restarting = False
        self._demand.refuse_requests()
        for runner in self.runners:
            runner.stop(why)

    async def stop(self) -> None:
        self.check_ours()
        self.unwant()
        await self.down()

    async def kill(self) -> None:
        """End it now, without drain or signal."""
        self.check_ours()
        self.unwant("kill")
        self.kill_now()
        await self.down()

    def kill_now(self) -> None:
        for runner in self.runners:
            runner.kill()

    async def adopt(self) -> None:
        """Take whoever answers on its port for it, until he goes.

        Raises:
            CommandError: it runs, has no port of its own, or nobody answers there as it would.
        """
        if self.up or self.alive:
            raise CommandError(f"{self.name} is run by devgate", hint="stop it first", code="running")
        if not isinstance(self.spec.port, int):
            raise CommandError(f"{self.name} has no port of its own on which it could be found", code="no-port")
        for runner in self.runners:
            runner.adopt()
        present = await self._world.pulse.until(lambda: all(runner.foreign for runner in self.runners), ADOPT_WAIT_S)
        if not present:
            detail = next(filter(None, (runner.looked for runner in self.runners if not runner.foreign)), "")
            raise CommandError(
                f"nobody answers in place of {self.name}" + (f": {detail}" if detail else ""),
                hint="start it, then adopt it",
                code="nobody-there",
            )

    async def left_alone(self) -> None:
        """Wait a moment until who ran it in our place is known to have gone."""
        for runner in self.runners:
            runner.suspect()
        await self._world.pulse.until(lambda: self.foreign is None, ADOPT_WAIT_S)

    @property
    def foreign(self) -> Foreign | None:
        """Who runs it in our place."""
        return next((runner.foreign for runner in self.runners if runner.foreign is not None), None)

    def check_ours(self) -> None:
        """Raises CommandError where somebody else runs it."""
        foreign = self.foreign
        if foreign is not None:
            raise CommandError(
                f"{self.name} is run by {foreign.owner or 'somebody else'}, not by devgate",
                hint="end it there; then it can be started here",
                code="external-service",
            )

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
            if runner.wish.answered >= ticket and runner.state in prognosis.DONE:
                return True
            failure = prognosis.failure(self.name, runner, self._world.others, ticket)
            return failure is not None

        await self._world.pulse.until(settled)
        if failure is not None:
            raise failure

    # Changes

    def respec(self, spec: ServiceSpec, *, patient: bool) -> None:
        """Take a changed spec over: at once; if `patient`, with what only a new process can see from the next start on."""
        before = self.spec
        self.stale = self._unseen() if patient else ()
        # What is not stale counts at once, with the old values of what is.
        fields = {key.partition(".")[0] for key in self.stale} - {"depends_on"}
        kept = {field: getattr(before, field) for field in fields if field in type(before).model_fields}
        self.spec = spec.model_copy(update=kept)
        self.pending = spec if self.stale else None
        self.ring = self._world.logs.open(self.name, spec.log)
        if self.spec.ready != before.ready:
            for runner in self.runners:
                runner.probe_anew()
        self._demand.arrange()
        self._world.changed()

    def renew_spec(self) -> None:
        """A new process is about to start: what was stale counts from now on, unless it takes another number of replicas, or
        somebody else's service."""
        pending = self.pending
        if pending is not None:
            if pending.replicas != len(self.runners) or pending.url != self.spec.url:
                return
            self.respec(pending, patient=False)
        self.stale = self._unseen()

    def _unseen(self) -> tuple[str, ...]:
        """Keys of the present profile that a process which runs has not seen: compared with what it was started with, not with
        the profile before, because several edits may lie between, and the last one may take the first one back."""
        runs = [runner.now for runner in self.runners if runner.now is not None]
        keys = [key for run in runs for key in unseen(run.launch.seen, self._world.profile, self.name)]
        return tuple(dict.fromkeys(keys))

    def close(self) -> None:
        """End its loops. What runs is killed: stop it before."""
        self._demand.close()
        for loop in self._loops:
            loop.cancel()

    def restart_soon(self, why: str) -> None:
        """Restart it; how that ends is its state."""
        self._world.scope.once(f"{self.name}.restart", self._restart_quietly(why))

    async def _restart_quietly(self, why: str) -> None:
        try:
            await self._renew(why)
        except CommandError:
            pass

    # What is shown

    def health_changed(self) -> None:
        """Something that makes up its health is new; announces the health of the whole service if that has changed."""
        for runner in self.runners:
            self._world.directory.rate(runner.instance, runner.health)
        old, new = self._health, self.health
        if old is not new:
            self._health = new
            self._world.publish(
                HealthChanged(
                    service=self.name, old=old, new=new, detail=self.health_detail, at=self._world.clock.wall()
                )
            )

    @property
    def health(self) -> HealthState:
        return joined_health((runner.state, runner.health) for runner in self.runners)

    @property
    def health_detail(self) -> str:
        # What has failed is unhealthy because of that, not because its last probe had not passed yet.
        details = (
            runner.cause
            if runner.state in (*FAILED, ServiceState.BACKOFF)
            else runner.vitals.readiness.detail
            if runner.vitals is not None
            else ""
            for runner in self.runners
        )
        return redact_text(next(filter(None, details), ""))

    def row(self) -> ServiceRow:
        """As far as it is known here; what the gateway and the monitor know of it is theirs to add."""
        return row_of(self, self._world)
