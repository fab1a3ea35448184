"""A log with the whole screen to itself: the selected service's, or all of them merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.tui.bindings import BACK, LOG, LOGS, of
from devgate.tui.screens.log_keys import LogKeys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from devgate.model.snapshot import Snapshot


class Logs(LogKeys):
    """One log."""

    view = "logs"
    BINDINGS = of(LOGS, LOG, BACK)

    def body(self) -> Iterable[Widget]:
        yield self.log_pane
        yield self.typewriter
        yield self.prompt

    def show(self, snapshot: Snapshot) -> None:
        names = [row.name for row in snapshot.services]
        if self.app.selected not in names:
            self.app.selected = names[0] if names else ""
        self.open_log()
        self.say_why()

    def action_service(self, step: int) -> None:
        """The log of the next service in the overview's order."""
        names = [row.name for row in self.snapshot.services] if self.snapshot is not None else []
        if names:
            here = names.index(self.app.selected) if self.app.selected in names else 0
            self.app.selected = names[(here + step) % len(names)]
            self.app.merged = False
            self.again()
