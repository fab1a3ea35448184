"""One process of a replica, from its start until nothing of it is left: its output, its probes, its times."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Literal

from devgate.policy.restart import end_text
from devgate.redact import redact_text
from devgate.supervisor.ending import end_family, until_free
from devgate.supervisor.launch import mark_of
from devgate.supervisor.lines import LineDecoder
from devgate.supervisor.once import run_once
from devgate.supervisor.probes import LogWatch
from devgate.supervisor.readiness import Prober
from devgate.supervisor.spawn import Child
from devgate.supervisor.vitals import Vitals, probe_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devgate.directory import Instance
    from devgate.model.service import ProbeSpec, StopSpec
    from devgate.supervisor.launch import Launch
    from devgate.supervisor.logs import LogRing
    from devgate.supervisor.ports import Owner
    from devgate.supervisor.probes import ProbeResult
    from devgate.supervisor.world import World


class Run:
    """Made when the process is to start; kept after its end, until the next one, for what is shown of it.

    Args:
        number: of this replica's runs, from 1.
        exited: called once, the moment the process has ended.

    Raises:
        CannotStartError: the system does not start it.
    """

    def __init__(
        self,
        world: World,
        instance: Instance,
        ring: LogRing,
        launch: Launch,
        number: int,
        exited: Callable[[int], None],
    ) -> None:
        self.number = number
        self.launch = launch
        self.ready_at: float | None = None
        """When it became ready, without a break since; monotonic seconds."""
        self.ended_at = 0.0
        """When its process ended, likewise; 0 before."""
        self.was_ready = False
        self.alive = True
        """Whether there is a process, or something that it has left."""
        self.vitals = Vitals()
        self._world = world
        self._ring = ring
        self._replica = instance.replica
        terminal = launch.window is not None
        out = LineDecoder(terminal=terminal)
        self._decoders: dict[Literal["out", "err"], LineDecoder] = {"out": out, "err": LineDecoder()}
        ring.unfinished = out.unfinished if terminal else str
        self._watch: LogWatch | None = None
        self._exited = exited
        self._prober: Prober | None = None
        self._probing: asyncio.Task[None] | None = None
        mark = mark_of(world.around, instance.service, instance.replica)
        self.child = Child(launch, mark=mark, on_output=self._heard, on_exit=self._ended)
        self.started_at = world.clock.now()
        world.spawned += 1
        self.serial = world.spawned
        """Number of its process among all that were ever started."""
        if world.keeper is not None:
            world.keeper.track(self.child.pid, self.child.birth)

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return self.child.code

    @property
    def uptime_s(self) -> float:
        """Since it became ready, else since it was started; 0 once nothing runs."""
        if not self.alive:
            return 0.0
        return self._world.clock.now() - (self.ready_at if self.ready_at is not None else self.started_at)

    @property
    def age_s(self) -> float:
        return self._world.clock.now() - self.started_at

    @property
    def ready_s(self) -> float:
        """How long it has been ready without a break."""
        return self._world.clock.now() - self.ready_at if self.ready_at is not None else 0.0

    @property
    def last_line(self) -> str:
        """The last thing that it wrote, redacted."""
        return redact_text(self._ring.last_line(self.number))

    # Output

    def mark(self, text: str) -> None:
        """A line of devgate's own in its log."""
        self._ring.mark(redact_text(text), replica=self._replica, run=self.number)

    def _heard(self, stream: Literal["out", "err"], chunk: bytes) -> None:
        self._add(self._decoders[stream].feed(chunk), stream)

    def _add(self, lines: Sequence[str], stream: Literal["out", "err"]) -> None:
        self._ring.add(lines, stream, replica=self._replica, run=self.number)
        if self._watch is not None and self._watch.see(lines):
            self.hurry()

    def _flush(self) -> None:
        for stream, decoder in self._decoders.items():
            self._add(decoder.flush(), stream)

    # Probes

    def probe(
        self, spec: Callable[[], ProbeSpec], heard: Callable[[ProbeResult], bool], *, remote: bool = False
    ) -> None:
        """Look at it from now on, until it ends. Called again when the way of looking has changed."""
        self.end_probing()
        self._watch = None
        wanted = spec()
        if wanted.log is not None and not self.launch.stub:
            # What was written before is not looked at again; a process that is ready has written it.
            self._watch = LogWatch(wanted.log, found=self.vitals.readiness.ready)
        look = probe_of(wanted, self.launch, self._watch, self._world.clock, remote=remote)
        self._prober = Prober(look, heard, spec, self._world.draw)
        self._probing = self._world.scope.guarded(f"probe.{self.pid}", self._prober.run)

    def hurry(self) -> None:
        """Look at once."""
        if self._prober is not None:
            self._prober.hurry()

    def end_probing(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
        self._probing = self._prober = None

    async def usurper(self) -> Owner | None:
        """Who answers on its port in its place, if somebody does; that is said in its log (SEMANTICS 4, threat 20)."""
        port = self.launch.port
        owner = await asyncio.to_thread(self.child.usurper, port) if port is not None else None
        if owner is not None:
            self.mark(f"port {port} is answered by {owner}, which this service has not started")
        return owner

    # Its end

    def _ended(self, code: int) -> None:
        self.ended_at = self._world.clock.now()
        self._flush()
        self.end_probing()
        self._exited(code)

    async def ask(self, stop: StopSpec) -> None:
        """Tell it to end, in the way that the profile says."""
        if stop.command is not None:
            code, line = await run_once(stop.command, self.launch, stop.grace)
            if code == 0:
                return
            ended = end_text(code) if code is not None else f"still ran after {stop.grace:g} s"
            self.mark(f"stop command: {ended}" + (f": {line}" if line else ""))
        self.child.signal(getattr(signal, f"SIG{stop.signal}"))

    async def clear(self, *, asked_s: float | None) -> None:
        """End whatever is left of it (see `ending.end_family`), forget it, and wait until its port is free."""
        await end_family(self.child, asked_s=asked_s, world=self._world, mark=self.mark)
        self.release()
        if self.launch.port is not None:
            await until_free(self.launch.port, world=self._world, mark=self.mark)

    def release(self) -> None:
        """Forget the process. Doing it twice is fine."""
        if not self.alive:
            return
        self.alive = False
        self.end_probing()
        self.child.release()
        self._flush()
        if self._world.keeper is not None:
            self._world.keeper.forget(self.pid)
        self._world.changed()
