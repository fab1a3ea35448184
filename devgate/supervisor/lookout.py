"""What is seen of a running process, and what that means for its state: ready, late, lapsed, unhealthy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devgate.directory import Endpoint
from devgate.model.status import HealthState, ServiceState
from devgate.policy.restart import age_text
from devgate.supervisor.lifecycle import Trigger

if TYPE_CHECKING:
    from devgate.supervisor.probes import ProbeResult
    from devgate.supervisor.run import Run
    from devgate.supervisor.runner import Runner
    from devgate.supervisor.whole import Whole
    from devgate.supervisor.world import World


class Lookout:
    """Listens to the probes of one replica's process."""

    def __init__(self, world: World, whole: Whole, runner: Runner) -> None:
        self.unhealthy = False
        """Its process has to be replaced, because it is sick and the profile says so."""
        self._world = world
        self._whole = whole
        self._runner = runner
        self._late: asyncio.TimerHandle | None = None

    def look_at(self, run: Run) -> None:
        """Probe it from now on; again when the way of looking has changed."""
        run.probe(lambda: self._whole.spec.ready, self._heard, remote=self._whole.spec.allow_remote)

    def expect(self, *, ready: bool) -> None:
        """From now on it should become ready within its time, or need not."""
        if self._late is not None:
            self._late.cancel()
            self._late = None
        if ready:
            self._late = asyncio.get_running_loop().call_later(self._whole.spec.start_timeout, self._is_late)

    def _heard(self, result: ProbeResult) -> bool:
        """A probe's result; whether the service counts as up."""
        spec, runner = self._whole.spec, self._runner
        run = runner.now
        if run is None or run.code is not None:
            return False
        readiness = run.vitals.readiness
        run.vitals.observe(result, spec.ready, self._world.clock.wall())
        if readiness.ready and runner.state is not ServiceState.READY:
            self._passed(run, result)
        elif runner.state is ServiceState.READY and result.refused:
            # Alive, and nobody listens: it reloads itself. What arrives now is held until it is back.
            readiness.lapse()
            run.ready_at = None
            runner.move(Trigger.LAPSED, f"port {run.launch.port} refuses connections")
            run.mark(runner.cause)
        if readiness.health is HealthState.UNHEALTHY and spec.on_unhealthy == "restart":
            self.unhealthy = True
        self._whole.health_changed()
        self._world.changed()
        return readiness.ready

    def _passed(self, run: Run, result: ProbeResult) -> None:
        entry, port = self._whole.entry, run.launch.port
        run.ready_at = self._world.clock.now()
        run.was_ready = True
        if result.host and port is not None:
            self._runner.instance.endpoint = Endpoint(result.host, port)
        entry.detail = entry.last_line = ""
        entry.exit_code = None
        self._runner.move(Trigger.PASSED, f"ready after {age_text(run.age_s)}")
        run.mark(self._runner.cause)
        if not run.launch.stub:
            self._world.scope.once(f"listener.{run.pid}", self._check_listener(run))

    async def _check_listener(self, run: Run) -> None:
        usurper = await run.usurper()
        if usurper is not None and run.alive:
            self._runner.standing.cause += f"; but port {run.launch.port} is answered by {usurper}"
            self._world.changed()

    def _is_late(self) -> None:
        self._late = None
        run = self._runner.now
        if self._runner.state is ServiceState.STARTING and run is not None:
            seen = run.vitals.readiness.detail
            detail = f"not ready after {age_text(self._whole.spec.start_timeout)}" + (f": {seen}" if seen else "")
            self._whole.entry.detail = detail
            self._runner.move(Trigger.LATE, detail)
            run.mark(f"{detail}; still trying")
