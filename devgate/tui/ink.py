"""From text and style names to cells: where foreign text is made harmless and everything gets its exact width.

A `Run` is text and the name of an ink, a tuple of runs is a cell or a line. Rows hold runs, so they can be compared and tested
without a terminal; a widget's `Palette` turns the names into styles, which come from `app.tcss` by component classes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from devgate.escape import ELLIPSIS, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.geometry import Region
    from textual.widget import Widget

Run = tuple[str, str]
"""Text, and the name of its ink."""
Runs = tuple[Run, ...]

PLAIN: Final = "plain"
NAMES: Final = (
    "plain",
    "strong",
    "muted",
    "good",
    "warn",
    "bad",
    "bad-soft",
    "info",
    "key",
    "title",
    "heading",
    "match",
    "here",
    "spark",
)
ROW_NAMES: Final = ("head", "cursor", "cursor-blur")
CLASSES: Final = frozenset(f"ink--{name}" for name in (*NAMES, *ROW_NAMES))
"""`COMPONENT_CLASSES` of every widget that draws with a `Palette`."""

_KEPT: Final = 1_000

# What stands for our own signs where the terminal is not UTF-8; anything else becomes a question mark.
_ASCII: Final = str.maketrans(
    {
        "●": "*",
        "◐": "~",
        "▲": "!",
        "✖": "x",
        "○": "-",
        "◇": "o",
        "–": "-",
        "—": "-",
        "…": "~",
        "·": "-",
        "→": ">",
        "←": "<",
        "↑": "^",
        "↓": "v",
        "⏎": "enter",
        "⌫": "backspace",
        "×": "x",
        "≠": "*",
        "─": "-",
        "▌": ">",
        "│": "|",
        "▁": ".",
        "▂": ".",
        "▃": ":",
        "▄": ":",
        "▅": "=",
        "▆": "=",
        "▇": "#",
        "█": "#",
    }
)


def plain_ascii(text: str) -> str:
    """Our signs in ASCII; foreign letters as question marks."""
    return text if text.isascii() else text.translate(_ASCII).encode("ascii", "replace").decode()


@lru_cache(maxsize=8192)
def fit(text: str, width: int) -> str:
    """Foreign text, harmless, at most `width` cells wide, with an ellipsis for what is cut."""
    text = visible(text, width + 1)
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def fit_runs(runs: Runs, width: int, *, right: bool = False) -> Runs:
    """Runs in exactly `width` cells: the last ones are cut, what is left over is filled."""
    fitted: list[Run] = []
    left = width
    for text, ink in runs:
        if left <= 0:
            if fitted and text.strip():  # cut between two runs, which is to be seen, too
                last, colour = fitted.pop()
                fitted.append((fit(f"{last} {text}", cell_len(last)), colour))
                left = cell_len(last) - cell_len(fitted[-1][0])
            break
        text = fit(text, left)
        if text:
            fitted.append((text, ink))
            left -= cell_len(text)
    if left > 0:
        fitted.insert(0 if right else len(fitted), (" " * left, PLAIN))
    return tuple(fitted)


def merged(runs: Iterable[Run]) -> list[Run]:
    """The same cells in fewer runs: each costs a colour change on the way to the terminal, and blanks show no colour."""
    out: list[Run] = []
    for text, ink in runs:
        if out and (out[-1][1] == ink or text.isspace()):
            out[-1] = (out[-1][0] + text, out[-1][1])
        else:
            out.append((text, ink))
    return out


def width_of(runs: Runs) -> int:
    """Cells that runs take when nothing is cut."""
    return sum(cell_len(visible(text)) for text, _ in runs)


class Palette:
    """A widget's styles by ink name; reading the style sheet costs far more than drawing, so it is done once."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[tuple[str, str], Style] = {}
        self._over: dict[Style, Style] = {}

    @property
    def ascii(self) -> bool:
        return bool(getattr(self._widget.app, "ascii_only", False))

    def clear(self) -> None:
        self._styles.clear()
        self._over.clear()

    def style(self, ink: str, row: str = "") -> Style:
        """The style of an ink, on the background of a kind of row."""
        style = self._styles.get((ink, row))
        if style is None:
            style = self._widget.get_component_rich_style(f"ink--{ink}")
            if row:
                under = self._widget.get_component_rich_style(f"ink--{row}")
                style += Style(bgcolor=under.bgcolor, reverse=under.reverse, underline=under.underline, bold=under.bold)
            style = self._styles[ink, row] = self._filtered(style)
        return style

    def over(self, style: Style) -> Style:
        """A foreign style, such as a log line's, laid over the plain ink."""
        found = self._over.get(style)
        if found is None:
            if len(self._over) > _KEPT:
                self._over.clear()
            found = self._over[style] = self._filtered(self.style(PLAIN) + style)
        return found

    def _filtered(self, style: Style) -> Style:
        """The style as Textual's line filters want it (NO_COLOR, a theme's sixteen colours): they look at styles alone, so what
        they would do to each strip is done here once."""
        segments = [Segment(" ", style)]
        for each in self._widget.get_line_filters():
            segments = each.apply(segments, self._widget.background_colors[1])
        return segments[0].style or Style.null()

    def segments(self, runs: Iterable[Run], row: str = "") -> list[Segment]:
        """Fitted runs in their styles."""
        style = self.style
        if self.ascii:
            return [Segment(plain_ascii(text), style(ink, row)) for text, ink in runs]
        return [Segment(text, style(ink, row)) for text, ink in runs]

    def strip(self, runs: Iterable[Run], width: int, row: str = "") -> Strip:
        """Fitted runs as a strip; `width` is what they add up to."""
        return (
            self.filled(self.segments(runs, row), width, row) if self.ascii else Strip(self.segments(runs, row), width)
        )

    def filled(self, segments: list[Segment], width: int, row: str = "") -> Strip:
        """A strip of exactly this width; segments that are wider are cut."""
        taken = sum(cell_len(segment.text) for segment in segments)
        if taken > width:
            return Strip(segments, taken).adjust_cell_length(width)
        if taken < width:
            segments.append(Segment(" " * (width - taken), self.style(PLAIN, row)))
        return Strip(segments, width)


def lines(widget: Widget, crop: Region, draw: Callable[[int], Strip]) -> list[Strip]:
    """What `Widget.render_lines` gives, without Textual's own cache of styled lines.

    A line-drawn widget has neither border nor padding nor tint, and keeps its strips itself; the detour costs as much as drawing.
    """
    width = widget.region.width
    strips = [draw(y) for y in crop.line_range]
    if any(strip.cell_length != width for strip in strips):  # the size has changed, and its event is on the way
        strips = [strip.adjust_cell_length(width, widget.rich_style) for strip in strips]
    if crop.column_span != (0, width):
        return [strip.crop(*crop.column_span) for strip in strips]
    return strips
