"""A table for rows that change several times a second.

Textual's DataTable renders every visible cell again when one changes (35 ms here); this one keeps a strip for each row and
paints the rows that differ. It draws, moves a cursor and says what was chosen; it knows nothing about what a row means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView

from devgate.tui import ink
from devgate.tui.bindings import TABLE, of
from devgate.tui.columns import MARGIN, SPAN, Placed, Row, place, shortened
from devgate.tui.widgets.scrolled import resize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events
    from textual.strip import Strip

    from devgate.tui.columns import Column
    from devgate.tui.ink import Run, Runs


_KEPT: Final = 400
"""Strips kept: a few screens full."""


class LiveTable(ScrollView, can_focus=True):
    """Rows under a heading that stays.

    Args:
        columns: what there may be; what fits is decided by the width.
        cursor: whether a row can be selected; without, the table is a text that scrolls.
        heading: whether there is a line with the columns' titles.
        newest_first: new rows come at the top; a cursor there stays there.
        verb: what choosing a row does, in a word.
        empty: what is said when there are no rows.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = set(ink.CLASSES)
    BINDINGS = of(TABLE)

    @dataclass
    class Moved(Message):
        """Another row is selected."""

        table: LiveTable
        key: str

        @property
        def control(self) -> LiveTable:
            return self.table

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LiveTable.Moved)

    @dataclass
    class Chosen(Message):
        """Enter, or a second click on the selected row."""

        table: LiveTable
        key: str

        @property
        def control(self) -> LiveTable:
            return self.table

    @dataclass
    class Resized(Message):
        """It has another width: what was folded to fit has to be folded anew."""

        table: LiveTable

        @property
        def control(self) -> LiveTable:
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        id: str,
        cursor: bool = True,
        heading: bool = True,
        newest_first: bool = False,
        empty: str = "",
        verb: str = "open",
    ) -> None:
        super().__init__(id=id)
        self._columns = columns
        self._placed = Placed()
        self._cells = 0
        """Width of a row."""
        self._titles = Row("", {})
        self._cursor = cursor
        self._heading = int(heading)
        self._newest_first = newest_first
        self._empty = empty
        self.verb = verb
        self._rows: Sequence[Row] = ()
        self._at = 0
        self._strips: dict[str, tuple[Row, str, Strip]] = {}
        """By a row's key: the row as it was drawn, how (plain, under the cursor), and the strip."""
        self._palette = ink.Palette(self)

    # --- what it shows -------------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        """Key of the selected row; empty without rows."""
        return self._rows[self._at].key if self._rows else ""

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    def say(self, empty: str) -> None:
        """What is said when there are no rows, from now on."""
        if empty != self._empty:
            self._empty = empty
            if not self._rows:
                self.refresh()

    def show(self, rows: Sequence[Row], renamed: Mapping[str, str] | None = None) -> None:
        """Show these rows from now on; the selected one stays selected wherever it went.

        Only what is in view is compared, so the length of the list does not matter.

        Args:
            renamed: new keys of rows by their old ones.
        """
        old, key, at = self._rows, self.key, self._at
        key = renamed.get(key, key) if renamed else key
        self._rows = rows
        if at >= len(rows) or rows[at].key != key:
            if not (self._newest_first and at == 0):
                at = next((index for index, row in enumerate(rows) if row.key == key), min(at, max(len(rows) - 1, 0)))
            moved, self._at = at - self._at, at
        else:
            moved = 0
        if len(rows) != len(old):
            self._resize()
            if self.has_focus and not (rows and old):
                self.refresh_bindings()
        if moved and round(self.scroll_y):  # what is read stays where it is, while rows come and go above it
            self.scroll_to(y=max(self.scroll_y + moved, 0), animate=False, force=True)
        top = round(self.scroll_y)
        seen = range(top, top + self.size.height)
        self._paint(
            [index for index in seen if _at(rows, index) != _at(old, index) or (moved and index in (at, at - moved))]
        )
        if moved:
            self._reveal()
        if self.key != key:
            self.post_message(self.Moved(self, self.key))

    def select(self, key: str) -> None:
        """Select the row with this key, if there is one."""
        for index, row in enumerate(self._rows):
            if row.key == key:
                self._move(index)
                return

    # --- moving --------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a cursor Enter is not ours, and goes to the dialog around; without rows there is nothing to choose."""
        return (self._cursor and bool(self._rows)) or action != "choose"

    def action_move(self, by: int) -> None:
        if self._cursor:
            self._move(self._at + by)
        else:
            self.scroll_relative(y=by, animate=False, force=True)

    def action_page(self, by: int) -> None:
        self.action_move(by * max(self.size.height - self._heading - 1, 1))

    def action_end(self, direction: int) -> None:
        self.action_move(direction * max(len(self._rows), self.virtual_size.height))

    def action_choose(self) -> None:
        if self._rows and self._cursor:
            self.post_message(self.Chosen(self, self.key))

    def _move(self, to: int) -> None:
        to = max(0, min(to, len(self._rows) - 1))
        if not self._rows or to == self._at:
            return
        self._paint((self._at, to))
        self._at = to
        self._reveal()
        self.post_message(self.Moved(self, self.key))

    def _reveal(self) -> None:
        visible = self.size.height - self._heading
        top = round(self.scroll_y)
        if self._at < top:
            self.scroll_to(y=self._at, animate=False, force=True)
        elif visible > 0 and self._at >= top + visible:
            self.scroll_to(y=self._at - visible + 1, animate=False, force=True)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or not self._cursor:
            return
        index = offset.y - self._heading + round(self.scroll_y)
        if offset.y < self._heading or index >= len(self._rows):
            return
        if event.chain > 1 and index == self._at:
            self.action_choose()
        self._move(index)

    # --- drawing -------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        if self._cells != self.size.width:
            self.post_message(self.Resized(self))
            self.refresh()  # a part may have been painted in the meantime, cut to the new width
        self._place()
        self._resize()
        self._reveal()

    def _place(self) -> None:
        """Choose the columns for the width there is. A scroll bar lies over the right margin: rows keep their width."""
        self._cells = self.size.width
        self._placed = place(self._columns, self._cells)
        titles: dict[str, Runs] = {column.key: ((column.title, "heading"),) for column, _ in self._placed.columns}
        self._titles = Row("", titles)
        self._strips.clear()

    def on_focus(self) -> None:
        self._paint((self._at,))

    def on_blur(self) -> None:
        self._paint((self._at,))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette.clear()
        self._strips.clear()

    def _resize(self) -> None:
        resize(self, Size(self._cells, max(len(self._rows), bool(self._empty)) + self._heading))

    def _paint(self, rows: Sequence[int]) -> None:
        top, width = round(self.scroll_y), self._cells
        regions = [
            Region(0, index - top + self._heading, width, 1)
            for index in rows
            if self._heading <= index - top + self._heading < self.size.height
        ]
        if regions:
            self.refresh(*regions)

    def render_lines(self, crop: Region) -> list[Strip]:
        return ink.lines(self, crop, self.render_line)

    def render_line(self, y: int) -> Strip:
        if self._cells != self.size.width:  # painted before the event that tells the size
            self._place()
            self.post_message(self.Resized(self))
        if y < self._heading:
            return self._draw(self._titles, "head")
        index = y - self._heading + round(self.scroll_y)
        if index >= len(self._rows):
            said: Runs = ((f" {self._empty}", "muted"),) if not self._rows and index == 0 else ()
            return self._palette.strip(ink.fit_runs(said, self._cells), self._cells)
        here = self._cursor and index == self._at
        return self._draw(self._rows[index], ("cursor" if self.has_focus else "cursor-blur") if here else "")

    def _draw(self, row: Row, kind: str) -> Strip:
        """The row's strip, from the last time if it looks the same."""
        drawn = self._strips.get(row.key)
        if drawn is not None and drawn[1] == kind and (drawn[0] is row or drawn[0] == row):
            return drawn[2]
        if len(self._strips) > _KEPT:
            self._strips.clear()
        strip = self._palette.strip(self._line(row.cells), self._cells, kind)
        self._strips[row.key] = (row, kind, strip)
        return strip

    def _line(self, cells: Mapping[str, Runs]) -> list[Run]:
        if SPAN in cells:
            return ink.merged(ink.fit_runs(((" " * MARGIN, ink.PLAIN), *cells[SPAN]), self._cells))
        line: list[Run] = [(" " * MARGIN, ink.PLAIN)]
        columns, gap = self._placed
        for number, (column, width) in enumerate(columns):
            if number:
                line.append((" " * gap, ink.PLAIN))
            runs = shortened(column, cells.get(column.key, ()), width)
            line.extend(ink.fit_runs(runs, width, right=column.right))
        rest = self._cells - MARGIN - sum(width for _, width in columns) - gap * (len(columns) - 1)
        if rest < 0:
            line = list(ink.fit_runs(tuple(line), self._cells))
        elif rest:
            line.append((" " * rest, ink.PLAIN))
        return ink.merged(line)


def _at(rows: Sequence[Row], index: int) -> Row | None:
    return rows[index] if index < len(rows) else None
