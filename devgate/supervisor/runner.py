"""One replica of a service: the one loop that starts its process, watches it and ends it.

    wait for needs -> spawn -> probe until ready -> ready -+- exit ----> policy.restart says: again after a pause | settled
                                                           +- stop ----> drain, signal, kill, until nothing is left
                                                           '- restart -> the same, and from the beginning

The loop is told what is wanted (`Wish`), not what to do. So a stop beats a restart in flight, a restart during a restart is the
same one, and restarting what still waits does nothing (F1bonacc1/process-compose#530).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devgate.directory import Endpoint
from devgate.model.status import FAILED, HealthState, ServiceState
from devgate.policy.restart import Again
from devgate.supervisor.aftermath import Aftermath
from devgate.supervisor.foreign import Foreign
from devgate.supervisor.lifecycle import Trigger
from devgate.supervisor.lookout import Lookout
from devgate.supervisor.refusal import CannotStartError
from devgate.supervisor.standing import Standing
from devgate.supervisor.starting import Starter
from devgate.supervisor.waiting import Waiting
from devgate.supervisor.wish import Wish

if TYPE_CHECKING:
    from devgate.directory import Instance
    from devgate.model.service import ServiceSpec
    from devgate.supervisor.run import Run
    from devgate.supervisor.vitals import Vitals
    from devgate.supervisor.whole import Whole
    from devgate.supervisor.world import World


class Runner:
    """Runs one replica. `run` is its loop; everything else is called from outside and returns at once."""

    def __init__(self, world: World, whole: Whole, instance: Instance) -> None:
        self.service = instance.service
        self.replica = instance.replica
        self.instance = instance
        self.wish = Wish()
        self.last: Run | None = None
        """The present or last process."""
        self.restarts = 0
        """Starts that nobody asked for."""
        self.standing = Standing(world, instance)
        self.waiting = Waiting(world, self)
        self.needs: dict[str, int] = {}
        """Serial numbers of what it needs, as they were when it was started."""
        self._world = world
        self._whole = whole
        self._starter = Starter(world, whole, instance)
        self._lookout = Lookout(world, whole, self)
        self._aftermath = Aftermath(world, whole, self)
        self._patience: asyncio.Timeout | None = None
        self._foreign: Foreign | None = None

    @property
    def state(self) -> ServiceState:
        return self.instance.state

    @property
    def cause(self) -> str:
        return self.standing.cause

    @property
    def refusal(self) -> CannotStartError | None:
        """Why it could not be started the last time."""
        return self._aftermath.refusal

    @property
    def now(self) -> Run | None:
        """The process that runs, or something of which is left."""
        return self.last if self.last is not None and self.last.alive else None

    @property
    def port(self) -> int | None:
        if self.foreign is not None:
            return self.foreign.port
        return self.last.launch.port if self.last is not None else None

    @property
    def run_number(self) -> int:
        return self.last.number if self.last is not None else 0

    @property
    def foreign(self) -> Foreign | None:
        """Who runs it in our place."""
        return self._foreign if self._foreign is not None and self._foreign.present else None

    @property
    def looked(self) -> str:
        """What the last look at its port has found, while it is down."""
        return self._foreign.vitals.readiness.detail if self._foreign is not None else ""

    @property
    def vitals(self) -> Vitals | None:
        """What probes have found of it, whoever runs it."""
        holder = self.foreign or self.last
        return holder.vitals if holder is not None else None

    @property
    def health(self) -> HealthState:
        if self.foreign is not None:
            return self.foreign.vitals.readiness.health
        run = self.now
        return run.vitals.readiness.health if run is not None and run.code is None else HealthState.STOPPED

    # What others ask for

    def start(self) -> int:
        """It should run. What failed before is forgotten, and a pause under way ends. Returns a ticket: see `Wish.answered`."""
        if self.foreign is not None:  # it does, and it is not ours to do anything about it
            return self.wish.answered
        run = self.now
        self._aftermath.forgive()
        ticket = self.wish.start(
            fulfilled=run is not None and run.code is None and self.state is not ServiceState.STOPPING
        )
        self._world.changed()
        return ticket

    def restart(self, why: str = "restart") -> int:
        """The process that runs now has to be replaced; where none runs, this is a start."""
        if self.foreign is not None:
            return self.wish.answered
        self._aftermath.forgive()
        ticket = self.wish.restart(why, running=self.now is not None)
        self._world.changed()
        return ticket

    def stop(self, why: str = "stop") -> None:
        self.wish.stop(why)
        if self.state in FAILED:
            self._aftermath.stopped()
        self._world.changed()

    def kill(self) -> None:
        """End everything that runs now, without drain and signal; what follows depends on `up`."""
        if self.now is not None:
            self.now.child.kill()
        if self._patience is not None:
            self._patience.reschedule(0)

    def suspect(self) -> None:
        """Somebody could not connect: look at once."""
        if self.now is not None:
            self.now.hurry()
        elif self._foreign is not None:
            self._foreign.hurry()

    def adopt(self) -> None:
        """Whoever answers on its port is to be taken for it."""
        if self._foreign is not None:
            self._foreign.allow()

    def probe_anew(self) -> None:
        """The way of looking at it has changed."""
        if self.now is not None and self.now.code is None and self.state is not ServiceState.STOPPING:
            self._lookout.look_at(self.now)

    # The loop

    async def run(self) -> None:
        """Runs until it is cancelled, which ends the process, too."""
        try:
            while True:
                await self._wanted()
                await self._live()
        except Exception as error:
            self.wish.settle()
            self.standing.cause = f"bug in devgate: {type(error).__name__}: {error}"
            # Past the table: where a bug has left the state is anybody's guess, and it must not say that something runs.
            self._world.directory.move(self.instance, ServiceState.CRASHED)
            raise
        finally:
            if (run := self.now) is not None:
                run.child.kill()
                run.release()

    async def _wanted(self) -> None:
        """Wait until it is to run; meanwhile somebody else may run it."""
        if isinstance(self._whole.spec.port, int):
            self._foreign = Foreign(
                self._world,
                lambda: self._whole.spec,
                self.replica,
                free=self.last is not None and self.refusal is None,
                found=self._found,
                lost=lambda why: self.move(Trigger.LOST, why),
                heard=self._whole.health_changed,
            )
        try:
            await self._world.pulse.until(lambda: self.wish.up)
        finally:
            if self._foreign is not None:
                self._foreign.close()
                self._foreign = None

    def _found(self, host: str) -> None:
        assert self._foreign is not None
        assert self._foreign.port is not None
        if self.wish.up:  # in this very moment it is started here
            return
        self._world.directory.announce(self.instance, Endpoint(host, self._foreign.port))
        self._whole.entry.detail = self._whole.entry.last_line = ""
        self.move(Trigger.FOUND, f"run by {self._foreign.owner or 'somebody else'}")

    async def _live(self) -> None:
        """One life, from being wanted to being down."""
        if not await self._needs_met():
            return
        self._whole.renew_spec()
        if not await self._port_cleared():
            return
        self.wish.attempt()
        try:
            run = self._spawn()
        except CannotStartError as refusal:
            self._aftermath.refuse(refusal)
            return
        if run is None:
            return
        await self._world.pulse.until(lambda: run.code is not None or self.wish.leaving or self._lookout.unhealthy)
        if run.code is not None and not self.wish.leaving:
            verdict = self._aftermath.ended(run, run.code)
            await run.clear(asked_s=None)
        else:
            failed = self._lookout.unhealthy and not self.wish.leaving
            ready_s = run.ready_s
            await self._end(run, "unhealthy" if failed else self.wish.why)
            if not self.wish.up:
                self._aftermath.stopped()
                return
            if not failed:
                return  # a restart: from the beginning, without a pause
            verdict = self._aftermath.failed(run, "unhealthy", ready_s)
        if isinstance(verdict, Again):
            await self._pause(verdict.after_s)

    async def _pause(self, seconds: float) -> None:
        await self._world.pulse.until(lambda: not self.wish.up or self.wish.at_once, seconds)
        if not self.wish.up:
            self._aftermath.stopped()
        elif not self.wish.at_once:
            self.restarts += 1

    async def _needs_met(self) -> bool:
        """Wait for what it needs; False if it is not wanted any more."""
        if self.waiting.over(self._whole.spec):
            return True
        self._whole.entry.detail = self.waiting.text
        self.move(Trigger.WANTED, self.waiting.text)
        self.note(self.waiting.text)
        await self._world.pulse.until(lambda: not self.wish.up or self.waiting.over(self._whole.spec))
        if not self.wish.up:
            self.waiting.end()
            self._aftermath.stopped()
        return self.wish.up

    async def _port_cleared(self) -> bool:
        """End what a killed devgate has left on its port; False if it is not wanted any more, or never can be started."""
        refusal: CannotStartError | None = None
        try:
            for done in await self._starter.clear_port(take=self._world.take_ports and self.last is None):
                self.note(done)
        except CannotStartError as error:
            refusal = error
        if not self.wish.up:
            self._aftermath.stopped()
        elif refusal is not None:
            self.wish.attempt()
            self._aftermath.refuse(refusal)
            return False
        return self.wish.up

    def _spawn(self) -> Run | None:
        """Start the process; None: there is nothing to run.

        Raises:
            CannotStartError: it cannot be started.
        """
        world = self._world
        self._lookout.unhealthy = False
        self._aftermath.refusal = None
        if self._starter.idle:
            self.wish.settle()
            self._whole.entry.restarting = False
            self.move(Trigger.COMPLETED, "stand-in: nothing to do")
            return None
        run = self.last = self._starter.begin(self.run_number + 1, self._exited)
        self.needs = {name: world.others.serial_of(name) for name in self._whole.spec.depends_on}
        port = run.launch.port
        world.directory.announce(self.instance, Endpoint("127.0.0.1", port) if port is not None else None)
        self.move(Trigger.SPAWNED, f"pid {run.pid}")
        self.probe_anew()
        return run

    def _exited(self, code: int) -> None:
        assert self.last is not None
        self._aftermath.tell(self.last, code)

    def check(self, spec: ServiceSpec) -> None:
        """Whether it could be started as `spec` says, if what runs now were gone.

        Raises:
            CannotStartError: it could not.
        """
        self._starter.check(spec, self.port)

    # Ending it

    async def _end(self, run: Run, why: str) -> None:
        """Withdraw, drain, ask, kill."""
        stop = self._whole.spec.stop
        run.end_probing()
        self.move(Trigger.STOPPING, why)
        try:
            async with asyncio.timeout(None) as self._patience:
                left = await self._world.directory.drain(self.instance, stop.drain)
            if left:
                run.mark(f"{left} request{'' if left == 1 else 's'} still in flight after {stop.drain:g} s")
        except TimeoutError:  # killed meanwhile
            pass
        finally:
            self._patience = None
        if run.code is None:
            await run.ask(stop)
        await run.clear(asked_s=stop.grace)

    # What the parts of it say

    def move(self, trigger: Trigger, cause: str) -> None:
        """Go over to another state."""
        new = self.standing.move(trigger, cause, run=self.run_number)
        self._lookout.expect(ready=new is ServiceState.STARTING)
        self._whole.health_changed()

    def note(self, text: str) -> None:
        """A line in its log."""
        self._whole.ring.mark(text, replica=self.replica, run=self.run_number)
