"""The lines of one log view: bounded, filtered and laid out in rows; pure.

Three numberings, so that nothing moves while old lines fall off the front: a line's *number* and a row's *number* grow for ever;
an *index* is a position in what is shown now. A row is a line, or with wrapping a part of one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from devgate.tui.sgr import strip_sgr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.model.query import LogLine

DEBUG, INFO, WARNING, ERROR = range(4)
LEVELS: Final = ("all", "info", "warning", "error")
"""Words for the least level shown."""

_ERROR: Final = re.compile(r"\b(?:error|err|fatal|panic(?:ked)?|critical|exception|traceback|failed)\b", re.IGNORECASE)
_WARNING: Final = re.compile(r"\bwarn(?:ing)?\b", re.IGNORECASE)
_DEBUG: Final = re.compile(r"\b(?:debug|trace|verbose)\b", re.IGNORECASE)
_LOOKED_AT: Final = 240
"""The level stands near the beginning; what follows is data."""


def level_of(text: str, previous: int = INFO) -> int:
    """What a line's words say about its level; an indented line belongs to the one before it."""
    if text[:1] in (" ", "\t"):
        return previous
    head = text[:_LOOKED_AT]
    if _ERROR.search(head):
        return ERROR
    if _WARNING.search(head):
        return WARNING
    return DEBUG if _DEBUG.search(head) else INFO


def cuts(text: str, width: int) -> list[int]:
    """Where harmless text is cut so that no part is wider than `width` cells; begins with 0, ends before the end."""
    if width <= 0:
        return [0]
    if text.isascii():
        return list(range(0, len(text), width)) or [0]
    found, used = [0], 0
    for index, char in enumerate(text):
        cells = cell_len(char)
        if used + cells > width and index > found[-1]:
            found.append(index)
            used = 0
        used += cells
    return found


def _simple(text: str) -> bool:
    """Whether every character is one cell: true of most lines, and found out without leaving C."""
    return text.isascii() and text.isprintable()


class LogBuffer:
    """Lines as a view shows them.

    Args:
        limit: lines held; the oldest leave.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.shown: list[LogLine] = []
        self.gone = 0
        """Shown lines that have left at the front: the number of the first one shown."""
        self.widest = 0
        """Characters of the longest line so far, colours included: near enough for a scrolled width, and counted in C."""
        self._held: list[LogLine] = []
        self._levels: list[int] = []
        self._pattern: re.Pattern[str] | None = None
        self._least = DEBUG
        self._width = 0
        self._ends: list[int] = []
        """With wrapping: number of the row behind each line shown."""
        self._rows_gone = 0

    # --- content -------------------------------------------------------------------------------------------------

    @property
    def held(self) -> int:
        return len(self._held)

    @property
    def lines(self) -> Sequence[LogLine]:
        """All that is held, shown or not."""
        return self._held

    def clear(self) -> None:
        self._held.clear()
        self._levels.clear()
        self._begin()

    def _begin(self) -> None:
        self.shown = []
        self.gone = self._rows_gone = self.widest = 0
        self._ends = []

    def extend(self, lines: Sequence[LogLine]) -> int:
        """Add new lines. Returns how many of them are shown."""
        lines = lines[-self.limit :]
        surplus = len(self._held) + len(lines) - self.limit
        if surplus > 0:
            left = self._held[:surplus]
            del self._held[:surplus]
            del self._levels[:surplus]
            self._forget(left)
        start = len(self._held)
        self._held.extend(lines)
        previous = self._levels[-1] if self._levels else INFO
        if self._least:
            self._grade(previous)
        return self._admit(start)

    def _grade(self, previous: int) -> None:
        for line in self._held[len(self._levels) :]:
            previous = level_of(strip_sgr(line.text[: 2 * _LOOKED_AT]), previous)
            self._levels.append(previous)

    def _forget(self, left: Sequence[LogLine]) -> None:
        """Drop what has left from the front of what is shown."""
        seqs = {id(line) for line in left}
        count = 0
        while count < len(self.shown) and id(self.shown[count]) in seqs:
            count += 1
        if count:
            del self.shown[:count]
            self.gone += count
            if self._width:
                self._rows_gone = self._ends[count - 1]
                del self._ends[:count]
            else:
                self._rows_gone = self.gone

    def _admit(self, start: int) -> int:
        """Show the held lines from index `start` that pass the filter."""
        new = self._held[start:]
        if self._least:
            new = [
                line
                for line, level in zip(new, self._levels[start:], strict=True)
                if level >= self._least or line.stream == "mark"
            ]
        if self._pattern is not None:
            search = self._pattern.search
            new = [line for line in new if search(strip_sgr(line.text)) or line.stream == "mark"]
        self.shown.extend(new)
        self.widest = max([self.widest, *(len(line.text) for line in new)])
        if self._width:
            self._lay_out(new)
        return len(new)

    def filter(self, pattern: re.Pattern[str] | None, least: int) -> None:
        """Show only lines that match and are of at least this level; devgate's own marks always show."""
        self._pattern, self._least = pattern, least
        if least and len(self._levels) < len(self._held):
            self._levels.clear()
            self._grade(INFO)
        if not least:
            self._levels.clear()
        self._begin()
        self._admit(0)

    # --- rows ----------------------------------------------------------------------------------------------------

    def wrap(self, width: int) -> None:
        """Lay lines out in rows of `width` cells; 0: one row a line."""
        if width == self._width:
            return
        self._width = width
        self._ends = []
        self._rows_gone = self.gone
        if width:
            self._lay_out(self.shown)

    def _lay_out(self, lines: Sequence[LogLine]) -> None:
        end = self._ends[-1] if self._ends else self._rows_gone
        width = self._width
        for line in lines:
            text = line.text
            end += (-(-len(text) // width) or 1) if _simple(text) else len(cuts(strip_sgr(text), width))
            self._ends.append(end)

    @property
    def first_row(self) -> int:
        """Number of the first row."""
        return self._rows_gone

    @property
    def rows(self) -> int:
        """How many rows there are."""
        if not self._width:
            return len(self.shown)
        return self._ends[-1] - self._rows_gone if self._ends else 0

    def locate(self, row: int) -> tuple[int, int] | None:
        """Index of the line in the row of this number, and which of its rows that is."""
        index = row - self._rows_gone
        if index < 0 or index >= self.rows:
            return None
        if not self._width:
            return index, 0
        index = bisect_right(self._ends, row)
        return index, row - (self._ends[index - 1] if index else self._rows_gone)

    def row_of(self, index: int) -> int:
        """Number of the first row of the line at this index."""
        if not self._width:
            return self._rows_gone + index
        return self._ends[index - 1] if index else self._rows_gone
