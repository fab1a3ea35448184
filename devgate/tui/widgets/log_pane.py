"""Log lines over a bounded buffer: follows, searches, filters, wraps, selects; draws only what is seen.

Colours are translated when a line becomes visible and its strip is kept until it scrolls away, so a burst of lines costs what
forty of them cost. The heading is the pane's first row and says what is shown and what is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView

from devgate.tui import format as fmt
from devgate.tui import ink, log_ink, sgr
from devgate.tui.bindings import LOG_PANE, of
from devgate.tui.log_ink import Layout
from devgate.tui.log_reader import LogReader
from devgate.tui.widgets.scrolled import resize

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from textual.selection import Selection
    from textual.strip import Strip

    from devgate.model.query import LogLine, LogSlice
    from devgate.tui.ink import Runs

LIMIT: Final = 10_000
"""Lines of a view; a service's own ring holds half of it (SUPERVISION.md 1.1), merged logs get the rest."""
_KEPT: Final = 400
"""Strips kept: a few screens full."""


class LogPane(ScrollView, can_focus=True):
    """The log of one service, or several merged with their names in front."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*ink.CLASSES, *(f"ink--hue{number}" for number in range(log_ink.HUES))}
    BINDINGS = of(LOG_PANE)

    @dataclass
    class CopyAsked(Message):
        """Something is to be put on the clipboard."""

        text: str
        what: str
        """How it is called when that is done."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.reader = LogReader(LIMIT)
        self.buffer = self.reader.buffer
        self.title = ""
        self.note: Runs = ()
        """What is said about it beside its title."""
        self.merged = False
        self.follow = True
        self._new = 0
        self._wrap = False
        self._settling = False
        self._layout = Layout(0, False, False, 0)
        self._strips: dict[int, Strip] = {}
        self._palette = ink.Palette(self)

    # --- content -------------------------------------------------------------------------------------------------

    def restart(self, title: str, *, merged: bool) -> None:
        """Empty the pane for another log."""
        self.title, self.merged = title, merged
        self.reader.clear()
        self.follow, self._new = True, 0
        if self.text_selection is not None:
            self.screen.clear_selection()
        self._lay_out()

    def add(self, part: LogSlice) -> None:
        """Show lines that have arrived."""
        lines: Sequence[LogLine] = part.lines
        if part.dropped and lines and self.buffer.held:
            said = f"{part.dropped:,} lines skipped here; full in the log file"
            lines = (replace(lines[0], text=said, stream="mark"), *lines)
        gone = self.buffer.first_row
        shown = self.buffer.extend(lines)
        if not self.follow:
            self._new += shown
        self._settle(self.buffer.first_row - gone)

    def say(self, note: Runs) -> None:
        """Say something about the log's service in the heading."""
        if note != self.note:
            self.note = note
            self.refresh(Region(0, 0, self._layout.width, 1))

    def _settle(self, moved: int = 0) -> None:
        """Fit the scrolled area to the buffer; `moved` rows have left at the front."""
        self._settling = True
        width = self._layout.width if self._wrap else self.buffer.widest + self._layout.before + 1
        resize(self, Size(width, self.buffer.rows + 1))
        if self.follow:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
        elif moved:
            self.scroll_to(y=max(self.scroll_y - moved, 0), animate=False, force=True)
        self._settling = False
        if len(self._strips) > _KEPT:
            self._strips.clear()
        self.refresh()

    def _redraw(self) -> None:
        self._strips.clear()
        self.refresh()

    # --- what keys do --------------------------------------------------------------------------------------------

    def search(self, pattern: re.Pattern[str] | None) -> None:
        """Mark what matches, and go to the newest match."""
        self.reader.wanted = pattern
        self._redraw()
        if pattern is not None:
            self._go(self.reader.to_match(-1, len(self.buffer.shown)))

    def filter(self, pattern: re.Pattern[str] | None) -> None:
        """Show only lines that match."""
        self.reader.show_only(pattern)
        self.action_follow()

    def action_level(self) -> None:
        """The next least level."""
        self.reader.next_level()
        self.action_follow()

    def action_find(self, step: int) -> None:
        """The next or previous match of the search."""
        if self.reader.wanted is not None and not self._go(self.reader.to_match(step, self._standing(step))):
            self.notify("nothing matches", timeout=2)

    def action_error(self, step: int) -> None:
        """The next or previous line that looks like an error."""
        if not self._go(self.reader.to_error(step, self._standing(step))):
            self.notify("no error in this log", timeout=2)

    def _standing(self, step: int) -> int:
        """Index from which to look further: the line jumped to while it is seen, else the edge of what is seen."""
        shown = self.buffer.shown
        if self.follow:
            return len(shown) if step < 0 else -1
        top = self.buffer.first_row + round(self.scroll_y)
        places = self.buffer.locate(top), self.buffer.locate(top + self.size.height - 2)
        first = places[0][0] if places[0] is not None else 0
        last = places[1][0] if places[1] is not None else len(shown) - 1
        here = self.reader.here - self.buffer.gone
        if first <= here <= last:
            return here
        return first - 1 if step > 0 else last + 1

    def _go(self, index: int | None) -> bool:
        """Bring a line into view, in the middle."""
        if index is None:
            return False
        row = self.buffer.row_of(index) - self.buffer.first_row
        self.follow = False
        self._settling = True  # also at the very end: who jumps to a line wants to stay with it
        self.scroll_to(y=max(row - self.size.height // 2, 0), animate=False, force=True)
        self._settling = False
        self._redraw()
        return True

    def action_wrap(self) -> None:
        """Fold long lines, or let them run out of the pane."""
        self._wrap = not self._wrap
        top = self.buffer.locate(self.buffer.first_row + round(self.scroll_y))
        self._lay_out()
        if not self.follow and top is not None:
            self.scroll_to(x=0, y=self.buffer.row_of(top[0]) - self.buffer.first_row, animate=False, force=True)

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        self.follow, self._new = True, 0
        self._strips.clear()
        self._settle()

    def action_top(self) -> None:
        self.follow = False
        self.scroll_to(y=0, animate=False, force=True)
        self.refresh()

    def action_move(self, by: int) -> None:
        self._by(by)

    def action_page(self, by: int) -> None:
        self._by(by * max(self.size.height - 2, 1))

    def action_sideways(self, by: int) -> None:
        if not self._wrap:
            self.scroll_to(x=self.scroll_x + by * 8, animate=False, force=True)

    def _by(self, rows: int) -> None:
        self.scroll_to(y=self.scroll_y + rows, animate=False, force=True)

    def action_copy(self) -> None:
        """Copy the selection, else the current line."""
        line = self.reader.line(newest=self.follow)
        text = self.screen.get_selected_text() or (sgr.strip_sgr(line.text) if line is not None else "")
        if text:
            self.post_message(self.CopyAsked(text, fmt.plural(text.count("\n") + 1, "line")))

    def action_copy_run(self) -> None:
        """Copy everything the current run of the service has written, as far as it is held."""
        line = self.reader.line(newest=self.follow)
        if line is not None:
            text = self.reader.run(line)
            what = f"run {line.run} of {line.service}, {fmt.plural(len(text), 'line')}"
            self.post_message(self.CopyAsked("\n".join(text), what))

    @property
    def room(self) -> int:
        """Cells of a line's text."""
        return self._layout.room

    @property
    def top(self) -> int:
        """Index of the line that stands at the top; of the newest one while following."""
        if self.follow:
            return max(len(self.buffer.shown) - 1, 0)
        place = self.buffer.locate(self.buffer.first_row + round(self.scroll_y))
        return place[0] if place is not None else 0

    # --- scrolling -----------------------------------------------------------------------------------------------

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._settling or round(old_value) == round(new_value):
            return
        self.follow = round(new_value) >= self.max_scroll_y
        if self.follow:
            self._new = 0

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """Tell the scroll bar, which appears after the lines that made it necessary, where they are."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        self._measure()
        super().watch_scroll_x(old_value, new_value)

    def on_resize(self) -> None:
        self._lay_out()

    def _measure(self) -> None:
        width = max(self.size.width - 1, 0)  # the last column is the scroll bar's, if there is one
        self._layout = Layout(width, self.merged, self._wrap, 0 if self._wrap else round(self.scroll_x))
        self._strips.clear()

    def _lay_out(self) -> None:
        self._measure()
        self.buffer.wrap(self._layout.room if self._wrap else 0)
        self._settle()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette.clear()
        self._strips.clear()

    # --- drawing -------------------------------------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        return ink.lines(self, crop, self._strip)

    def render_line(self, y: int) -> Strip:
        """A row with the place of each character, which is what Textual asks for to know where the mouse is."""
        return self._draw(self._row(y), placed=True) if y else self._draw_heading()

    def _row(self, y: int) -> int:
        return self.buffer.first_row + round(self.scroll_y) + y - 1

    def _strip(self, y: int) -> Strip:
        if y == 0:
            return self._draw_heading()
        row = self._row(y)
        strip = self._strips.get(row)
        if strip is None:
            strip = self._draw(row)
            if row < self.buffer.first_row + self.buffer.rows:  # a row that is empty today has a line tomorrow
                self._strips[row] = strip
        return strip

    def _draw_heading(self) -> Strip:
        said = self.reader.says()
        if not self.follow:
            said.append((f"+{self._new:,} new" if self._new else "paused", "warn"))
        width = self.size.width
        return self._palette.strip(log_ink.heading(self.title, self.note, said, width), width, "head")

    def _draw(self, row: int, *, placed: bool = False) -> Strip:
        width, palette = self.size.width, self._palette
        place = self.buffer.locate(row)
        if place is None:
            said: Runs = (("  nothing here yet", "muted"),) if row == self.buffer.first_row else ()
            return palette.strip(ink.fit_runs(said, width), width)
        index, part = place
        line = self.buffer.shown[index]
        selection = self.text_selection
        runs, first = log_ink.content(
            line,
            part,
            self._layout,
            palette.style,
            colour=not self.app.no_color,
            search=self.reader.wanted,
            selected=selection.get_span(row) if selection is not None else None,
            selection=self.screen.get_component_rich_style("screen--selection") if selection is not None else None,
        )
        here = index + self.buffer.gone == self.reader.here and not self.follow
        segments = palette.segments(log_ink.before(line, part, self._layout, here=here))
        for text, style in runs:
            shown = ink.plain_ascii(text) if palette.ascii else text
            drawn = palette.over(style)
            if placed:
                drawn += Style.from_meta({"offset": (first, row)})
            segments.append(Segment(shown, drawn))
            first += len(text)
        return palette.filled(segments, width)

    # --- selecting with the mouse --------------------------------------------------------------------------------

    def selection_updated(self, selection: Selection | None) -> None:
        self._redraw()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return self.reader.selected(selection, self._layout), "\n"
