"""One line of runs: the header, the last event, the keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.widget import Widget

from devgate.tui import ink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.strip import Strip

    from devgate.tui.ink import Run, Runs


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line that is shown whole or not at all."""

    runs: Runs
    short: Runs = ()
    """Said instead where there is no room, before anything is dropped."""
    drop: int = 0
    """The highest leaves first where there is no room; 0 stays, and is cut if it must be."""
    right: bool = False
    """Stands at the right end."""
    key: str = ""
    """Pressed by a click on it; several with commas, one after the other."""


def place(parts: Sequence[Part], width: int, gap: int) -> list[tuple[Part, Runs]]:
    """The parts that fit, each with its fitted runs, fillers included; together exactly `width` cells."""
    kept = list(parts)
    if _least(kept, gap) > width:
        kept = [replace(part, runs=part.short) if part.short else part for part in kept]
    while len(kept) > 1 and _least(kept, gap) > width:
        dropped = max(kept, key=lambda part: part.drop)
        if not dropped.drop:
            break
        kept.remove(dropped)
    left = [part for part in kept if not part.right]
    right = [part for part in kept if part.right]
    spare = max(width - _least(kept, gap), 0)
    placed: list[tuple[Part, Runs]] = []
    space: Runs = ((" " * gap, ink.PLAIN),)
    blank = Part(())
    for number, part in enumerate([*left, *right]):
        if number:
            placed.append((blank, space))
        if part.right and spare:
            placed.append((blank, ((" " * spare, ink.PLAIN),)))
            spare = 0
        placed.append((part, ink.fit_runs(part.runs, min(ink.width_of(part.runs), width))))
    if spare:
        placed.append((blank, ((" " * spare, ink.PLAIN),)))
    return placed


def _least(parts: Sequence[Part], gap: int) -> int:
    return sum(ink.width_of(part.runs) for part in parts) + gap * max(len(parts) - 1, 0)


class Line(Widget):
    """Shows parts; a click on one presses its key."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = set(ink.CLASSES)
    DEFAULT_CSS = "Line { height: 1; width: 1fr; }"

    def __init__(self, *, id: str, gap: int = 3) -> None:
        super().__init__(id=id)
        self._parts: tuple[Part, ...] = ()
        self.gap = gap
        self._strip: Strip | None = None
        self._keys: list[tuple[int, str]] = []
        """Column behind a part, and its key."""
        self._palette = ink.Palette(self)

    def show(self, parts: Sequence[Part]) -> None:
        parts = tuple(parts)
        if parts != self._parts:
            self._parts = parts
            self._strip = None
            self.refresh()

    def on_resize(self) -> None:
        self._strip = None

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette.clear()
        self._strip = None

    def render_line(self, y: int) -> Strip:
        if self._strip is None:
            width = self.size.width
            runs: list[Run] = [(" ", ink.PLAIN)]
            column = 1
            self._keys.clear()
            for part, fitted in place(self._parts, max(width - 2, 0), self.gap):
                runs.extend(fitted)
                column += sum(cell_len(text) for text, _ in fitted)
                self._keys.append((column, part.key))
            self._strip = self._palette.strip(ink.fit_runs(tuple(runs), width), width)
        return self._strip

    def on_click(self, event: events.Click) -> None:
        for end, key in self._keys:
            if event.x < end:
                for each in filter(None, key.split(",")):
                    self.app.simulate_key(each)
                return
