"""Asks what is to go wrong with a route's requests, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual import on
from textual.containers import Vertical
from textual.screen import ModalScreen

from devgate.escape import visible
from devgate.model.units import format_duration
from devgate.tui import bindings, fault_text
from devgate.tui.columns import Column, Row
from devgate.tui.widgets.line import Line, Part
from devgate.tui.widgets.live_table import LiveTable
from devgate.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from devgate.model.fault import Fault
    from devgate.model.snapshot import FaultRow

COLUMNS: Final = (Column("what", "", 26), Column("written", "", 20, grow=1))
OWN: Final = "own"
CLEAR: Final = "clear"
CLEAR_ALL: Final = "clear all"

Wish = tuple["Fault | None", float, bool]
"""The fault or None for none, for how many seconds, and whether it is about all routes."""


class FaultDialog(ModalScreen[Wish]):
    """Ready-made faults to choose from, a line for one's own, and the way back.

    Args:
        route: whose requests.
        active: faults that are on.
    """

    BINDINGS = bindings.of(bindings.FAULT)

    def __init__(self, route: str, active: tuple[FaultRow, ...]) -> None:
        super().__init__()
        self._wish: tuple[Fault, float] | None = None
        self._table = LiveTable(COLUMNS, id="dialog-text", heading=False, verb="set")
        self._prompt = Prompt(id="fault-prompt")
        self._rows = _rows(route, active)
        self._table.styles.height = len(self._rows)
        title, keys = Line(id="dialog-title"), Line(id="dialog-keys", gap=2)
        title.show([Part((("What goes wrong with ", "plain"), (visible(route, 60), "title")))])
        keys.show(
            [
                Part((("⏎", "key"), (" choose", "plain")), key="enter"),
                Part((("esc", "key"), (" back", "plain")), key="escape"),
            ]
        )
        self._box = Vertical(title, self._table, self._prompt, keys, id="dialog")
        self._box.styles.width = 86

    def compose(self) -> ComposeResult:
        yield self._box

    def on_mount(self) -> None:
        self._table.show(self._rows)
        self._table.focus()

    def action_no(self) -> None:
        self.dismiss(None)

    @on(LiveTable.Chosen)
    def _chosen(self, event: LiveTable.Chosen) -> None:
        event.stop()
        if event.key == OWN:
            self._prompt.ask(OWN, "fault ")
        elif event.key in (CLEAR, CLEAR_ALL):
            self.dismiss((None, 0.0, event.key == CLEAR_ALL))
        else:
            self.dismiss((*fault_text.parse(event.key), False))

    @on(Prompt.Changed)
    def _typed(self, event: Prompt.Changed) -> None:
        event.stop()
        self._wish = None
        try:
            self._wish = fault_text.parse(event.text)
        except ValueError as error:
            self._prompt.refuse(visible(str(error), 60) if event.text.strip() else "")
        else:
            self._prompt.refuse("")

    @on(Prompt.Closed)
    def _entered(self, event: Prompt.Closed) -> None:
        event.stop()
        if self._wish is not None:
            self.dismiss((*self._wish, False))
        else:
            self._table.focus()


def _rows(route: str, active: tuple[FaultRow, ...]) -> list[Row]:
    rows = [
        Row(written, {"what": ((what, "plain"),), "written": ((written, "muted"),)})
        for what, written in fault_text.READY.items()
    ]
    rows.append(Row(OWN, {"what": (("something else ...", "plain"),), "written": ((fault_text.EXAMPLE, "muted"),)}))
    here = next((row for row in active if row.route == route), None)
    if here is not None:
        left = "" if here.left_s is None else f", {format_duration(round(here.left_s))} left"
        rows.append(Row(CLEAR, {"what": (("nothing any more", "good"),), "written": ((here.words + left, "warn"),)}))
    if any(row is not here for row in active):
        count = f"{len(active)} faults are on"
        rows.append(Row(CLEAR_ALL, {"what": (("nothing on any route", "good"),), "written": ((count, "warn"),)}))
    return rows
