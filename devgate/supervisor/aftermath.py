"""What it means that a process has ended, or could not be started: for the next try, for requests, for whoever looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.model.events import ProcessExited
from devgate.model.status import FAILED, ServiceState
from devgate.policy.restart import RestartPolicy, Settled, age_text, end_text
from devgate.redact import redact_text
from devgate.supervisor.lifecycle import Trigger

if TYPE_CHECKING:
    from devgate.policy.restart import Verdict
    from devgate.supervisor.refusal import CannotStartError
    from devgate.supervisor.run import Run
    from devgate.supervisor.runner import Runner
    from devgate.supervisor.whole import Whole
    from devgate.supervisor.world import World

_TRIGGER_OF: Final = {
    ServiceState.EXITED: Trigger.EXITED,
    ServiceState.COMPLETED: Trigger.COMPLETED,
    ServiceState.CRASHED: Trigger.GAVE_UP,
    ServiceState.BLOCKED: Trigger.REFUSED,
}


class Aftermath:
    """Judges the ends of one replica's processes, says them in log, entry and event, and remembers its failures."""

    def __init__(self, world: World, whole: Whole, runner: Runner) -> None:
        self.refusal: CannotStartError | None = None
        """Why it could not be started the last time."""
        self._world = world
        self._whole = whole
        self._runner = runner
        self._policy = RestartPolicy()

    def forgive(self) -> None:
        """Somebody wants it to run: what failed before does not count any more."""
        self._policy.rearm()

    def tell(self, run: Run, code: int) -> None:
        """The process has ended this very moment: nothing may be sent there any more, and everybody may know."""
        world, runner = self._world, self._runner
        world.directory.withdraw(runner.instance)
        if runner.wish.leaving or runner.state is ServiceState.STOPPING:  # else the verdict says it
            run.mark(f"stopped: {end_text(code)} after {age_text(run.age_s)}")
        world.publish(
            ProcessExited(
                service=runner.service,
                replica=runner.replica,
                pid=run.pid,
                code=code,
                uptime_s=run.age_s,
                last_line=run.last_line,
                at=world.clock.wall(),
            )
        )
        world.changed()

    def ended(self, run: Run, code: int) -> Verdict:
        """It has ended by itself."""
        world = self._world
        verdict = self._policy.ended(
            self._whole.spec,
            code,
            now=world.clock.now(),
            uptime_s=run.age_s,
            ready_s=run.ready_s,
            was_ready=run.was_ready,
            draw=world.draw(),
        )
        self._settle(run, verdict)
        return verdict

    def failed(self, run: Run, what: str, ready_s: float) -> Verdict:
        """It had to be ended because of `what`, after having been ready for so long."""
        world = self._world
        verdict = self._policy.failed(self._whole.spec, what, now=world.clock.now(), ready_s=ready_s, draw=world.draw())
        self._settle(run, verdict)
        return verdict

    def refuse(self, refusal: CannotStartError) -> None:
        """It cannot be started, and trying again would not mend that."""
        runner = self._runner
        self.refusal = refusal
        runner.wish.settle()
        reason = redact_text(refusal.message)
        self._whole.entry.detail, self._whole.entry.last_line = reason, ""
        runner.note(reason)
        runner.move(Trigger.REFUSED, reason)

    def stopped(self) -> None:
        """It is down because somebody asked."""
        self._whole.entry.detail = self._whole.entry.last_line = ""
        self._runner.move(Trigger.STOPPED, self._runner.wish.why)

    def _settle(self, run: Run, verdict: Verdict) -> None:
        """Say what the end means, at once: requests are held or refused by it."""
        entry, runner, last = self._whole.entry, self._runner, run.last_line
        entry.exit_code = run.code
        entry.last_line = last
        entry.detail = f"{verdict.cause}: {last}" if last else verdict.cause
        if isinstance(verdict, Settled):
            runner.wish.settle()
            entry.restarting = False
            runner.move(_TRIGGER_OF[verdict.state], verdict.cause)
            run.mark(verdict.cause + (": stays down until it is started again" if verdict.state in FAILED else ""))
        else:
            runner.move(Trigger.FAILED, verdict.cause)
            run.mark(f"{verdict.cause}: next try in {age_text(verdict.after_s)}")
