"""Rows of the screen as lines of text: the verbs show the same words in the same order, with the same colours on a terminal.

Foreign text is made visible here, so that no verb can forget it. In a pipe there is no colour and nothing is cut.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Final

from devgate.escape import cells, clipped, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devgate.tui.columns import Column, Placed, Row
    from devgate.tui.ink import Runs

_SGR: Final = {
    "strong": "1", "muted": "2", "good": "32", "warn": "33", "bad": "31", "bad-soft": "31", "info": "36", "title": "1",
    "heading": "2", "key": "36",
}  # fmt: skip
"""The screen's inks in the sixteen colours that every terminal's own theme makes readable."""


def wants_colour() -> bool:
    """Whether stdout is a terminal that shows colours, and nobody objects (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def room() -> int | None:
    """Cells in a line of the terminal; None where nobody counts."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def say(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Print a table as this stdout wants it."""
    width = room()
    for line in lines(natural(columns, rows, width), rows, cut=width is not None, colour=wants_colour()):
        print(line)


def natural(columns: Sequence[Column], rows: Sequence[Row], width: int | None) -> Placed:
    """Every column that says anything, as wide as its widest cell; what the screen would show where that is too wide."""
    from devgate.tui.columns import GAP, Placed

    found = []
    for column in columns:
        widest = max((_length(row.cells.get(column.key, ())) for row in rows), default=0)
        if widest:
            found.append((column, max(widest, cells(column.title))))
    if width is None or sum(size for _, size in found) + GAP * (len(found) - 1) <= width:
        return Placed(tuple(found))
    return preset([column for column, _ in found], width)


def preset(columns: Sequence[Column], width: int | None) -> Placed:
    """Columns as the screen lays them out."""
    from devgate.tui.columns import MARGIN, Placed, place

    if width is None:
        return Placed(tuple((column, column.width) for column in columns))
    return place(columns, width + 2 * MARGIN)


def lines(placed: Placed, rows: Sequence[Row], *, cut: bool, colour: bool, heading: bool = True) -> Iterator[str]:
    """The rows, aligned; with `cut` no cell is wider than its column."""
    if heading:
        yield _line([((column.title, "heading"),) for column, _ in placed.columns], placed, cut=cut, colour=colour)
    for row in rows:
        yield _line([row.cells.get(column.key, ()) for column, _ in placed.columns], placed, cut=cut, colour=colour)


def painted(runs: Runs, *, colour: bool, width: int | None = None) -> str:
    """Runs as one harmless line, cut to `width` cells."""
    out = []
    left = width
    for text, ink in runs:
        shown = visible(text)
        if left is not None:
            shown = clipped(shown, left)
            left -= cells(shown)
        if shown:
            code = _SGR.get(ink) if colour and not shown.isspace() else None
            out.append(f"\x1b[{code}m{shown}\x1b[0m" if code else shown)
    return "".join(out)


def _line(contents: Sequence[Runs], placed: Placed, *, cut: bool, colour: bool) -> str:
    from devgate.tui.columns import shortened

    out = []
    for runs, (column, size) in zip(contents, placed.columns, strict=True):
        runs = shortened(column, runs, size) if cut else runs
        text = painted(runs, colour=colour, width=size if cut else None)
        blank = " " * (size - _length(runs))
        out.append(blank + text if column.right else text + blank)
    return (" " * placed.gap).join(out).rstrip()


def _length(runs: Runs) -> int:
    return sum(cells(visible(text)) for text, _ in runs)
