"""One replica of a service: the one loop that starts its process, watches it and ends it.

    wait for needs -> spawn -> probe until ready -> ready -+- exit ----> policy.restart says: again after a pause | settled
                                                           +- stop ----> drain, signal, kill, until nothing is left
                                                           '- restart -> the same, and from the beginning

The loop is told what is wanted (`Wish`), not what to do. So a stop beats a restart in flight, a restart during a restart is the
same one, and restarting what still waits does nothing (F1bonacc1/process-compose#530).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from devgate.directory import Endpoint
from devgate.errors import CommandError
from devgate.model.events import ProcessExited
from devgate.model.status import FAILED, HealthState, ServiceState
from devgate.policy.restart import Again, RestartPolicy, Settled, age_text, end_text
from devgate.redact import redact_text
from devgate.supervisor import ports
from devgate.supervisor.eviction import clear
from devgate.supervisor.foreign import Foreign
from devgate.supervisor.launch import choose_port, is_stub, prepare
from devgate.supervisor.lifecycle import Trigger
from devgate.supervisor.refusal import CannotStartError
from devgate.supervisor.run import Run
from devgate.supervisor.standing import Standing
from devgate.supervisor.waiting import Waiting
from devgate.supervisor.wish import Wish

if TYPE_CHECKING:
    from devgate.directory import Entry, Instance
    from devgate.model.profile import ServiceSpec
    from devgate.policy.restart import Verdict
    from devgate.supervisor.launch import Launch, Window
    from devgate.supervisor.logs import LogRing
    from devgate.supervisor.probes import ProbeResult
    from devgate.supervisor.vitals import Vitals
    from devgate.supervisor.world import World

_TRIGGER_OF = {
    ServiceState.EXITED: Trigger.EXITED,
    ServiceState.COMPLETED: Trigger.COMPLETED,
    ServiceState.CRASHED: Trigger.GAVE_UP,
    ServiceState.BLOCKED: Trigger.REFUSED,
}


class Whole(Protocol):
    """The service that a replica belongs to, as the replica sees it."""

    @property
    def spec(self) -> ServiceSpec: ...
    @property
    def entry(self) -> Entry: ...
    @property
    def ring(self) -> LogRing: ...
    @property
    def window(self) -> Window: ...

    def renew_spec(self) -> None:
        """A new process is about to start: what was changed meanwhile holds from now on."""
        ...

    def health_changed(self) -> None: ...


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
        self.refusal: CannotStartError | None = None
        self.needs: dict[str, int] = {}
        """Serial numbers of what it needs, as they were when it was started."""
        self._world = world
        self._whole = whole
        self._policy = RestartPolicy()
        self._unhealthy = False
        self._late: asyncio.TimerHandle | None = None
        self._patience: asyncio.Timeout | None = None
        self._own_port: int | None = None
        self._foreign: Foreign | None = None

    @property
    def state(self) -> ServiceState:
        return self.instance.state

    @property
    def cause(self) -> str:
        return self.standing.cause

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
        self._policy.rearm()
        ticket = self.wish.start(
            fulfilled=run is not None and run.code is None and self.state is not ServiceState.STOPPING
        )
        self._world.changed()
        return ticket

    def restart(self, why: str = "restart") -> int:
        """The process that runs now has to be replaced; where none runs, this is a start."""
        if self.foreign is not None:
            return self.wish.answered
        self._policy.rearm()
        ticket = self.wish.restart(why, running=self.now is not None)
        self._world.changed()
        return ticket

    def stop(self, why: str = "stop") -> None:
        self.wish.stop(why)
        if self.state in FAILED:
            self._stopped()
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
            self.now.probe(lambda: self._whole.spec.ready, self._heard)

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
                lost=lambda why: self._move(Trigger.LOST, why),
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
        self._move(Trigger.FOUND, f"run by {self._foreign.owner or 'somebody else'}")

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
            self._refuse(refusal)
            return
        if run is None:
            return
        await self._world.pulse.until(lambda: run.code is not None or self.wish.leaving or self._unhealthy)
        if run.code is not None and not self.wish.leaving:
            verdict = self._judge(run, run.code)
            self._settle(run, verdict)
            await run.clear(asked_s=None)
        else:
            failed = self._unhealthy and not self.wish.leaving
            ready_s = run.ready_s
            await self._end(run, "unhealthy" if failed else self.wish.why)
            if not self.wish.up:
                self._stopped()
                return
            if not failed:
                return  # a restart: from the beginning, without a pause
            verdict = self._failed("unhealthy", ready_s)
            self._settle(run, verdict)
        if isinstance(verdict, Again):
            await self._pause(verdict.after_s)

    async def _pause(self, seconds: float) -> None:
        await self._world.pulse.until(lambda: not self.wish.up or self.wish.at_once, seconds)
        if not self.wish.up:
            self._stopped()
        elif not self.wish.at_once:
            self.restarts += 1

    async def _needs_met(self) -> bool:
        """Wait for what it needs; False if it is not wanted any more."""
        if self.waiting.over(self._whole.spec):
            return True
        self._whole.entry.detail = self.waiting.text
        self._move(Trigger.WANTED, self.waiting.text)
        self._whole.ring.mark(self.waiting.text, replica=self.replica, run=self.run_number)
        await self._world.pulse.until(lambda: not self.wish.up or self.waiting.over(self._whole.spec))
        if not self.wish.up:
            self.waiting.end()
            self._stopped()
        return self.wish.up

    async def _port_cleared(self) -> bool:
        """End what a killed devgate has left on its port; False if it is not wanted any more, or never can be started."""
        world, port = self._world, self._whole.spec.port
        if not isinstance(port, int) or not ports.taken(port + self.replica):
            return True
        take = world.take_ports and self.last is None
        refusal: CannotStartError | None = None
        try:
            done = await asyncio.to_thread(clear, port + self.replica, take=take, mark=world.around.mark)
            for text in done:
                self._whole.ring.mark(text, replica=self.replica, run=self.run_number)
        except CommandError as error:
            refusal = CannotStartError(error.message, hint=error.hint, code=error.code)
        if not self.wish.up:
            self._stopped()
        elif refusal is not None:
            self.wish.attempt()
            self._refuse(refusal)
        return self.wish.up

    def _spawn(self) -> Run | None:
        """Start the process; None: there is nothing to run.

        Raises:
            CannotStartError: it cannot be started.
        """
        world, spec = self._world, self._whole.spec
        self._unhealthy = False
        self.refusal = None
        stub = is_stub(spec, world.around)
        if stub and spec.kind == "task":
            self.wish.settle()
            self._whole.entry.restarting = False
            self._move(Trigger.COMPLETED, "stand-in: nothing to do")
            return None
        avoid = world.others.fixed_ports()
        port, held = choose_port(
            spec, self.replica, stub=stub, replace=world.auto_ports, before=self._own_port, avoid=avoid
        )
        try:
            launch = self._prepare(spec, port, stub=stub)
        finally:
            if held is not None:
                held.close()
        self._own_port = port
        run = self.last = Run(world, self.instance, self._whole.ring, launch, self.run_number + 1, self._exited)
        self.needs = {name: world.others.serial_of(name) for name in spec.depends_on}
        what, where = "stand-in" if stub else "started", f", port {port}" if port is not None else ""
        run.mark(f"run {run.number}: {what}, pid {run.pid}{where}")
        world.directory.announce(self.instance, Endpoint("127.0.0.1", port) if port is not None else None)
        self._move(Trigger.SPAWNED, f"pid {run.pid}")
        self.probe_anew()
        return run

    def check(self, spec: ServiceSpec) -> None:
        """Whether it could be started as `spec` says, if what runs now were gone.

        Raises:
            CannotStartError: it could not.
        """
        stub = is_stub(spec, self._world.around)
        if not (stub and spec.kind == "task"):
            self._prepare(spec, self.port, stub=stub)

    def _prepare(self, spec: ServiceSpec, port: int | None, *, stub: bool) -> Launch:
        world = self._world
        addresses = {name: url for name in spec.depends_on if (url := world.others.address(name)) is not None}
        return prepare(
            self.service,
            self.replica,
            spec,
            profile=world.profile,
            around=world.around,
            port=port,
            stub=stub,
            gateway_url=world.gateway_url(),
            addresses=addresses,
            window=self._whole.window,
        )

    # The process has ended

    def _exited(self, code: int) -> None:
        """Called the moment the process has ended: nothing may be sent there any more, and everybody may know."""
        world, run = self._world, self.last
        assert run is not None
        world.directory.withdraw(self.instance)
        if self.wish.leaving or self.state is ServiceState.STOPPING:  # else the verdict says it
            run.mark(f"stopped: {end_text(code)} after {age_text(run.age_s)}")
        world.publish(
            ProcessExited(
                service=self.service,
                replica=self.replica,
                pid=run.pid,
                code=code,
                uptime_s=run.age_s,
                last_line=run.last_line,
                at=world.clock.wall(),
            )
        )
        world.changed()

    def _judge(self, run: Run, code: int) -> Verdict:
        world = self._world
        return self._policy.ended(
            self._whole.spec,
            code,
            now=world.clock.now(),
            uptime_s=run.age_s,
            ready_s=run.ready_s,
            was_ready=run.was_ready,
            draw=world.draw(),
        )

    def _failed(self, what: str, ready_s: float) -> Verdict:
        world = self._world
        return self._policy.failed(self._whole.spec, what, now=world.clock.now(), ready_s=ready_s, draw=world.draw())

    def _settle(self, run: Run, verdict: Verdict) -> None:
        """Say what the end means, at once: requests are held or refused by it."""
        entry, last = self._whole.entry, run.last_line
        entry.exit_code = run.code
        entry.last_line = last
        entry.detail = f"{verdict.cause}: {last}" if last else verdict.cause
        if isinstance(verdict, Settled):
            self.wish.settle()
            entry.restarting = False
            self._move(_TRIGGER_OF[verdict.state], verdict.cause)
            run.mark(verdict.cause + (": stays down until it is started again" if verdict.state in FAILED else ""))
        else:
            self._move(Trigger.FAILED, verdict.cause)
            run.mark(f"{verdict.cause}: next try in {age_text(verdict.after_s)}")

    def _refuse(self, refusal: CannotStartError) -> None:
        self.refusal = refusal
        self.wish.settle()
        reason = redact_text(refusal.message)
        self._whole.entry.detail, self._whole.entry.last_line = reason, ""
        self._whole.ring.mark(reason, replica=self.replica, run=self.run_number)
        self._move(Trigger.REFUSED, reason)

    def _stopped(self) -> None:
        self._whole.entry.detail = self._whole.entry.last_line = ""
        self._move(Trigger.STOPPED, self.wish.why)

    # Ending it

    async def _end(self, run: Run, why: str) -> None:
        """Withdraw, drain, ask, kill."""
        stop = self._whole.spec.stop
        run.end_probing()
        self._move(Trigger.STOPPING, why)
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

    # Watching it

    def _heard(self, result: ProbeResult) -> bool:
        """A probe's result; whether the service counts as up."""
        spec, run = self._whole.spec, self.now
        if run is None or run.code is not None:
            return False
        readiness = run.vitals.readiness
        before = readiness.ready, readiness.health
        run.vitals.observe(result, spec.ready, self._world.clock.wall())
        if readiness.ready and self.state is not ServiceState.READY:
            self._passed(run, result)
        elif self.state is ServiceState.READY and result.refused:
            # Alive, and nobody listens: it reloads itself. What arrives now is held until it is back.
            readiness.lapse()
            run.ready_at = None
            self._move(Trigger.LAPSED, f"port {self.port} refuses connections")
            run.mark(self.cause)
        if readiness.health is HealthState.UNHEALTHY and spec.on_unhealthy == "restart":
            self._unhealthy = True
        self._whole.health_changed()
        if self._unhealthy or before != (readiness.ready, readiness.health):  # else it is shown when it comes round
            self._world.changed()
        return readiness.ready

    def _passed(self, run: Run, result: ProbeResult) -> None:
        run.ready_at = self._world.clock.now()
        run.was_ready = True
        if result.host and self.port is not None:
            self.instance.endpoint = Endpoint(result.host, self.port)
        self._whole.entry.detail = self._whole.entry.last_line = ""
        self._whole.entry.exit_code = None
        self._move(Trigger.PASSED, f"ready after {age_text(run.age_s)}")
        run.mark(self.cause)
        if not run.launch.stub:
            self._world.scope.once(f"listener.{run.pid}", self._check_listener(run))

    async def _check_listener(self, run: Run) -> None:
        usurper = await run.usurper()
        if usurper is not None and run.alive:
            self.standing.cause += f"; but port {self.port} is answered by {usurper}"
            self._world.changed()

    # State

    def _move(self, trigger: Trigger, cause: str) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
        new = self.standing.move(trigger, cause, run=self.run_number)
        if new is ServiceState.STARTING:
            self._late = asyncio.get_running_loop().call_later(self._whole.spec.start_timeout, self._is_late)
        self._whole.health_changed()

    def _is_late(self) -> None:
        self._late = None
        if self.state is ServiceState.STARTING and self.now is not None:
            detail = self.now.vitals.readiness.detail
            after_s = age_text(self._whole.spec.start_timeout)
            self._whole.entry.detail = f"not ready after {after_s}" + (f": {detail}" if detail else "")
            self._move(Trigger.LATE, self._whole.entry.detail)
            self.now.mark(f"{self.cause}; still trying")
