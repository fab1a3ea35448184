"""What is wrong, and why, in one glance: services with their traffic, the routes they serve, the selected one's log.

SUPERVISION.md 1.3 puts the table at the left in 40 % of the width; tried, that leaves room for five columns. Over the whole
width a row holds process, traffic, breaker, sync and the cause of what is wrong, which is the point of the row.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from textual import on
from textual.containers import Horizontal, Vertical

from devgate.escape import visible
from devgate.model.status import ServiceState
from devgate.tui import anatomy_text, health_rows, route_rows, rows
from devgate.tui.bindings import LOG, OVERVIEW, of
from devgate.tui.dialogs import TEXT, text_rows
from devgate.tui.screens.live import STAGGER_S
from devgate.tui.screens.log_keys import LogKeys
from devgate.tui.widgets.line import Line, Part
from devgate.tui.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from devgate.model.snapshot import RouteRow, Snapshot
    from devgate.tui.widgets.log_pane import LogPane

_ROUTES_CLASS: Final = "-routes"
_FACTS_CLASS: Final = "-facts"
_LOG, _HEALTH, _CONFIG, _ENV = _TABS = ("Log", "Health", "Config", "Env")
"""What is told about the selected service. Routes, which SUPERVISION.md 1.3 has among them, stand beside."""


class Overview(LogKeys):
    """Services over routes and log."""

    view = "overview"
    BINDINGS = of(OVERVIEW, LOG)

    def __init__(self) -> None:
        super().__init__()
        self._tabs = Line(id="tabs", gap=2)
        self._facts = LiveTable(TEXT, id="facts", cursor=False, heading=False)
        self._tab = _LOG
        self._asked: tuple[str, str, float | None] = ("", "", None)
        """What the facts show: the tab, the service, and when the profile was loaded."""
        self._services = LiveTable(rows.SERVICES, id="services", empty="no services in this profile", verb="log")
        self._routes = LiveTable(route_rows.COLUMNS, id="routes", empty="no routes in this profile", verb="traffic")
        self._failing_first = False
        self._drawn: tuple[Snapshot | None, str] = (None, "")
        """What the routes show: the snapshot, and the selected service."""

    def body(self) -> Iterable[Widget]:
        yield self._services
        yield Horizontal(
            self._routes, Vertical(self._tabs, self.log_pane, self.typewriter, self._facts, id="told"), id="lower"
        )
        yield self.prompt

    def show(self, snapshot: Snapshot) -> None:
        self._services.show(rows.services(snapshot, failing_first=self._failing_first))
        if self._services.key != self.app.selected:
            self._services.select(self.app.selected)
            self.app.selected = self._services.key
        self.open_log()
        self.say_why()
        here = _TABS.index(self._tab)
        self._tabs.show(
            [
                Part(
                    ((tab, "here" if number == here else "muted"),),
                    key=",".join(["right_square_bracket"] * ((number - here) % len(_TABS))),
                )
                for number, tab in enumerate(_TABS)
            ]
        )

    async def pull(self) -> None:
        """The routes, and after another breath the log: three short paints instead of one that requests would feel."""
        drawn = self.snapshot, self.app.selected
        if self.snapshot is not None and drawn != self._drawn:
            self._drawn = drawn
            self._routes.show(route_rows.routes(self.snapshot, self.app.selected))
            await asyncio.sleep(STAGGER_S)
        await (super().pull() if self._tab == _LOG else self._tell())

    async def _tell(self) -> None:
        """The tab that is not the log."""
        service, snapshot = self.service, self.snapshot
        if service is None or snapshot is None:
            return
        if self._tab == _HEALTH:
            self._facts.show(text_rows(health_rows.details(service)))
            return
        asked = self._tab, service.name, snapshot.reloaded_at
        if asked != self._asked or service.state is not ServiceState.READY:
            found = await self.app.control.profiles.anatomy(service.name)
            self._asked = asked
            self._facts.show(text_rows((anatomy_text.config if asked[0] == _CONFIG else anatomy_text.env)(found)))

    @on(LiveTable.Moved, "#services")
    def _select(self, event: LiveTable.Moved) -> None:
        if event.key != self.app.selected:
            self.app.selected = event.key
            self.again()

    @on(LiveTable.Chosen, "#services")
    def _zoom_log(self) -> None:
        self.app.action_view("logs")

    @on(LiveTable.Chosen, "#routes")
    def _show_requests(self, event: LiveTable.Chosen) -> None:
        """Of a route: its id is its path, behind the method where that tells routes apart."""
        self.app.sought = f"route:{event.key.split()[-1]}"
        self.app.action_view("traffic")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One key puts something in: a fault into a route where the routes are, what is typed into a service everywhere else."""
        if action in ("fault", "type") and self._routes.has_focus is not (action == "fault"):
            return False
        if action in ("fault", "open_route"):
            return self.snapshot is not None and bool(self.snapshot.routes)
        return super().check_action(action, parameters)

    def action_failing_first(self) -> None:
        """Failed services at the top, or every service in its place."""
        self._failing_first = not self._failing_first
        self.again()

    def action_tab(self, step: int) -> None:
        """Tell something else about the selected service."""
        self._tab = _TABS[(_TABS.index(self._tab) + step) % len(_TABS)]
        self._asked = "", "", None
        self._facts.show([])
        self.set_class(self._tab != _LOG, _FACTS_CLASS)
        self.remove_class(_ROUTES_CLASS)
        if self._routes.has_focus or self.log_pane.has_focus or self._facts.has_focus:
            (self.log_pane if self._tab == _LOG else self._facts).focus()
        self.again()

    def action_type(self) -> None:
        self.remove_class(_ROUTES_CLASS)
        self.action_tab(-_TABS.index(self._tab))
        super().action_type()

    def action_open_route(self) -> None:
        """The selected route, or else the first one of the selected service, as far as its path is known."""
        if self.snapshot is None:
            return
        route = self._route_here(self.snapshot)
        if route is None:
            self.notify(f"no route leads to {visible(self.selected)}", timeout=3, markup=False)
        else:
            self.app.leaving.browse(self.snapshot.url + route_rows.fixed_part(route.path))

    def _route_here(self, snapshot: Snapshot) -> RouteRow | None:
        """The selected route, or else the first one of the selected service."""
        key = self._routes.key if self._routes.has_focus else ""
        mine = (row for row in snapshot.routes if row.id == key or (not key and row.service == self.selected))
        return next(mine, None)

    def action_fault(self) -> None:
        """Ask what is to go wrong with the selected route, or else with the first one of the selected service."""
        route = None if self.snapshot is None else self._route_here(self.snapshot)
        if self.snapshot is not None and route is not None:
            self.app.commands.fault(route.id, self.snapshot.faults)

    def action_pane(self, step: int) -> None:
        """Focus the next pane; where two share one place, the focused one is seen."""
        told = self.log_pane if self._tab == _LOG else self._facts
        panes: tuple[LiveTable | LogPane, ...] = (self._services, self._routes, told)
        here = next((index for index, pane in enumerate(panes) if pane.has_focus), 0)
        there = panes[(here + step) % len(panes)]
        if there is not self._services:
            self.set_class(there is self._routes, _ROUTES_CLASS)
        there.focus()
