"""Columns and rows of a table, and which columns fit: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from devgate.escape import cells, clipped, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devgate.tui.ink import Runs

MARGIN: Final = 1
"""Blank cells at either end; the right one is where a scroll bar stands, if there is one."""
GAP: Final = 2
TIGHT: Final = 1
"""Between columns where one of them would not have what it wishes for."""
_BEGINNING: Final = 4
"""Cells of a name, fewer of which tell nothing."""
SPAN: Final = "*"
"""Key of a cell that has its row to itself, over all columns."""


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    title: str
    width: int
    """Cells; with `grow` the least."""
    right: bool = False
    """Numbers stand at the right, so that their digits line up."""
    grow: int = 0
    """Share of the room that is left over."""
    most: int = 0
    """Where growing ends; 0: nowhere."""
    drop: int = 0
    """The highest is dropped first where there is no room; 0 stays."""
    wish: int = 0
    """Cells that what mostly stands in it takes; worth narrow gaps, and no other column."""
    marks: bool = False
    """Whether the first part of a cell gives way and what stands behind it stays: a name is known by its beginning, a mark is
    nothing without its end."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: equal rows look equal, which is how a table knows what to paint."""

    key: str
    cells: Mapping[str, Runs]


class Placed(NamedTuple):
    """Where columns stand."""

    columns: tuple[tuple[Column, int], ...] = ()
    """In order, with their widths."""
    gap: int = GAP
    """Cells between them."""


def shortened(column: Column, runs: Runs, width: int) -> Runs:
    """A cell's runs as far as its column lets them give way; what is still too wide is cut at its end."""
    if not column.marks or len(runs) < 2:
        return runs
    (name, ink), *marks = runs
    room = width - sum(cells(visible(text)) for text, _ in marks)
    shown = visible(name)
    return runs if cells(shown) <= room or room < _BEGINNING else ((clipped(shown, room), ink), *marks)


def place(columns: Sequence[Column], width: int) -> Placed:
    """The columns that fit into `width`, with the width of each."""
    kept = list(columns)
    while len(kept) > 1 and _least(kept) > width:
        dropped = max(kept, key=lambda column: column.drop)
        if not dropped.drop:
            break
        kept.remove(dropped)
    widths = {column.key: column.width for column in kept}
    spare, gap = width - _least(kept), GAP
    if spare < sum(max(column.wish - column.width, 0) for column in kept):
        gap = TIGHT
        spare += (GAP - TIGHT) * (len(kept) - 1)
    growing = [column for column in kept if column.grow]
    while spare > 0 and growing:
        shares = sum(column.grow for column in growing)
        full = []
        given = 0
        for column in growing:
            extra = max(1, spare * column.grow // shares)
            if column.most:
                extra = min(extra, column.most - widths[column.key])
            extra = min(extra, spare - given)
            widths[column.key] += extra
            given += extra
            if column.most and widths[column.key] >= column.most:
                full.append(column)
        spare -= given
        growing = [column for column in growing if column not in full]
        if not given:
            break
    return Placed(tuple((column, widths[column.key]) for column in kept), gap)


def _least(columns: Sequence[Column]) -> int:
    return 2 * MARGIN + sum(column.width for column in columns) + GAP * (len(columns) - 1)
