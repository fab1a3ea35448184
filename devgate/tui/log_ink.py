"""How a log line looks: its time and service, its own colours or its level's, what was searched for, what is selected.

Pure apart from the styles it is given. Only lines in view come here, so it may take its time, and a line of four thousand
columns costs what is seen of it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.tui import format as fmt
from devgate.tui import ink, sgr
from devgate.tui.log_buffer import ERROR, WARNING, cuts, level_of

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Sequence

    from rich.style import Style

    from devgate.model.query import LogLine
    from devgate.tui.ink import Run, Runs

HUES: Final = 6
_NAME: Final = 16
_ROOM_FOR_CLOCK: Final = 56
"""Cells from which a line begins with its time."""
_RULE: Final = "── "


@dataclass(frozen=True, slots=True)
class Layout:
    """How wide what is."""

    width: int
    merged: bool
    wrap: bool
    left: int
    """Cells scrolled to the right; 0 when wrapping."""

    @property
    def clock(self) -> bool:
        return self.width >= _ROOM_FOR_CLOCK

    @property
    def before(self) -> int:
        """Cells before the text: a margin, the time where there is room, the service's name in a merged log."""
        return 1 + (fmt.CLOCK + 1 if self.clock else 0) + (_NAME + 1 if self.merged else 0)

    @property
    def room(self) -> int:
        """Cells of the text."""
        return max(self.width - self.before, 1)


def heading(title: str, note: Runs, said: Sequence[Run], width: int) -> Runs:
    """The pane's first row: whose log it is and how its service is; at the right what is searched and what is left out."""
    right = tuple(run for each in said for run in (each, ("  ", ink.PLAIN)))
    room = min(ink.width_of(right), width // 2)
    left = ((" Log ", "heading"), (title, "title"), ("  ", ink.PLAIN), *note)
    return (*ink.fit_runs(left, width - room), *ink.fit_runs(right, room))


def before(line: LogLine, part: int, layout: Layout, *, here: bool) -> list[Run]:
    """What stands before the text of one row; `here` marks the line that was jumped to."""
    runs: list[Run] = [("▌" if here else " ", "here")]
    if part or line.stream == "mark":
        return [*runs, (" " * (layout.before - 1), ink.PLAIN)]
    if layout.clock:
        runs.append((f"{fmt.clock(line.at)} ", "muted"))
    if layout.merged:
        name = line.service if not line.replica else f"{line.service}#{line.replica}"
        hue = f"hue{zlib.crc32(line.service.encode()) % HUES}"
        runs += [*ink.fit_runs(((name, hue),), _NAME), (" ", ink.PLAIN)]
    return runs


def content(
    line: LogLine,
    part: int,
    layout: Layout,
    style: Callable[[str], Style],
    *,
    colour: bool,
    search: re.Pattern[str] | None,
    selected: tuple[int, int] | None,
    selection: Style | None = None,
) -> tuple[Sequence[sgr.StyledRun], int]:
    """The visible runs of one row of a line, and how many characters of the line lie before them.

    Args:
        style: the style of an ink.
        selected: the first and the last character selected; a last one of -1 is the end.
        selection: the style of what is selected.
    """
    runs: Sequence[sgr.StyledRun] = sgr.runs(line.text, colour=colour)
    plain = "".join(text for text, _ in runs)
    if line.stream == "mark":
        plain = f"{_RULE}{plain} {_RULE}"
        runs = [(plain, style("muted"))]
    elif len(runs) == 1 and (level := level_of(plain)) >= WARNING:
        runs = [(plain, style("bad-soft" if level == ERROR else "warn"))]
    if search is not None:
        runs = sgr.overlay(runs, [match.span() for match in search.finditer(plain)], style("match"))
    if selected is not None and selection is not None:
        runs = sgr.overlay(runs, [(selected[0], len(plain) if selected[1] == -1 else selected[1])], selection)
    if not layout.wrap:
        return sgr.window(runs, layout.left, layout.room)
    first, last = extent(plain, part, layout)
    return sgr.between(runs, first, last), first


def extent(plain: str, part: int, layout: Layout) -> tuple[int, int]:
    """The characters of a line that stand in one of its rows."""
    if not layout.wrap:
        return 0, len(plain)
    marks = [*cuts(plain, layout.room), len(plain)]
    return (marks[part], marks[part + 1]) if part + 1 < len(marks) else (len(plain), len(plain))
