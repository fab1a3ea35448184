"""Reading a log: what is searched, what is left out, where one stands, what is copied. Pure; the pane scrolls and draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.tui import format as fmt
from devgate.tui import log_ink
from devgate.tui.log_buffer import DEBUG, ERROR, LEVELS, LogBuffer, level_of
from devgate.tui.sgr import strip_sgr

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from textual.selection import Selection

    from devgate.model.query import LogLine
    from devgate.tui.ink import Run
    from devgate.tui.log_ink import Layout


class LogReader:
    """A buffer with a place in it.

    Args:
        limit: lines held.
    """

    def __init__(self, limit: int) -> None:
        self.buffer = LogBuffer(limit)
        self.wanted: re.Pattern[str] | None = None
        """What is searched for."""
        self.only: re.Pattern[str] | None = None
        """What a line must match to be shown."""
        self.least = DEBUG
        """The least level shown."""
        self.here = -1
        """Number of the line that was jumped to last; -1: none yet."""

    def clear(self) -> None:
        self.buffer.clear()
        self.here = -1

    def show_only(self, pattern: re.Pattern[str] | None) -> None:
        self.only = pattern
        self.buffer.filter(self.only, self.least)

    def next_level(self) -> None:
        self.least = (self.least + 1) % len(LEVELS)
        self.buffer.filter(self.only, self.least)

    # --- going somewhere -----------------------------------------------------------------------------------------

    def to_match(self, step: int, start: int) -> int | None:
        """Index of the next (1) or previous (-1) match after index `start`, round the ends; None if there is none."""
        wanted = self.wanted
        if wanted is None:
            return None
        return self._jump(lambda line: wanted.search(strip_sgr(line.text)) is not None, step, start)

    def to_error(self, step: int, start: int) -> int | None:
        """Index of the next or previous line that looks like an error."""
        return self._jump(lambda line: level_of(strip_sgr(line.text)) == ERROR, step, start)

    def _jump(self, matches: Callable[[LogLine], bool], step: int, start: int) -> int | None:
        shown = self.buffer.shown
        for offset in range(1, len(shown) + 1):
            index = (start + offset * step) % len(shown)
            if matches(shown[index]):
                self.here = self.buffer.gone + index
                return index
        return None

    # --- copying -------------------------------------------------------------------------------------------------

    def line(self, *, newest: bool) -> LogLine | None:
        """The line that was jumped to, if it is still there; else, and with `newest`, the last one."""
        shown = self.buffer.shown
        index = self.here - self.buffer.gone
        if newest or not 0 <= index < len(shown):
            index = len(shown) - 1
        return shown[index] if shown else None

    def run(self, line: LogLine) -> list[str]:
        """What the run of a service that wrote `line` has written, as far as it is held; also what a filter leaves out."""
        return [
            strip_sgr(each.text)
            for each in self.buffer.lines
            if each.run == line.run and each.service == line.service and each.stream != "mark"
        ]

    def written(self, *, merged: bool) -> list[str]:
        """What is shown, a line each with its time, in its own colours: for somebody who reads it elsewhere."""
        return [
            f"── {line.text} ──"
            if line.stream == "mark"
            else f"{fmt.clock(line.at)} {f'{line.service}: ' if merged else ''}{line.text}"
            for line in self.buffer.shown
        ]

    def selected(self, selection: Selection, layout: Layout) -> str:
        """The text of a selection whose rows are numbered as the buffer numbers them; folded lines come out whole."""
        first, rows = self.buffer.first_row, self.buffer.rows
        start = max(selection.start.y if selection.start is not None else first, first)
        end = min(selection.end.y if selection.end is not None else first + rows, first + rows - 1)
        out: list[str] = []
        for row in range(start, end + 1):
            place, span = self.buffer.locate(row), selection.get_span(row)
            if place is None or span is None:
                continue
            text = strip_sgr(self.buffer.shown[place[0]].text)
            low, high = log_ink.extent(text, place[1], layout)
            piece = text[max(low, span[0]) : high if span[1] == -1 else min(high, span[1])]
            if place[1] and out:
                out[-1] += piece
            else:
                out.append(piece)
        return "\n".join(out)

    def says(self) -> list[Run]:
        """What is searched and what is left out, for the heading."""
        said: list[Run] = []
        if self.wanted is not None:
            said.append((f"/{self.wanted.pattern}", "key"))
        if self.only is not None:
            said.append((f"only {self.only.pattern}", "key"))
        if self.least:
            said.append((f"{LEVELS[self.least]} and worse" if self.least < ERROR else "errors", "key"))
        return said
