"""Whether everything is well, and how devgate knows: probes, breakers, versions, replicas, and what happened.

A breaker knows what opened it by the ids of requests; what those asked for comes from the traffic view's list, a tick at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual import on
from textual.containers import Horizontal, Vertical

from devgate.tui import health_rows
from devgate.tui.bindings import BACK, of
from devgate.tui.dialogs import TEXT, text_rows
from devgate.tui.screens.live import LiveScreen
from devgate.tui.widgets.line import Line, Part
from devgate.tui.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from devgate.model.query import RequestRow
    from devgate.model.snapshot import Snapshot

HELD: Final = 500
"""Failed requests kept, of all services."""
AT_ONCE: Final = 500
FIRST: Final = 5_000
"""Requests looked through when the view is first seen."""


class Health(LiveScreen):
    """Services over the selected one's replicas and the last events."""

    view = "health"
    BINDINGS = of(BACK)

    def __init__(self) -> None:
        super().__init__()
        self._summary = Line(id="health-summary")
        self._services = LiveTable(health_rows.COLUMNS, id="services", empty="no services in this profile", verb="log")
        self._details = LiveTable(TEXT, id="service-health", cursor=False, heading=False)
        self._instances = LiveTable(health_rows.INSTANCES, id="instances", cursor=False)
        self._events = LiveTable(health_rows.EVENTS, id="events", newest_first=True, empty="nothing has happened yet")
        self._failed: dict[str, RequestRow] = {}
        """By their ids, the newest last."""
        self._after = 0

    def body(self) -> Iterable[Widget]:
        yield self._summary
        yield self._services
        yield Horizontal(Vertical(self._details, self._instances, id="known"), self._events, id="lower")

    def show(self, snapshot: Snapshot) -> None:
        self._summary.show([Part(health_rows.summary(snapshot))])
        self._services.show(health_rows.services(snapshot))
        if self._services.key != self.app.selected:
            self._services.select(self.app.selected)
            self.app.selected = self._services.key
        instances = health_rows.instances(self.service)
        self._instances.display = bool(instances)
        self._instances.show(instances)
        self._events.show(health_rows.events(snapshot.events))
        self._describe()

    async def pull(self) -> None:
        page = await self.app.control.gateway.requests(after=self._after, limit=AT_ONCE if self._after else FIRST)
        if page.rows:
            self._failed.update((row.request_id, row) for row in page.rows if row.status >= 500 or row.error)
            for old in list(self._failed)[:-HELD]:
                del self._failed[old]
            self._describe()
        self._after = page.next

    def _describe(self) -> None:
        self._details.show(text_rows(health_rows.details(self.service, self._failed)))

    @on(LiveTable.Moved, "#services")
    def _select(self, event: LiveTable.Moved) -> None:
        if event.key != self.app.selected:
            self.app.selected = event.key
            self.again()

    @on(LiveTable.Chosen, "#services")
    def _open(self) -> None:
        self.app.action_view("logs")
