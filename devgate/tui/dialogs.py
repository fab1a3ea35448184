"""Questions and the help: what lies over a view for a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.screen import ModalScreen

from devgate.tui import bindings, header, ink
from devgate.tui import format as fmt
from devgate.tui.columns import Column, Row
from devgate.tui.widgets.line import Line, Part
from devgate.tui.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import Binding

    from devgate.model.snapshot import ServiceRow
    from devgate.tui.ink import Runs

TEXT = (Column("text", "", 10, grow=1),)


def text_rows(lines: Sequence[Runs]) -> list[Row]:
    """Lines of text as rows of a table with one column."""
    return [Row(str(number), {"text": line}) for number, line in enumerate(lines)]


class Dialog(ModalScreen[bool]):
    """A box with a title, some rows and the keys that leave it."""

    BINDINGS = bindings.of(bindings.DIALOG)

    def __init__(self, title: str, table: LiveTable, rows: Sequence[Row], *, width: int) -> None:
        super().__init__()
        self._title = Line(id="dialog-title")
        self._table = table
        self._rows = rows
        self._keys = Line(id="dialog-keys", gap=2)
        self._box = Vertical(self._title, self._table, self._keys, id="dialog")
        self._box.styles.width = width
        self._title.show([Part(((title, "title"),))])

    def compose(self) -> ComposeResult:
        yield self._box

    def on_mount(self) -> None:
        self._table.show(self._rows)
        self._keys.show(header.keys(self.keys(), 6))
        self._table.focus()

    def keys(self) -> list[tuple[str, Binding]]:
        shown = [active.binding for active in self.active_bindings.values()]
        return [(self.app.get_key_display(binding), binding) for binding in shown if binding.show]

    def on_line_clicked(self, event: Line.Clicked) -> None:
        self.app.simulate_key(event.action)

    def action_yes(self) -> None:
        self.dismiss(True)

    def action_no(self) -> None:
        self.dismiss(False)


class Question(Dialog):
    """Something that loses something: says what, and takes yes or no."""

    BINDINGS = bindings.of(bindings.DIALOG, bindings.QUESTION)

    def __init__(self, title: str, lines: Sequence[Runs], *, yes: str) -> None:
        self._yes = yes
        table = LiveTable(TEXT, id="dialog-text", cursor=False, heading=False)
        width = max([len(title), *(ink.width_of(line) for line in lines)]) + 8
        super().__init__(title, table, text_rows(lines), width=min(max(width, 44), 100))
        table.styles.height = min(len(lines), 16)


class Help(Dialog):
    """All keys, from the table they are bound by."""

    def __init__(self) -> None:
        columns = (Column("key", "Key", 12), Column("word", "", 14), Column("sentence", "", 20, grow=1))
        table = LiveTable(columns, id="dialog-text", cursor=False, heading=False)
        super().__init__("Keys", table, [], width=96)
        table.styles.height = "1fr"

    def on_mount(self) -> None:
        super().on_mount()
        self._box.styles.height = "90%"
        self._table.show(self.table_rows())

    def table_rows(self) -> list[Row]:
        rows: list[Row] = []
        for group in bindings.ALL:
            if rows:
                rows.append(Row(f"{group.title}-before", {}))
            rows.append(Row(group.title, {"key": ((group.title, "title"),)}))
            for binding in group.table:
                shown = " ".join(self.app.get_key_display(binding.with_key(key)) for key in binding.key.split(","))
                cells: dict[str, Runs] = {
                    "key": ((shown, "key"),),
                    "word": ((binding.description, "plain"),),
                    "sentence": ((binding.tooltip, "muted"),),
                }
                rows.append(Row(binding.id or shown, cells))
        return rows


def quit_lines(ours: Sequence[ServiceRow], others: Sequence[ServiceRow]) -> list[Runs]:
    """What quitting ends, and what it leaves alone."""
    lines: list[Runs] = [((f"{fmt.plural(len(ours), 'service')} will stop:", "plain"),)]
    for row in ours:
        facts = [f"pid {row.pid}"] if row.pid else []
        if row.traffic.in_flight:
            facts.append(f"{row.traffic.in_flight} requests in flight get {fmt.span(5)} to finish")
        lines.append((("  ● ", "good"), (row.name, "strong"), ("  " + ", ".join(facts), "muted")))
    if others:
        lines.append((("", "plain"),))
        lines.append(((f"{', '.join(row.name for row in others)} runs elsewhere and stays.", "muted"),))
    return lines
