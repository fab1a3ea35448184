"""What is wrong, and why, in one glance: services with their traffic, the routes they serve, the selected one's log.

SUPERVISION.md 1.3 puts the table at the left in 40 % of the width; tried, that leaves room for five columns. Over the whole
width a row holds process, traffic, breaker, sync and the cause of what is wrong, which is the point of the row.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from textual import on
from textual.containers import Horizontal

from devgate.tui import rows
from devgate.tui.bindings import LOG, OVERVIEW, of
from devgate.tui.screens.live import STAGGER_S
from devgate.tui.screens.log_keys import LogKeys
from devgate.tui.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from devgate.model.snapshot import Snapshot
    from devgate.tui.widgets.log_pane import LogPane

_ROUTES_CLASS: Final = "-routes"


class Overview(LogKeys):
    """Services over routes and log."""

    view = "overview"
    BINDINGS = of(OVERVIEW, LOG)

    def __init__(self) -> None:
        super().__init__()
        self._services = LiveTable(rows.SERVICES, id="services", empty="no services in this profile")
        self._routes = LiveTable(rows.ROUTES, id="routes", empty="no routes in this profile")
        self._failing_first = False
        self._drawn: tuple[Snapshot | None, str] = (None, "")
        """What the routes show: the snapshot, and the selected service."""

    def body(self) -> Iterable[Widget]:
        yield self._services
        yield Horizontal(self._routes, self.log_pane, id="lower")
        yield self.prompt

    def show(self, snapshot: Snapshot) -> None:
        self._services.show(rows.services(snapshot, failing_first=self._failing_first))
        if self._services.key != self.app.selected:
            self._services.select(self.app.selected)
            self.app.selected = self._services.key
        self.open_log()
        self.say_why()

    async def pull(self) -> None:
        """The routes, and after another breath the log: three short paints instead of one that requests would feel."""
        drawn = self.snapshot, self.app.selected
        if self.snapshot is not None and drawn != self._drawn:
            self._drawn = drawn
            self._routes.show(rows.routes(self.snapshot, self.app.selected))
            await asyncio.sleep(STAGGER_S)
        await super().pull()

    @on(LiveTable.Moved, "#services")
    def _select(self, event: LiveTable.Moved) -> None:
        if event.key != self.app.selected:
            self.app.selected = event.key
            self.again()

    @on(LiveTable.Chosen, "#services")
    def _zoom_log(self) -> None:
        self.app.action_view("logs")

    def action_failing_first(self) -> None:
        """Failed services at the top, or every service in its place."""
        self._failing_first = not self._failing_first
        self.again()

    def action_pane(self, step: int) -> None:
        """Focus the next pane; where two share one place, the focused one is seen."""
        panes: tuple[LiveTable | LogPane, ...] = (self._services, self._routes, self.log_pane)
        here = next((index for index, pane in enumerate(panes) if pane.has_focus), 0)
        there = panes[(here + step) % len(panes)]
        if there is not self._services:
            self.set_class(there is self._routes, _ROUTES_CLASS)
        there.focus()
