"""The colours of a log line: SGR sequences to styles, everything else to harmless text.

The supervisor leaves nothing but SGR in a line; this module does not rely on it: whatever is not a well-formed SGR sequence
goes through `escape.visible`. Blink, conceal and fonts are ignored: hidden text in a log helps nobody.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.color import Color
from rich.style import Style

from devgate.escape import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

_SGR: Final = re.compile(r"\x1b\[([0-9;:]{0,64})m")
_TAB: Final = 4
_NULL: Final = Style.null()
_ATTRIBUTES: Final = {
    1: Style(bold=True),
    2: Style(dim=True),
    3: Style(italic=True),
    4: Style(underline=True),
    7: Style(reverse=True),
    9: Style(strike=True),
    21: Style(underline=True),
    22: Style(bold=False, dim=False),
    23: Style(italic=False),
    24: Style(underline=False),
    27: Style(reverse=False),
    29: Style(strike=False),
}

StyledRun = tuple[str, Style]


def strip_sgr(text: str) -> str:
    """The text alone, as it is searched, filtered and copied: harmless, tabs expanded."""
    if "\x1b" not in text and "\t" not in text:
        return visible(text)
    return "".join(_harmless(_SGR.split(text))[::2])


def runs(text: str, *, colour: bool = True) -> tuple[StyledRun, ...]:
    """Pieces of a line with their styles; joined they are exactly `strip_sgr(text)`.

    Args:
        colour: whether colours are kept; attributes such as bold always are.
    """
    if "\x1b" not in text:
        return ((strip_sgr(text), _NULL),)
    pieces = _harmless(_SGR.split(text))
    style = _NULL
    found: list[StyledRun] = []
    for index in range(0, len(pieces), 2):
        if index:
            style = _after(style, pieces[index - 1], colour)
        if piece := pieces[index]:
            found.append((piece, style))
    return tuple(found) or (("", _NULL),)


def _harmless(pieces: list[str]) -> list[str]:
    """Every second piece, the text between colours, made visible; tab stops by what is seen, where colours take no room."""
    column = 0
    for index in range(0, len(pieces), 2):
        shown: list[str] = []
        for number, part in enumerate(pieces[index].split("\t")):
            if number:
                shown.append(" " * (_TAB - column % _TAB))
                column += len(shown[-1])
            shown.append(visible(part))
            column += cell_len(shown[-1])
        pieces[index] = "".join(shown)
    return pieces


def overlay(line: Sequence[StyledRun], spans: Sequence[tuple[int, int]], style: Style) -> list[StyledRun]:
    """The same text with `style` laid over some spans of it, given in characters, ascending."""
    out: list[StyledRun] = []
    start = 0
    for text, own in line:
        end, at = start + len(text), start
        for first, last in spans:
            first, last = max(first, at), min(last, end)
            if first < last:
                if first > at:
                    out.append((text[at - start : first - start], own))
                out.append((text[first - start : last - start], own + style))
                at = last
        if at < end:
            out.append((text[at - start :], own))
        start = end
    return out


def between(line: Sequence[StyledRun], first: int, last: int) -> list[StyledRun]:
    """The characters of a line from `first` up to `last`."""
    out: list[StyledRun] = []
    at = 0
    for text, style in line:
        piece = text[max(first - at, 0) : max(last - at, 0)]
        if piece:
            out.append((piece, style))
        at += len(text)
    return out


def window(line: Sequence[StyledRun], first: int, width: int) -> tuple[list[StyledRun], int]:
    """The part of a line between cell `first` and `width` cells further, and how many characters lie before it.

    A wide character on either edge is left out. Lines may have thousands of columns: what is not seen costs nothing.
    """
    out: list[StyledRun] = []
    position = skipped = 0
    last = first + width
    for text, style in line:
        if position >= last:
            break
        if text.isascii():
            start, end = max(first - position, 0), last - position
            skipped += min(start, len(text))
            part = text[start:end]
            position += len(text)
        else:
            kept: list[str] = []
            for char in text:
                cells = cell_len(char)
                if position < first:
                    skipped += 1
                elif position + cells <= last:
                    kept.append(char)
                position += cells
                if position >= last:
                    break
            part = "".join(kept)
        if part:
            out.append((part, style))
    return out, skipped


@lru_cache(maxsize=2048)
def _after(style: Style, codes: str, colour: bool) -> Style:
    """`style` after an SGR sequence with these codes."""
    numbers = [int(part) if part else 0 for part in codes.replace(":", ";").split(";")]
    position = 0
    while position < len(numbers):
        number = numbers[position]
        position += 1
        if number == 0:
            style = _NULL
        elif number in (38, 48):
            found, position = _extended(numbers, position)
            if found is not None and colour:
                style += Style(color=found) if number == 38 else Style(bgcolor=found)
        elif number == 39:
            style = _with_colours(style, None, style.bgcolor)
        elif number == 49:
            style = _with_colours(style, style.color, None)
        elif number in _ATTRIBUTES:
            style += _ATTRIBUTES[number]
        elif colour and (30 <= number <= 37 or 90 <= number <= 97):
            style += Style(color=Color.from_ansi(number - 30 if number < 90 else number - 82))
        elif colour and (40 <= number <= 47 or 100 <= number <= 107):
            style += Style(bgcolor=Color.from_ansi(number - 40 if number < 100 else number - 92))
    return style


def _with_colours(style: Style, color: Color | None, bgcolor: Color | None) -> Style:
    """The same attributes in other colours: "default" means the pane's colour here, not the terminal's."""
    return style.without_color + Style(color=color, bgcolor=bgcolor)


def _extended(numbers: list[int], position: int) -> tuple[Color | None, int]:
    """The colour after 38 or 48, and the position behind it."""
    kind = numbers[position : position + 1]
    if kind == [5]:
        index = numbers[position + 1 : position + 2]
        return (Color.from_ansi(index[0]) if index and index[0] < 256 else None), position + 2
    if kind == [2]:
        rgb = numbers[position + 1 : position + 4]
        return (Color.from_rgb(*rgb) if len(rgb) == 3 and max(rgb) < 256 else None), position + 4
    return None, position + 1
