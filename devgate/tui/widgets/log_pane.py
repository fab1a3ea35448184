"""Log lines over a bounded buffer: follows, searches, filters, wraps, selects; draws only what is seen.

Colours are translated when a line becomes visible and its strip is kept until it scrolls away, so a burst of lines costs what
forty of them cost. The heading is the pane's first row and says what is shown and what is not.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from devgate.tui import format as fmt
from devgate.tui import ink, sgr
from devgate.tui.bindings import LOG_PANE, of
from devgate.tui.log_buffer import DEBUG, ERROR, LEVELS, WARNING, LogBuffer, cuts, level_of

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from textual.selection import Selection

    from devgate.model.query import LogLine, LogSlice
    from devgate.tui.ink import Run, Runs

LIMIT: Final = 10_000
"""Lines of a view; a service's own ring holds half of it (SUPERVISION.md 1.1), merged logs get the rest."""
_ROOM_FOR_CLOCK: Final = 56
"""Cells from which a line begins with its time."""
_HUES: Final = 6
_NAME: Final = 16
_KEPT: Final = 400
"""Strips kept: a few screens full."""


class LogPane(ScrollView, can_focus=True):
    """The log of one service, or several merged with their names in front."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*ink.CLASSES, *(f"ink--hue{number}" for number in range(_HUES))}
    BINDINGS = of(LOG_PANE)

    @dataclass
    class Copied(Message):
        """Something was put on the clipboard."""

        what: str

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.buffer = LogBuffer(LIMIT)
        self.title = ""
        self.note: Runs = ()
        """What is said about it beside its title."""
        self.merged = False
        self.follow = True
        self.least = DEBUG
        self._new = 0
        self._search: re.Pattern[str] | None = None
        self._filter: re.Pattern[str] | None = None
        self._here = 0
        """Number of the line where searching goes on and which `y` copies."""
        self._wrap = False
        self._settling = False
        self._strips: dict[int, Strip] = {}
        self._palette = ink.Palette(self)

    # --- content -------------------------------------------------------------------------------------------------

    def restart(self, title: str, *, merged: bool) -> None:
        """Empty the pane for another log."""
        self.title, self.merged = title, merged
        self.buffer.clear()
        self.follow, self._new, self._here = True, 0, 0
        if self.text_selection is not None:
            self.screen.clear_selection()
        self._strips.clear()
        self._settle()

    def add(self, part: LogSlice) -> None:
        """Show lines that have arrived."""
        lines: Sequence[LogLine] = part.lines
        if part.dropped and lines and self.buffer.held:
            from dataclasses import replace

            said = f"{part.dropped:,} lines skipped here; the log file has them"
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
            self.refresh(Region(0, 0, self.size.width, 1))

    def _settle(self, moved: int = 0) -> None:
        """Fit the scrolled area to the buffer; `moved` rows have left at the front."""
        self._settling = True
        width = self._room if not self._wrap else 0
        self.virtual_size = Size(self.buffer.widest + self._prefix if width else self.size.width, self.buffer.rows + 1)
        if self.follow:
            self.scroll_to(y=self.max_scroll_y, animate=False)
        elif moved:
            self.scroll_to(y=max(self.scroll_y - moved, 0), animate=False)
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
        self._search = pattern
        self._redraw()
        if pattern is not None:
            self._here = self.buffer.gone + len(self.buffer.shown)
            self.action_find(-1)

    def filter(self, pattern: re.Pattern[str] | None) -> None:
        """Show only lines that match."""
        self._filter = pattern
        self._refilter()

    def action_level(self) -> None:
        """The next least level."""
        self.least = (self.least + 1) % len(LEVELS)
        self._refilter()

    def _refilter(self) -> None:
        self.buffer.filter(self._filter, self.least)
        self.follow, self._new = True, 0
        self._strips.clear()
        self._settle()

    def action_find(self, step: int) -> None:
        """The next or previous match of the search."""
        search = self._search
        if search is not None:
            self._jump(lambda line: search.search(sgr.strip_sgr(line.text)) is not None, step, "no match")

    def action_error(self, step: int) -> None:
        """The next or previous line that looks like an error."""
        self._jump(lambda line: level_of(sgr.strip_sgr(line.text)) == ERROR, step, "no error in this log")

    def _jump(self, matches: object, step: int, nothing: str) -> None:
        shown = self.buffer.shown
        here = min(max(self._here - self.buffer.gone, -1), len(shown))
        if self.follow and step < 0:
            here = len(shown)
        index = self.buffer.find(matches, here + step, step) if shown else None  # type: ignore[arg-type]
        if index is None:
            self.notify(nothing, timeout=2, markup=False)
            return
        self._here = self.buffer.gone + index
        row = self.buffer.row_of(index) - self.buffer.first_row
        self.follow = False
        self._strips.clear()
        self.scroll_to(y=max(row - self.size.height // 2, 0), animate=False)
        self.refresh()

    def action_wrap(self) -> None:
        """Fold long lines, or let them run out of the pane."""
        self._wrap = not self._wrap
        top = self.buffer.locate(self.buffer.first_row + round(self.scroll_y))
        self._lay_out()
        if not self.follow and top is not None:
            self.scroll_to(x=0, y=self.buffer.row_of(top[0]) - self.buffer.first_row, animate=False)

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        self.follow, self._new = True, 0
        self._settle()

    def action_top(self) -> None:
        self.follow = False
        self.scroll_to(y=0, animate=False)
        self.refresh()

    def action_move(self, by: int) -> None:
        self._by(by)

    def action_page(self, by: int) -> None:
        self._by(by * max(self.size.height - 2, 1))

    def action_sideways(self, by: int) -> None:
        if not self._wrap:
            self.scroll_to(x=self.scroll_x + by * 8, animate=False)

    def _by(self, rows: int) -> None:
        self.scroll_to(y=self.scroll_y + rows, animate=False)

    def action_copy(self) -> None:
        """Copy the selection, else the current line."""
        selected = self.screen.get_selected_text()
        if selected is None:
            line = self._current()
            selected = sgr.strip_sgr(line.text) if line else None
        if selected:
            self._copy(selected, f"copied {fmt.plural(selected.count(chr(10)) + 1, 'line')}")

    def action_copy_run(self) -> None:
        """Copy everything the current run of the service has written, as far as it is held."""
        line = self._current()
        if line is not None:
            same = [
                sgr.strip_sgr(each.text)
                for each in self.buffer.shown
                if each.run == line.run and each.service == line.service and each.stream != "mark"
            ]
            self._copy("\n".join(same), f"copied run {line.run} of {line.service}: {fmt.plural(len(same), 'line')}")

    def _current(self) -> LogLine | None:
        index = self._here - self.buffer.gone
        if self.follow or not 0 <= index < len(self.buffer.shown):
            index = len(self.buffer.shown) - 1
        return self.buffer.shown[index] if index >= 0 else None

    def _copy(self, text: str, what: str) -> None:
        self.app.copy_to_clipboard(text)
        self.post_message(self.Copied(what))

    # --- scrolling -----------------------------------------------------------------------------------------------

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._settling or round(old_value) == round(new_value):
            return
        self.follow = round(new_value) >= self.max_scroll_y
        if self.follow:
            self._new = 0

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        self._strips.clear()
        super().watch_scroll_x(old_value, new_value)

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        self._strips.clear()
        self.buffer.wrap(self._room if self._wrap else 0)
        self._settle()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette.clear()
        self._strips.clear()

    @property
    def _prefix(self) -> int:
        """Cells before the text: a margin, the time where there is room, the service's name in a merged log."""
        clock = fmt.CLOCK + 1 if self.size.width >= _ROOM_FOR_CLOCK else 0
        return 1 + clock + (_NAME + 1 if self.merged else 0)

    @property
    def _room(self) -> int:
        return max(self.size.width - self._prefix, 1)

    # --- drawing -------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        if y == 0:
            return self._draw_heading()
        row = self.buffer.first_row + round(self.scroll_y) + y - 1
        strip = self._strips.get(row)
        if strip is None:
            strip = self._strips[row] = self._draw(row)
        return strip

    def _draw_heading(self) -> Strip:
        width = self.size.width
        said: list[Run] = []
        if self._search is not None:
            said.append((f"/{self._search.pattern}", "key"))
        if self._filter is not None:
            said.append((f"only {self._filter.pattern}", "key"))
        if self.least:
            said.append((f"{LEVELS[self.least]} and worse", "key"))
        if not self.follow:
            said.append((f"+{self._new:,} new" if self._new else "paused", "warn"))
        right: list[Run] = []
        for run in said:
            right += [run, ("  ", ink.PLAIN)]
        room = min(ink.width_of(tuple(right)), width // 2)
        title: Runs = ((" Log ", "heading"), (self.title, "title"), ("  ", ink.PLAIN), *self.note)
        left = ink.fit_runs(title, width - room)
        return self._palette.strip((*left, *ink.fit_runs(tuple(right), room)), width, "head")

    def _draw(self, row: int) -> Strip:
        width = self.size.width
        base = self._palette.style(ink.PLAIN)
        place = self.buffer.locate(row)
        if place is None:
            said = (("  nothing here yet", "muted"),) if row == self.buffer.first_row else ()
            return self._palette.strip(ink.fit_runs(said, width), width)
        index, part = place
        line = self.buffer.shown[index]
        segments = [Segment(text, self._palette.style(name)) for text, name in self._before(line, part, index)]
        text, skipped = self._content(line, part)
        used = self._prefix
        for piece, style in text:
            offset = Style.from_meta({"offset": (skipped, row)})
            shown = ink.plain_ascii(piece) if self._palette.ascii else piece
            segments.append(Segment(shown, base + style + offset))
            skipped += len(piece)
        return Strip(segments).adjust_cell_length(width, base) if used < width else Strip(segments).crop(0, width)

    def _before(self, line: LogLine, part: int, index: int) -> list[Run]:
        here = index + self.buffer.gone == self._here and not self.follow
        runs: list[Run] = [("▌" if here and not self._palette.ascii else " ", "key")]
        clock = self.size.width >= _ROOM_FOR_CLOCK
        if part or line.stream == "mark":
            runs.append((" " * (self._prefix - 1), ink.PLAIN))
            return runs
        if clock:
            runs.append((f"{fmt.clock(line.at)} ", "muted"))
        if self.merged:
            name = line.service if not line.replica else f"{line.service}#{line.replica}"
            hue = f"hue{zlib.crc32(line.service.encode()) % _HUES}"
            runs.extend(ink.fit_runs(((name, hue),), _NAME))
            runs.append((" ", ink.PLAIN))
        return runs

    def _content(self, line: LogLine, part: int) -> tuple[list[sgr.StyledRun], int]:
        """The visible piece of a line, and the number of characters before it."""
        palette = self._palette
        runs: Sequence[sgr.StyledRun] = sgr.runs(line.text, colour=not self.app.no_color)
        plain = "".join(text for text, _ in runs)
        if line.stream == "mark":
            runs = [(f"── {plain} ", palette.style("muted"))]
        elif len(runs) == 1:
            level = level_of(plain)
            if level >= WARNING:
                runs = [(plain, palette.style("bad" if level == ERROR else "warn"))]
        if self._search is not None:
            spans = [match.span() for match in self._search.finditer(plain)]
            runs = sgr.overlay(runs, spans, palette.style("match"))
        selection = self.text_selection
        start = 0
        if self._wrap:
            marks = cuts(plain, self._room)
            start = marks[part] if part < len(marks) else len(plain)
            runs, _ = _slice(runs, start, marks[part + 1] if part + 1 < len(marks) else len(plain))
            skipped = start
        else:
            runs, skipped = sgr.window(runs, round(self.scroll_x), self._room)
        if selection is not None:
            runs = self._selected(runs, skipped, selection, line, part)
        return list(runs), skipped

    def _selected(
        self, runs: Sequence[sgr.StyledRun], skipped: int, selection: Selection, line: LogLine, part: int
    ) -> Sequence[sgr.StyledRun]:
        index = next((i for i, each in enumerate(self.buffer.shown) if each is line), 0)
        span = selection.get_span(self.buffer.row_of(index) + part)
        if span is None:
            return runs
        first, last = span
        last = 1 << 20 if last == -1 else last
        style = self.screen.get_component_rich_style("screen--selection")
        return sgr.overlay(runs, [(max(first - skipped, 0), max(last - skipped, 0))], style)

    # --- selecting with the mouse --------------------------------------------------------------------------------

    def selection_updated(self, selection: Selection | None) -> None:
        self._redraw()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        first = self.buffer.first_row
        start = selection.start.y if selection.start is not None else first
        end = selection.end.y if selection.end is not None else first + self.buffer.rows - 1
        out: list[str] = []
        for row in range(max(start, first), min(end, first + self.buffer.rows - 1) + 1):
            place = self.buffer.locate(row)
            span = selection.get_span(row)
            if place is None or span is None:
                continue
            text = sgr.strip_sgr(self.buffer.shown[place[0]].text)
            low, high = 0, len(text)
            if self._wrap:
                marks = [*cuts(text, self._room), len(text)]
                low, high = marks[place[1]], marks[place[1] + 1]
            piece = text[max(low, span[0]) : high if span[1] == -1 else min(high, span[1])]
            if place[1] and out:
                out[-1] += piece
            else:
                out.append(piece)
        return "\n".join(out), "\n"


def _slice(runs: Sequence[sgr.StyledRun], start: int, end: int) -> tuple[list[sgr.StyledRun], int]:
    out: list[sgr.StyledRun] = []
    at = 0
    for text, style in runs:
        piece = text[max(start - at, 0) : max(end - at, 0)]
        if piece:
            out.append((piece, style))
        at += len(text)
    return out, start
