"""A table for rows that change several times a second.

Textual's DataTable renders every visible cell again when one changes (35 ms here); this one keeps a strip for each row and
paints the rows that differ. It draws, moves a cursor and says what was chosen; it knows nothing about what a row means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView

from devgate.tui import ink
from devgate.tui.bindings import TABLE, of
from devgate.tui.columns import GAP, MARGIN, place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events
    from textual.strip import Strip

    from devgate.tui.columns import Column, Placed, Row
    from devgate.tui.ink import Run, Runs


class LiveTable(ScrollView, can_focus=True):
    """Rows under a heading that stays.

    Args:
        columns: what there may be; what fits is decided by the width.
        cursor: whether a row can be selected; without, the table is a text that scrolls.
        heading: whether there is a line with the columns' titles.
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

    def __init__(
        self, columns: Sequence[Column], *, id: str, cursor: bool = True, heading: bool = True, empty: str = ""
    ) -> None:
        super().__init__(id=id)
        self.can_focus = cursor
        self._columns = columns
        self._placed: Placed = ()
        self._cursor = cursor
        self._heading = int(heading)
        self._empty = empty
        self._rows: Sequence[Row] = ()
        self._at = 0
        self._strips: dict[int, Strip] = {}
        self._palette = ink.Palette(self)

    # --- what it shows -------------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        """Key of the selected row; empty without rows."""
        return self._rows[self._at].key if self._rows else ""

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows from now on; the selected one stays selected wherever it went."""
        old, key = self._rows, self.key
        self._rows = rows
        at = self._at
        if not (at < len(rows) and rows[at].key == key):
            at = next((index for index, row in enumerate(rows) if row.key == key), min(at, max(len(rows) - 1, 0)))
        dirty = [index for index, row in enumerate(rows) if index >= len(old) or row != old[index]]
        dirty.extend(range(len(rows), len(old)))
        if at != self._at:
            dirty += [self._at, at]
            self._at = at
        if len(rows) != len(old):
            self._resize()
        self._paint(dirty)
        if self.key != key:
            self.post_message(self.Moved(self, self.key))

    def title(self, key: str, title: str) -> None:
        """Call a column something else, for instance with a number in it."""
        from dataclasses import replace

        self._columns = tuple(replace(each, title=title) if each.key == key else each for each in self._columns)
        self._placed = place(self._columns, self.size.width)
        if self._strips.pop(-1, None) is not None:
            self.refresh(Region(0, 0, self.size.width, 1))

    def select(self, key: str) -> None:
        """Select the row with this key, if there is one."""
        for index, row in enumerate(self._rows):
            if row.key == key:
                self._move(index)
                return

    # --- moving --------------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        if self._cursor:
            self._move(self._at + by)
        else:
            self.scroll_relative(y=by, animate=False)

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
            self.scroll_to(y=self._at, animate=False)
        elif visible > 0 and self._at >= top + visible:
            self.scroll_to(y=self._at - visible + 1, animate=False)

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
        self._strips.clear()
        self._placed = place(self._columns, self.size.width)
        self._resize()
        self._reveal()

    def on_focus(self) -> None:
        self._paint((self._at,))

    def on_blur(self) -> None:
        self._paint((self._at,))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette.clear()
        self._strips.clear()

    def _resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._rows) + self._heading)

    def _paint(self, rows: Sequence[int]) -> None:
        top, width = round(self.scroll_y), self.size.width
        regions = []
        for index in rows:
            self._strips.pop(index, None)
            y = index - top + self._heading
            if self._heading <= y < self.size.height:
                regions.append(Region(0, y, width, 1))
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        index = y - self._heading + round(self.scroll_y) if y >= self._heading else -1
        strip = self._strips.get(index)
        if strip is None:
            strip = self._strips[index] = self._draw(index)
        return strip

    def _draw(self, index: int) -> Strip:
        width = self.size.width
        if index < 0:
            return self._palette.strip(
                self._line({c.key: ((c.title, "heading"),) for c, _ in self._placed}), width, "head"
            )
        if index >= len(self._rows):
            said = ((f" {self._empty}", "muted"),) if not self._rows and index == 0 else ()
            return self._palette.strip(ink.fit_runs(said, width), width)
        here = self._cursor and index == self._at
        row = ("cursor" if self.has_focus else "cursor-blur") if here else ""
        return self._palette.strip(self._line(self._rows[index].cells), width, row)

    def _line(self, cells: Mapping[str, Runs]) -> list[Run]:
        line: list[Run] = [(" " * MARGIN, ink.PLAIN)]
        for number, (column, width) in enumerate(self._placed):
            if number:
                line.append((" " * GAP, ink.PLAIN))
            line.extend(ink.fit_runs(cells.get(column.key, ()), width, right=column.right))
        rest = self.size.width - MARGIN - sum(width for _, width in self._placed) - GAP * (len(self._placed) - 1)
        if rest < 0:
            line = list(ink.fit_runs(tuple(line), self.size.width))
        elif rest:
            line.append((" " * rest, ink.PLAIN))
        return ink.merged(line)
