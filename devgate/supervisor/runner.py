"""One replica of a service: the one loop that starts its process, watches it and ends it.

    wait for needs -> spawn -> probe until ready -> ready -+- exit ----> policy.restart says: again after a pause | settled
                                                           +- stop ----> drain, signal, kill, until nothing is left
                                                           '- restart -> the same, and from the beginning

The loop is told what is wanted, not what to do: `up` says whether the replica should run, `renew` whether the process that runs
now has to be replaced. So a stop beats a restart in flight, a restart during a restart is the same one, and restarting what still
waits does nothing (F1bonacc1/process-compose#530).
"""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Literal, Protocol

from devgate.directory import Endpoint
from devgate.model.events import ProcessExited, ServiceChanged
from devgate.model.status import FAILED, HealthState, ServiceState
from devgate.policy.restart import Again, RestartPolicy, Settled, age_text, end_text
from devgate.redact import redact_text
from devgate.supervisor import ports
from devgate.supervisor.ending import end_family, until_free
from devgate.supervisor.graph import waiting_for
from devgate.supervisor.launch import is_stub, mark_of, prepare
from devgate.supervisor.lifecycle import Trigger, after
from devgate.supervisor.lines import LineDecoder
from devgate.supervisor.once import run_once
from devgate.supervisor.probes import LogWatch
from devgate.supervisor.readiness import Prober
from devgate.supervisor.refusal import CannotStartError
from devgate.supervisor.spawn import spawn
from devgate.supervisor.vitals import Vitals, probe_of

if TYPE_CHECKING:
    import socket

    from devgate.directory import Entry, Instance
    from devgate.model.profile import ServiceSpec, StopSpec
    from devgate.policy.restart import Verdict
    from devgate.supervisor.launch import Launch
    from devgate.supervisor.logs import LogRing
    from devgate.supervisor.probes import ProbeResult
    from devgate.supervisor.spawn import Child
    from devgate.supervisor.world import World

_TRIGGER_OF = {
    ServiceState.EXITED: Trigger.EXITED,
    ServiceState.COMPLETED: Trigger.COMPLETED,
    ServiceState.CRASHED: Trigger.GAVE_UP,
    ServiceState.BLOCKED: Trigger.REFUSED,
}


class Owner(Protocol):
    """The service that a replica belongs to, as the replica sees it."""

    @property
    def spec(self) -> ServiceSpec: ...
    @property
    def entry(self) -> Entry: ...
    @property
    def ring(self) -> LogRing: ...

    def renew_spec(self) -> None:
        """A new process is about to start: what was changed meanwhile holds from now on."""
        ...

    def health_changed(self) -> None: ...


class Runner:
    """Runs one replica. `run` is its loop; everything else is called from outside and returns at once."""

    def __init__(self, world: World, owner: Owner, instance: Instance) -> None:
        self.service = instance.service
        self.replica = instance.replica
        self.instance = instance
        self.up = False
        """Whether it is meant to run."""
        self.asked = 0
        """How often somebody asked for a start or restart."""
        self.answered = 0
        """Up to which of those the present state is the answer."""
        self.run_number = 0
        self.restarts = 0
        """Starts that nobody asked for."""
        self.launch: Launch | None = None
        self.child: Child | None = None
        self.port: int | None = None
        self.cause = ""
        """Why it is in this state."""
        self.vitals = Vitals()
        self.exit_code: int | None = None
        self.missing: tuple[str, ...] = ()
        """What it waits for."""
        self.refusal: CannotStartError | None = None
        self.needs_runs: dict[str, int] = {}
        """Run numbers of what it needs, as they were when it was started."""
        self.started_at: float | None = None
        self.ready_at: float | None = None
        self._world = world
        self._owner = owner
        self._policy = RestartPolicy()
        self._renew = False
        self._at_once = False
        self._unhealthy = False
        self._decoders: dict[Literal["out", "err"], LineDecoder] = {}
        self._prober: Prober | None = None
        self._probing: asyncio.Task[None] | None = None
        self._late: asyncio.TimerHandle | None = None
        self._patience: asyncio.Timeout | None = None
        self._auto_port: int | None = None

    @property
    def state(self) -> ServiceState:
        return self.instance.state

    @property
    def running(self) -> bool:
        """Whether there is a process, or what is left of one."""
        return self.child is not None

    # What others ask for

    def start(self) -> int:
        """It should run. What failed before is forgotten, and a pause under way ends. Returns a ticket: see `answered`."""
        self._policy.rearm()
        self.up = True
        self.asked += 1
        if (
            self.child is not None
            and self.child.code is None
            and not self._renew
            and self.state is not ServiceState.STOPPING
        ):
            self.answered = self.asked  # it does
        else:
            self._at_once = True
        self._world.changed()
        return self.asked

    def restart(self) -> int:
        """The process that runs now has to be replaced; where none runs, this is a start."""
        self._renew = self.child is not None
        return self.start()

    def stop(self) -> None:
        self.up = self._renew = False
        if self.state in FAILED:
            self._stopped()
        self._world.changed()

    def kill(self) -> None:
        """End everything that runs now, without drain and signal; what follows depends on `up`."""
        if self.child is not None:
            self.child.kill()
        if self._patience is not None:
            self._patience.reschedule(0)

    def suspect(self) -> None:
        """Somebody could not connect: look at once."""
        if self._prober is not None:
            self._prober.hurry()

    # The loop

    async def run(self) -> None:
        """Runs until it is cancelled, which ends the process, too."""
        try:
            while True:
                await self._world.pulse.until(lambda: self.up)
                await self._live()
        except Exception as error:
            self.up = False
            self.cause = f"bug in devgate: {type(error).__name__}: {error}"
            # Past the table: where a bug has left the state is anybody's guess, and it must not say that something runs.
            self._world.directory.move(self.instance, ServiceState.CRASHED)
            raise
        finally:
            self._end_probing()
            if self.child is not None:
                self.child.kill()
                self._release()

    async def _live(self) -> None:
        """One life, from being wanted to being down."""
        if not await self._needs_met():
            return
        self._at_once = False
        self.answered = self.asked
        try:
            child = self._spawn()
        except CannotStartError as refusal:
            self._refuse(refusal)
            return
        if child is None:
            return
        await self._world.pulse.until(lambda: child.code is not None or not self.up or self._renew or self._unhealthy)
        if child.code is not None and self.up and not self._renew:
            verdict = self._judge(child.code)
            self._settle(verdict)
            await self._clear(child, asked_s=None)
        else:
            failed = self._unhealthy and self.up and not self._renew
            ready_s = self._ready_s()
            await self._end(child)
            if not self.up:
                self._stopped()
                return
            if not failed:
                return  # a restart: from the beginning, without a pause
            world = self._world
            verdict = self._policy.failed(
                self._owner.spec, "unhealthy", now=world.clock.now(), ready_s=ready_s, draw=world.draw()
            )
            self._settle(verdict)
        if isinstance(verdict, Again):
            await self._pause(verdict.after_s)

    async def _pause(self, seconds: float) -> None:
        await self._world.pulse.until(lambda: not self.up or self._at_once, seconds)
        if not self.up:
            self._stopped()
        elif not self._at_once:
            self.restarts += 1

    async def _needs_met(self) -> bool:
        """Wait for what it needs; False if it is not wanted any more."""

        def look() -> bool:
            missing = () if world.no_needs else waiting_for(self._owner.spec.depends_on, world.look)
            if missing != self.missing:
                self.missing = missing
                world.seq += 1
            return not missing

        world = self._world
        if look():
            return True
        self._move(Trigger.WANTED, f"waits for {', '.join(self.missing)}")
        await world.pulse.until(lambda: not self.up or look())
        self.missing = ()
        if not self.up:
            self._stopped()
        return self.up

    def _spawn(self) -> Child | None:
        """Start the process; None: there is nothing to run.

        Raises:
            CannotStartError: it cannot be started.
        """
        self._owner.renew_spec()
        world, spec = self._world, self._owner.spec
        self._renew = self._unhealthy = False
        self.refusal = None
        stub = is_stub(spec, world.around)
        if stub and spec.kind == "task":
            self.up = False
            self._move(Trigger.COMPLETED, "stand-in: nothing to do")
            return None
        port, held = self._choose_port(spec, stub=stub)
        try:
            addresses = {name: url for name in spec.depends_on if (url := world.address(name)) is not None}
            launch = prepare(
                self.service,
                self.replica,
                spec,
                profile=world.profile,
                around=world.around,
                port=port,
                stub=stub,
                gateway_url=world.gateway_url(),
                addresses=addresses,
            )
        finally:
            if held is not None:
                held.close()
        self.run_number += 1
        watch = LogWatch(spec.ready.log) if spec.ready.log is not None and not stub else None
        self._decoders = {"out": LineDecoder(), "err": LineDecoder()}

        def heard(stream: Literal["out", "err"], chunk: bytes) -> None:
            lines = self._decoders[stream].feed(chunk)
            self._owner.ring.add(lines, stream, replica=self.replica, run=self.run_number)
            if watch is not None and watch.see(lines):
                self.suspect()

        mark = mark_of(world.around, self.service, self.replica)
        child = self.child = spawn(launch, mark=mark, on_output=heard, on_exit=self._exited)
        if world.keeper is not None:
            world.keeper.track(child.pid, child.birth)
        self.launch, self.port = launch, port
        self.started_at, self.ready_at, self.exit_code = world.clock.now(), None, None
        self.needs_runs = {name: world.run_of(name) for name in spec.depends_on}
        self._mark(
            f"run {self.run_number}: {'stand-in' if stub else 'started'}, pid {child.pid}"
            + (f", port {port}" if port is not None else "")
        )
        self.vitals.begin()
        world.directory.announce(self.instance, Endpoint("127.0.0.1", port) if port is not None else None)
        self._move(Trigger.SPAWNED, f"pid {child.pid}")
        look = probe_of(spec.ready, launch, watch, world.clock)
        self._prober = Prober(look, self._heard, lambda: self._owner.spec.ready, world.draw)
        self._probing = world.scope.once(f"{self.service}#{self.replica}.probe", self._prober.run())
        return child

    def _choose_port(self, spec: ServiceSpec, *, stub: bool) -> tuple[int | None, socket.socket | None]:
        """The port of this run; a free one is held by the socket.

        Raises:
            CannotStartError: the port that the profile names is taken.
        """
        wanted = spec.port
        if isinstance(wanted, int):
            port = wanted + self.replica
            if not ports.taken(port):
                return port, None
            if not self._world.auto_ports:
                owner = ports.owner(port)
                raise CannotStartError(
                    f"port {port} is taken by {owner or 'somebody'}",
                    hint="end that process, or give the service another port (--auto-ports takes a free one)",
                    code="port-in-use",
                )
        elif wanted is None and not stub:
            return None, None
        if self._auto_port is not None and not ports.taken(self._auto_port):
            return self._auto_port, None
        held = ports.reserve(avoid=self._world.fixed_ports())
        self._auto_port = held.getsockname()[1]
        return self._auto_port, held

    # The process has ended

    def _exited(self, code: int) -> None:
        """Called by the child, the moment its leader has ended."""
        world, child = self._world, self.child
        assert child is not None
        self._flush()
        self.exit_code = code
        self._end_probing()
        world.directory.withdraw(self.instance)
        last = redact_text(self._owner.ring.last_line(self.run_number))
        uptime_s = self.uptime_s
        self._mark(f"{end_text(code)} after {age_text(uptime_s)}")
        world.publish(
            ProcessExited(
                service=self.service,
                replica=self.replica,
                pid=child.pid,
                code=code,
                uptime_s=uptime_s,
                last_line=last,
                at=world.clock.wall(),
            )
        )
        world.changed()

    def _judge(self, code: int) -> Verdict:
        world = self._world
        return self._policy.ended(
            self._owner.spec,
            code,
            now=world.clock.now(),
            uptime_s=self.uptime_s,
            ready_s=self._ready_s(),
            was_ready=self.ready_at is not None,
            draw=world.draw(),
        )

    def _settle(self, verdict: Verdict) -> None:
        """Say what the end means, at once: requests are held or refused by it."""
        self._owner.entry.exit_code = self.exit_code
        last = redact_text(self._owner.ring.last_line(self.run_number))
        self._owner.entry.detail = f"{verdict.cause}: {last}" if last else verdict.cause
        if isinstance(verdict, Settled):
            self.up = False
            self._move(_TRIGGER_OF[verdict.state], verdict.cause)
        else:
            self._move(Trigger.FAILED, verdict.cause)

    def _refuse(self, refusal: CannotStartError) -> None:
        self.refusal = refusal
        self.up = False
        self._owner.entry.detail = redact_text(refusal.message)
        self._mark(refusal.message)
        self._move(Trigger.REFUSED, refusal.message)

    def _flush(self) -> None:
        """Lines that the end of the output has left without an end."""
        for stream, decoder in self._decoders.items():
            self._owner.ring.add(decoder.flush(), stream, replica=self.replica, run=self.run_number)

    def _stopped(self) -> None:
        self._owner.entry.detail = ""
        self._move(Trigger.STOPPED, "stopped")

    # Ending it

    async def _end(self, child: Child) -> None:
        """Withdraw, drain, ask, kill."""
        spec = self._owner.spec.stop
        if child.code is None:
            self._move(Trigger.STOPPING, "restart" if self.up else "stop")
        self._end_probing()
        try:
            async with asyncio.timeout(None) as self._patience:
                left = await self._world.directory.drain(self.instance, spec.drain)
            if left:
                self._mark(f"{left} requests still in flight after {spec.drain:g} s")
        except TimeoutError:  # killed meanwhile
            pass
        finally:
            self._patience = None
        if child.code is None and self.launch is not None:
            await self._ask(child, spec, self.launch)
        await self._clear(child, asked_s=spec.grace)

    async def _ask(self, child: Child, spec: StopSpec, launch: Launch) -> None:
        number = getattr(signal, f"SIG{spec.signal}")
        if spec.command is not None:
            code, line = await run_once(spec.command, launch, spec.grace)
            if code == 0:
                return
            ended = end_text(code) if code is not None else f"still ran after {spec.grace:g} s"
            self._mark(f"stop command: {ended}" + (f": {line}" if line else ""))
        child.signal(number)

    async def _clear(self, child: Child, *, asked_s: float | None) -> None:
        """Until nothing of it is left: see `ending`."""
        await end_family(child, asked_s=asked_s, world=self._world, mark=self._mark)
        self._release()
        if self.port is not None:
            await until_free(self.port, world=self._world, mark=self._mark)

    def _release(self) -> None:
        """Forget the process."""
        child, self.child = self.child, None
        if child is not None:
            child.release()
            self._flush()
            if self._world.keeper is not None:
                self._world.keeper.forget(child.pid)
        self.started_at = self.ready_at = None
        self._world.changed()

    # Watching it

    def _heard(self, result: ProbeResult) -> bool:
        """A probe's result; whether the service counts as up."""
        spec, vitals = self._owner.spec, self.vitals
        vitals.observe(result, spec.ready, self._world.clock.wall())
        if self.child is None or self.child.code is not None:
            return False
        if vitals.readiness.ready and self.state is not ServiceState.READY:
            self._passed(result)
        elif self.state is ServiceState.READY and result.refused:
            # Alive, and nobody listens: it reloads itself. What arrives now is held until it is back.
            vitals.readiness.lapse()
            self._move(Trigger.LAPSED, f"port {self.port} refuses connections")
        if vitals.readiness.health is HealthState.UNHEALTHY and spec.on_unhealthy == "restart":
            self._unhealthy = True
        self._owner.health_changed()
        self._world.changed()
        return vitals.readiness.ready

    def _passed(self, result: ProbeResult) -> None:
        world = self._world
        self.ready_at = world.clock.now()
        if result.host and self.port is not None:
            self.instance.endpoint = Endpoint(result.host, self.port)
        self._owner.entry.detail = ""
        self._owner.entry.exit_code = None
        self._move(Trigger.PASSED, f"ready after {age_text(self.ready_at - (self.started_at or self.ready_at))}")

    def _end_probing(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
        self._probing = self._prober = None
        self.vitals.readiness.health = HealthState.STOPPED

    # State

    @property
    def uptime_s(self) -> float:
        """Since it became ready, else since it was started."""
        since = self.ready_at if self.ready_at is not None else self.started_at
        return self._world.clock.now() - since if since is not None else 0.0

    def _ready_s(self) -> float:
        return self._world.clock.now() - self.ready_at if self.ready_at is not None else 0.0

    def _mark(self, text: str) -> None:
        self._owner.ring.mark(redact_text(text), replica=self.replica, run=self.run_number)

    def _move(self, trigger: Trigger, cause: str) -> None:
        """The only place where a state changes."""
        world, old = self._world, self.state
        new = after(old, trigger)
        self.cause = cause
        if self._late is not None:
            self._late.cancel()
            self._late = None
        if new is ServiceState.STARTING:
            self._late = asyncio.get_running_loop().call_later(self._owner.spec.start_timeout, self._is_late)
        if new is ServiceState.STOPPED:
            self._owner.entry.restarting = False
        world.directory.move(self.instance, new)
        self._owner.health_changed()
        world.changed()
        if new is not old:
            world.publish(
                ServiceChanged(
                    service=self.service,
                    replica=self.replica,
                    old=old,
                    new=new,
                    cause=cause,
                    run=self.run_number,
                    at=world.clock.wall(),
                )
            )

    def _is_late(self) -> None:
        self._late = None
        if self.state is ServiceState.STARTING:
            detail = self.vitals.readiness.detail
            after_s = age_text(self._owner.spec.start_timeout)
            self._move(Trigger.LATE, f"not ready after {after_s}" + (f": {detail}" if detail else ""))
