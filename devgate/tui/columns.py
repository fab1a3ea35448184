"""Columns and rows of a table, and which columns fit: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devgate.tui.ink import Runs

MARGIN: Final = 1
"""Blank cells at either end; the right one is where a scroll bar stands, if there is one."""
GAP: Final = 2
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


@dataclass(frozen=True, slots=True)
class Row:
    """One row: equal rows look equal, which is how a table knows what to paint."""

    key: str
    cells: Mapping[str, Runs]


Placed = tuple[tuple[Column, int], ...]
"""Columns in order with their widths."""


def place(columns: Sequence[Column], width: int) -> Placed:
    """The columns that fit into `width`, with the width of each."""
    kept = list(columns)
    while len(kept) > 1 and _least(kept) > width:
        dropped = max(kept, key=lambda column: column.drop)
        if not dropped.drop:
            break
        kept.remove(dropped)
    widths = {column.key: column.width for column in kept}
    spare = width - _least(kept)
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
    return tuple((column, widths[column.key]) for column in kept)


def _least(columns: Sequence[Column]) -> int:
    return 2 * MARGIN + sum(column.width for column in columns) + GAP * (len(columns) - 1)
