"""Requests by their arrival, newest first, and filtered.

Each stands where it came in from its first to its last byte, so that a row that is read does not jump away when it ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final

from textual import on

from devgate.errors import DevgateError
from devgate.inspection.curl import curl
from devgate.tui import format as fmt
from devgate.tui import requests
from devgate.tui.bindings import BACK, TRAFFIC, of
from devgate.tui.screens.live import LiveScreen
from devgate.tui.traffic_filter import parse
from devgate.tui.widgets.line import Line, Part
from devgate.tui.widgets.live_table import LiveTable
from devgate.tui.widgets.prompt import Prompt
from devgate.tui.work import start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from textual.widget import Widget

    from devgate.model.query import RequestName, RequestRow
    from devgate.model.snapshot import Snapshot
    from devgate.tui.columns import Row
    from devgate.tui.screens.request import Pin

HELD: Final = 1_000
"""Requests kept by the view."""
AT_ONCE: Final = 200
"""Requests taken in one tick; of more, the oldest are counted and passed over: nobody reads 800 a second."""


SLICE: Final = 50
"""Of them made into rows in a row, before whoever is being served gets a turn."""


class Traffic(LiveScreen):
    """The list and its filter."""

    view = "traffic"
    BINDINGS = of(TRAFFIC, BACK)

    def __init__(self) -> None:
        super().__init__()
        self._table = LiveTable(requests.COLUMNS, id="requests", newest_first=True, empty=_empty(""))
        self._title = Line(id="traffic-title")
        self.prompt = Prompt(id="prompt")
        self._held: deque[tuple[RequestRow, Row]] = deque(maxlen=HELD)
        self._under_way: list[tuple[RequestRow, Row]] = []
        self._after = 0
        self._passed = 0
        self._paused = False
        self._text = ""
        self._url = ""
        self._pin: Pin | None = None
        self._test: Callable[[RequestRow], bool] | None = None

    def body(self) -> Iterable[Widget]:
        yield self._title
        yield self._table
        yield self.prompt

    def entered(self) -> None:
        if self.app.sought:
            text, self.app.sought = self.app.sought, ""
            self.filter(text)

    def show(self, snapshot: Snapshot) -> None:
        """The list is pulled, and is not part of the snapshot."""
        self._url = snapshot.url

    async def pull(self) -> None:
        if self._paused:
            return
        page = await self.app.control.gateway.requests(after=self._after, limit=AT_ONCE, under_way=True)
        if self._after:
            self._passed += max(page.next - self._after - len(page.rows), 0)
        news = bool(page.rows or page.under_way or self._under_way)
        for begin in range(0, len(page.rows), SLICE):
            self._held.extend((row, requests.row(row)) for row in page.rows[begin : begin + SLICE])
            await asyncio.sleep(0)
        self._under_way = [(row, requests.row(row)) for row in page.under_way]
        self._after = page.next
        if news:
            self._list({requests.key_under_way(row.request_id): str(row.seq) for row in page.rows})
        self._say()

    def _list(self, ended: Mapping[str, str] | None = None) -> None:
        """Draw the list, of which some have `ended` just now."""
        test = self._test
        shown = [each for each in (*self._held, *self._under_way) if test is None or test(each[0])]
        shown.sort(key=_arrival)
        shown.reverse()
        self._table.show([drawn for _, drawn in shown], ended)

    def _say(self) -> None:
        self._table.say("nothing matches; esc shows everything again" if self._text else _empty(self._url))
        shown = len(self._table.rows)
        parts = [
            Part(
                (
                    ("Requests ", "heading"),
                    (f"{shown:,}", "title"),
                    (f" of the last {len(self._held) + len(self._under_way):,}", "heading"),
                )
            )
        ]
        if self._under_way:
            parts.append(Part(((f"{len(self._under_way):,} under way", "info"),)))
        if self._text:
            parts.append(Part(((self._text, "key"),), drop=1))
        if self._paused:
            parts.append(Part((("paused", "warn"),)))
        if self._passed:
            parts.append(Part(((f"{fmt.count(self._passed)} passed too fast to list", "muted"),), drop=2, right=True))
        self._title.show(parts)

    # --- filter --------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        self.prompt.ask("traffic", "filter ")

    def filter(self, text: str) -> None:
        """Show only what this lets through; text that makes no sense is refused where it is typed."""
        try:
            self._test = parse(text) if text.strip() else None
        except ValueError as error:
            self.prompt.refuse(str(error))
            return
        self._text = text.strip()
        self.prompt.refuse("")
        self._list()
        self._say()

    @on(Prompt.Changed)
    def _typed(self, event: Prompt.Changed) -> None:
        self.filter(event.text)

    @on(Prompt.Closed)
    def _typed_out(self) -> None:
        self._table.focus()

    def action_errors(self) -> None:
        """Only what failed, or everything again."""
        self.filter("" if self._text == "status:5xx" else "status:5xx")

    def action_pause(self) -> None:
        self._paused = not self._paused
        self._say()

    # --- one request ---------------------------------------------------------------------------------------------

    @property
    def _current(self) -> RequestRow | None:
        key = self._table.key
        return next((row for row, drawn in (*self._under_way, *self._held) if drawn.key == key), None)

    @on(LiveTable.Chosen, "#requests")
    def _open(self) -> None:
        from devgate.tui.screens.request import Pin, Request

        if self._table.key:
            self._pin = self._pin or Pin()
            names = [requests.named(drawn.key) for drawn in self._table.rows]
            self.app.push_screen(Request(names, requests.named(self._table.key), self._pin))

    @on(LiveTable.Moved, "#requests")
    def _moved(self) -> None:
        request = self._current
        if request is not None and request.service:
            self.app.selected = request.service

    def action_back(self) -> None:
        """Clear the filter, then leave."""
        if self._text:
            self.filter("")
        else:
            super().action_back()

    def action_copy(self) -> None:
        """The selected request as a curl command."""
        if self._table.key:
            start(self, partial(self._copy, requests.named(self._table.key)), "copy", exclusive=True)

    async def _copy(self, name: RequestName) -> None:
        try:
            detail = await self.app.control.gateway.request(name)
        except DevgateError as error:
            self.notify(error.message, severity="error", markup=False)
        else:
            self.app.leaving.copy(curl(detail), "as curl, with secrets masked")


def _arrival(each: tuple[RequestRow, Row]) -> float:
    return each[0].at


def _empty(url: str) -> str:
    return f"no requests yet; whatever is sent to {url} shows up here" if url else "no requests yet"
