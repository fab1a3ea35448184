"""Carries out what a key asked for: first asks where something would be lost, then says what did not work."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from devgate.errors import DevgateError
from devgate.escape import visible
from devgate.tui.commands import COMMANDS, at_stake, losses, targets
from devgate.tui.work import start

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from devgate.model.plan import Plan
    from devgate.model.snapshot import FaultRow, Snapshot
    from devgate.tui.app import DevgateApp
    from devgate.tui.fault_dialog import Wish
    from devgate.tui.ink import Runs

log = logging.getLogger(__name__)

REFUSAL_S = 15.0
"""How long a refusal stays: it has to be read, and says what to do."""


class CommandRunner:
    """The app's way to `Control`."""

    def __init__(self, app: DevgateApp) -> None:
        self._app = app

    def run(self, name: str, snapshot: Snapshot | None, service: str) -> None:
        """Ask devgate for something; success shows as a change on the screen, a refusal as a notice."""
        command = COMMANDS[name]
        chosen = targets(command, snapshot, service)
        rows = snapshot.services if snapshot is not None else ()
        lost = [loss for row in rows if row.name in chosen and (loss := at_stake(name, row))]

        def go() -> None:
            for target in chosen:
                what = f"Could not {command.verb} {target}".rstrip()
                self._start(what, partial(command.call, self._app.control, target))

        if lost:
            title = f"{command.verb.capitalize()} {', '.join(chosen)}?"
            self._ask(title, [((text, "warn"),) for text in lost], command.verb, go)
        else:
            go()

    def apply(self, plan: Plan) -> None:
        """Carry out a plan that was shown; reading it was the question, but for commands that nobody has agreed to yet."""
        what = f"Could not switch to {plan.name}"
        if not plan.unapproved:
            self._start(what, partial(self._apply, plan))
            return
        from devgate.tui.dialogs import Agreement

        def answered(sure: bool | None) -> None:
            if sure:
                self._start(what, partial(self._apply, plan, agreed=True))

        self._app.push_screen(Agreement(plan, self._app.size.width), answered)

    def reload(self) -> None:
        """Show what reading the profile's files again would change, and do it if that is wanted."""
        self._start("Could not read the profile", self._propose)

    async def _propose(self) -> None:
        from devgate.tui import plan_text

        plan = await self._app.control.profiles.propose()
        if plan.empty:
            self._app.notify("What runs is what the files say.", timeout=4)
            return
        if plan.unapproved:
            self.apply(plan)
            return
        self._ask(f"Reload {visible(plan.name)}?", plan_text.lines(plan), "apply", partial(self.apply, plan))

    async def _apply(self, plan: Plan, *, agreed: bool = False) -> None:
        applied = await self._app.control.profiles.apply(plan, by="screen", agreed=agreed)
        self._app.notify(visible(applied.summary), title=visible(applied.name), markup=False)

    def fault(self, route: str, active: tuple[FaultRow, ...]) -> None:
        """Ask what is to go wrong with a route's requests, and have it go wrong."""
        from devgate.tui.fault_dialog import FaultDialog

        control = self._app.control.gateway

        def answered(wish: Wish | None) -> None:
            if wish is None:
                return
            fault, lasts_s, everywhere = wish
            if fault is not None:
                self._start(f"Could not put a fault on {route}", partial(control.set_fault, route, fault, lasts_s))
            else:
                which = None if everywhere else route
                self._start("Could not clear faults", partial(control.clear_faults, which))

        self._app.push_screen(FaultDialog(route, active), answered)

    def quit(self, snapshot: Snapshot | None) -> None:
        """Name what will stop; nothing to stop, nothing to ask, but for a devgate that somebody else has started. Asked again
        while it stops: without waiting any longer."""
        from devgate.tui.dialogs import quit_lines

        control = self._app.control
        if snapshot is not None and snapshot.stopping:
            control.request_stop("screen", now=True)
            return
        ours, others = losses(snapshot)
        if ours or self._app.attached:
            self._ask(
                "Stop devgate?", quit_lines(ours, others), "stop devgate", partial(control.request_stop, "screen")
            )
        else:
            control.request_stop("screen")

    def _ask(self, title: str, lines: Sequence[Runs], yes: str, go: Callable[[], None]) -> None:
        from devgate.tui.dialogs import Question

        def answered(sure: bool | None) -> None:
            if sure:
                go()

        self._app.push_screen(Question(title, lines, yes=yes), answered)

    def _start(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        start(self._app, partial(self._carry_out, what, work), "commands")

    async def _carry_out(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:
            refusal = told(error, what)
            text = visible(refusal.message) + (f"\n{visible(refusal.hint)}" if refusal.hint else "")
            self._app.notify(text, title=visible(what), severity="error", timeout=REFUSAL_S, markup=False)


def told(error: Exception, what: str) -> DevgateError:
    """The error as one that can be shown; a bug is logged, and called one."""
    if isinstance(error, DevgateError):
        return error
    log.error("%s", what, exc_info=error)
    return DevgateError(repr(error), hint="This is a bug in devgate; its log has the details.")
