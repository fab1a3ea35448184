"""Which profiles there are, what switching to one would do, and Enter to do it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from textual import on
from textual.containers import Horizontal

from devgate.tui import plan_text
from devgate.tui.bindings import BACK, PROFILES, of
from devgate.tui.columns import MARGIN, Column, Row
from devgate.tui.command_runner import told
from devgate.tui.dialogs import text_rows
from devgate.tui.screens.live import LiveScreen
from devgate.tui.widgets.live_table import LiveTable
from devgate.tui.work import start

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.widget import Widget

    from devgate.model.plan import Plan
    from devgate.model.snapshot import Snapshot
    from devgate.tui.ink import Runs

_LIST: Final = (Column("name", "Profile", 20, grow=1),)
_PLAN: Final = (Column("text", "Plan", 20, grow=1),)


class Profiles(LiveScreen):
    """The list at the left, the selected one's plan at the right."""

    view = "profiles"
    on_services = False
    BINDINGS = of(PROFILES, BACK)

    def __init__(self) -> None:
        super().__init__()
        self._list = LiveTable(_LIST, id="profiles", empty="no profiles found", verb="")
        self._text = LiveTable(_PLAN, id="plan", cursor=False)
        self._plan: Plan | None = None
        self._listed: tuple[str, ...] = ()
        self._digest = ""
        self._lines: Sequence[Runs] = ()
        """What the plan's pane tells, not yet folded."""
        self._place = ("", 0, 1)
        """What `v` opens: the first problem, or the selected profile's file."""

    def body(self) -> Iterable[Widget]:
        yield Horizontal(self._list, self._text, id="lower")

    def entered(self) -> None:
        self._listed = ()
        self._digest = ""

    def show(self, snapshot: Snapshot) -> None:
        running = snapshot.profile_source
        if not self._listed:
            found = tuple(self.app.control.profiles.list())
            self._listed = found if running in found else (running, *found)
        self._list.show([_row(name, running=name == running) for name in self._listed])
        if not self._digest:
            self._list.select(running)
        changed = f"{running}{snapshot.reloaded_at}{snapshot.config_problems}"
        if changed != self._digest:
            self._digest = changed
            self._propose()

    @on(LiveTable.Moved, "#profiles")
    def _propose(self) -> None:
        self._offer(None)
        start(self, partial(self._ask, self._list.key), "plan", exclusive=True)

    async def _ask(self, source: str) -> None:
        try:
            plan = await self.app.control.profiles.propose(source)
        except Exception as error:
            if source == self._list.key:
                refusal = told(error, "there is no plan")
                self._place = plan_text.place(refusal)
                self._tell(plan_text.refusal(refusal))
            return
        if source == self._list.key:
            self._offer(plan)
            self._place = plan.file, 0, 1
            self._tell(plan_text.lines(plan))

    def _tell(self, lines: Sequence[Runs]) -> None:
        """Nothing of it is cut off: who is to press Enter has to be able to read it."""
        self._lines = lines
        room = self._text.size.width - 2 * MARGIN - 1
        self._text.show(text_rows([piece for line in lines for piece in plan_text.folded(line, room)]))

    @on(LiveTable.Resized, "#plan")
    def _fold(self) -> None:
        self._tell(self._lines)

    def _offer(self, plan: Plan | None) -> None:
        """What Enter would apply."""
        self._plan = None if plan is None or plan.empty else plan
        self._list.verb = "apply" if self._plan is not None else ""
        self.refresh_bindings()

    @on(LiveTable.Chosen, "#profiles")
    def _apply(self) -> None:
        if self._plan is not None:
            self.app.commands.apply(self._plan)

    def action_edit(self) -> None:
        """Open the selected profile where its first problem is, else at its beginning; what was changed is planned anew."""
        file, line, column = self._place
        if file:
            self.app.leaving.edit(file, line, column, self._propose)
        else:
            self.notify("which file that is, is not known", timeout=3)

    def action_again(self) -> None:
        """Read the files again."""
        self.entered()
        self.again()


def _row(name: str, *, running: bool) -> Row:
    if running:
        return Row(name, {"name": (("● ", "good"), (name, "strong"), ("  running", "muted"))})
    return Row(name, {"name": (("○ ", "muted"), (name, "plain"))})
