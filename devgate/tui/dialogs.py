"""Questions and the help: what lies over a view for a moment."""

from __future__ import annotations

from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.containers import Vertical
from textual.screen import ModalScreen

from devgate.escape import visible
from devgate.tui import bindings, ink, key_line, plan_text
from devgate.tui import format as fmt
from devgate.tui.columns import SPAN, Column, Row, place
from devgate.tui.rows import mark, word
from devgate.tui.screens.live import active_keys
from devgate.tui.widgets.line import Line, Part
from devgate.tui.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from textual.app import ComposeResult

    from devgate.model.plan import Plan
    from devgate.model.snapshot import ServiceRow
    from devgate.tui.ink import Runs

AGREEMENT_WIDTH: Final = 100
"""Cells; less where the terminal has less."""
HELP_WIDTH: Final = 116
FRAME: Final = 5
"""Cells of a dialog that are not its text's: border, padding, scroll bar."""

KEYS: Final = (Column("key", "", 18), Column("id", "", 24, drop=1), Column("sentence", "", 28, grow=1))
TEXT = (Column("text", "", 10, grow=1),)


def text_rows(lines: Sequence[Runs]) -> list[Row]:
    """Lines of text as rows of a table with one column."""
    return [Row(str(number), {"text": line}) for number, line in enumerate(lines)]


class Dialog(ModalScreen[bool]):
    """A box with a title, a text, and the keys that leave it.

    Args:
        rows: the text; asked for once the dialog is shown.
        yes: what agreeing does, in a word or two; empty: there is nothing to agree to.
        note: said beside the title, where there is room.
    """

    BINDINGS = bindings.of(bindings.DIALOG)
    YES: ClassVar = "dialog.yes"
    NO: ClassVar = "dialog.no"

    def __init__(
        self,
        title: str,
        columns: Sequence[Column],
        rows: Callable[[], Sequence[Row]],
        *,
        width: int,
        height: int | str,
        yes: str = "",
        note: str = "",
    ) -> None:
        super().__init__()
        self._rows = rows
        self._yes = yes
        self._text = LiveTable(columns, id="dialog-text", cursor=False, heading=False)
        self._text.styles.height = height
        self._bottom = Line(id="dialog-keys", gap=2)
        top = Line(id="dialog-title")
        top.show([Part(((title, "title"),)), Part(((note, "muted"),), drop=1, right=True)])
        self._box = Vertical(top, self._text, self._bottom, id="dialog")
        self._box.styles.width = width
        if isinstance(height, str):
            self._box.styles.height = "90%"

    def compose(self) -> ComposeResult:
        yield self._box

    def on_mount(self) -> None:
        self._text.show(self._rows())
        self._text.focus()
        self.call_after_refresh(self._show_keys)

    def _show_keys(self) -> None:
        words = {self.YES: self._yes, self.NO: "back"}
        active = active_keys(self)
        named = {id: (active[id][0], replace(active[id][1], description=word)) for id, word in words.items() if word}
        self._bottom.show(key_line.keys(named, list(named)))

    def action_yes(self) -> None:
        if self._yes:
            self.dismiss(True)

    def action_no(self) -> None:
        self.dismiss(False)


class Question(Dialog):
    """Something that loses something: says what, and takes yes or no."""

    BINDINGS = bindings.of(bindings.QUESTION)

    def __init__(self, title: str, lines: Sequence[Runs], *, yes: str) -> None:
        width = max([len(title), *(ink.width_of(line) for line in lines)]) + 8
        super().__init__(
            title,
            TEXT,
            lambda: text_rows(lines),
            width=min(max(width, 44), 100),
            height=min(len(lines), 16),
            yes=yes,
        )


class Agreement(Dialog, inherit_bindings=False):
    """New commands: neither Enter nor `y` agrees, as both are pressed without reading."""

    BINDINGS = bindings.of(bindings.AGREEMENT)
    YES = "agree.yes"
    NO = "agree.no"

    def __init__(self, plan: Plan, room: int) -> None:
        width = max(min(room * 94 // 100, AGREEMENT_WIDTH), 24)
        shown = [*plan_text.unapproved(plan, width - 10), ((plan.summary, "muted"),)]
        super().__init__(
            f"Agree to what {visible(plan.name)} runs?",
            TEXT,
            lambda: text_rows(shown),
            width=width,
            height=min(len(shown), 16),
            yes="agree and apply",
        )


class Help(Dialog):
    """All keys, from the table they are bound by.

    Args:
        here: ids of what can be pressed where it was asked for: those places come first.
        keymap: the file that moves keys, by the ids.
        room: cells that the terminal has.
    """

    BINDINGS = bindings.of(bindings.HELP)

    def __init__(self, here: Collection[str], keymap: str, room: int) -> None:
        self._here = here
        ids = len(place(KEYS, min(room * 94 // 100, HELP_WIDTH) - FRAME).columns) == len(KEYS)
        note = f"moved by id in {keymap}" if keymap and ids else ""
        super().__init__("Keys", KEYS, self.rows, width=HELP_WIDTH, height="1fr", note=note)

    @on(LiveTable.Resized)
    def _fold(self) -> None:
        self._text.show(self.rows())

    def rows(self) -> list[Row]:
        room = place(KEYS, self._text.size.width).columns[-1][1]
        mine = [
            group
            for group in bindings.ALL
            if group is not bindings.APP and any(binding.id in self._here for binding in group.table)
        ]
        rows: list[Row] = []
        for group in dict.fromkeys((*mine, *bindings.ALL)):
            rows.append(Row(group.title, {SPAN: ((group.title, "title"),)}))
            for binding in group.table:
                shown = " ".join(self.app.get_key_display(binding.with_key(key)) for key in binding.key.split(","))
                first, *more = wrap(binding.tooltip, room)
                cells: dict[str, Runs] = {
                    "key": ((shown, "key"),),
                    "id": ((binding.id or "", "muted"),),
                    "sentence": ((first, "plain"),),
                }
                rows.append(Row(binding.id or shown, cells))
                rows += [
                    Row(f"{binding.id} {number}", {"sentence": ((line, "plain"),)}) for number, line in enumerate(more)
                ]
            rows.append(Row(f"after {group.title}", {}))
        return rows[:-1]


def quit_lines(ours: Sequence[ServiceRow], others: Sequence[ServiceRow]) -> list[Runs]:
    """What quitting ends, and what it leaves alone."""
    lines: list[Runs] = [((f"{fmt.plural(len(ours), 'service')} will stop:", "plain"),)]
    for row in ours:
        sign, colour = mark(row)
        facts = [f"pid {row.pid}"] if row.pid else [word(row)]
        if row.traffic.in_flight:
            facts.append(f"{fmt.plural(row.traffic.in_flight, 'request')} in flight")
        lines.append(((f"  {sign} ", colour), (row.name, "strong"), ("  " + ", ".join(facts), "muted")))
    if others:
        names = ", ".join(row.name for row in others)
        lines += [(), ((f"{names} {'runs' if len(others) == 1 else 'run'} elsewhere and will go on.", "muted"),)]
    return lines
