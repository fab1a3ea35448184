"""Whether everything is well, and how devgate knows: probes, breakers, versions, replicas, and what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal

from devgate.tui import health_rows
from devgate.tui.bindings import BACK, of
from devgate.tui.screens.live import LiveScreen
from devgate.tui.widgets.line import Line, Part
from devgate.tui.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from devgate.model.snapshot import Snapshot


class Health(LiveScreen):
    """Services over the selected one's replicas and the last events."""

    view = "health"
    BINDINGS = of(BACK)

    def __init__(self) -> None:
        super().__init__()
        self._summary = Line(id="health-summary")
        self._services = LiveTable(health_rows.COLUMNS, id="services", empty="no services in this profile")
        self._instances = LiveTable(
            health_rows.INSTANCES, id="instances", cursor=False, empty="one instance, see above"
        )
        self._events = LiveTable(health_rows.EVENTS, id="events", newest_first=True, empty="nothing has happened yet")

    def body(self) -> Iterable[Widget]:
        yield self._summary
        yield self._services
        yield Horizontal(self._instances, self._events, id="lower")

    def show(self, snapshot: Snapshot) -> None:
        self._summary.show([Part(health_rows.summary(snapshot))])
        self._services.show(health_rows.services(snapshot))
        if self._services.key != self.app.selected:
            self._services.select(self.app.selected)
            self.app.selected = self._services.key
        self._instances.show(health_rows.instances(self.service))
        self._events.show(health_rows.events(snapshot.events))

    @on(LiveTable.Moved, "#services")
    def _select(self, event: LiveTable.Moved) -> None:
        if event.key != self.app.selected:
            self.app.selected = event.key
            self.again()

    @on(LiveTable.Chosen, "#services")
    def _open(self) -> None:
        self.app.action_view("logs")
