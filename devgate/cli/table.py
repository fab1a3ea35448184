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
    from collections.abc import Iterable, Iterator, Sequence

    from devgate.tui.columns import Column, Row
    from devgate.tui.ink import Runs

GAP: Final = "  "
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


def painted(runs: Runs, *, colour: bool, width: int | None = None) -> str:
    """Runs as one line, cut to `width` cells."""
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


def table(columns: Sequence[Column], rows: Sequence[Row], *, width: int | None, colour: bool) -> Iterator[str]:
    """A heading and the rows, aligned. With a `width` columns are dropped and cells cut as on the screen."""
    placed = _fitted(columns, rows, width) if width is not None else _natural(columns, rows)
    heading = ((((column.title, "heading"),), column, size) for column, size in placed)
    yield _line(heading, colour=colour)
    for row in rows:
        yield _line(((row.cells.get(column.key, ()), column, size) for column, size in placed), colour=colour)


def _line(parts: Iterable[tuple[Runs, Column, int]], *, colour: bool) -> str:
    out = []
    for runs, column, size in parts:
        text = painted(runs, colour=colour, width=size)
        blank = " " * (size - min(_length(runs), size))
        out.append(blank + text if column.right else text + blank)
    return GAP.join(out).rstrip()


def _natural(columns: Sequence[Column], rows: Sequence[Row]) -> list[tuple[Column, int]]:
    """Every column that says anything, as wide as its widest cell."""
    found = []
    for column in columns:
        widest = max((_length(row.cells.get(column.key, ())) for row in rows), default=0)
        if widest:
            found.append((column, max(widest, cells(column.title))))
    return found


def _fitted(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[tuple[Column, int]]:
    """Natural widths where they fit; else what the screen would show."""
    from devgate.tui.columns import MARGIN, place

    natural = _natural(columns, rows)
    if sum(size for _, size in natural) + len(GAP) * (len(natural) - 1) <= width:
        return natural
    said = [column for column, _ in natural]
    return list(place(said, width + 2 * MARGIN))


def _length(runs: Runs) -> int:
    return sum(cells(visible(text)) for text, _ in runs)
