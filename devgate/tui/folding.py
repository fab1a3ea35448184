"""Lines that are too wide for where they stand, in several: pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devgate.escape import cells, visible

if TYPE_CHECKING:
    from devgate.tui.ink import Run, Runs

_WIDE: Final = "\u0300"
"""Characters before this one take one cell each."""
_WORD: Final = re.compile(r"\s*\S+\s*|\s+")


def folded(runs: Runs, width: int, *, indent: int = 0) -> list[Runs]:
    """Sentences, folded between words where that is possible; what follows is indented."""
    lines: list[list[Run]] = [[]]
    used = 0
    for text, ink in runs:
        for word in _WORD.findall(visible(text)):
            if used > indent and used + cells(word.rstrip()) > width:
                lines.append([(" " * indent, "plain")])
                used, word = indent, word.lstrip()
            lines[-1].append((word, ink))
            used += cells(word)
    return [piece for line in lines for piece in wrapped(_joined(line), width, indent=indent)]


def _joined(words: list[Run]) -> Runs:
    """Words of one ink in one run, without blanks at the end of the line."""
    out: list[Run] = []
    for text, ink in words:
        if out and out[-1][1] == ink:
            out[-1] = (out[-1][0] + text, ink)
        else:
            out.append((text, ink))
    if out:
        out[-1] = (out[-1][0].rstrip(), out[-1][1])
    return tuple(out)


def wrapped(runs: Runs, width: int, *, indent: int = 0) -> list[Runs]:
    """Runs folded at `width` cells; what follows is indented. Made visible first: an escape is wider than what it stands for."""
    lines: list[Runs] = []
    line: list[tuple[str, str]] = []
    left = width = max(width, 20)
    for text, ink in runs:
        rest = visible(text)
        narrow = max(rest, default="") < _WIDE
        while rest:
            taken, rest = (rest[:left], rest[left:]) if narrow else _take(rest, left)
            if taken:
                line.append((taken, ink))
                left -= len(taken) if narrow else cells(taken)
            if rest:
                lines.append(tuple(line))
                line = [(" " * indent, "plain")] if indent else []
                left = width - indent
    return [*lines, tuple(line)] if line or not lines else lines


def _take(text: str, room: int) -> tuple[str, str]:
    """As many characters as fit into `room` cells, and the rest."""
    used = 0
    for index, char in enumerate(text):
        used += cells(char)
        if used > room:
            return text[:index], text[index:]
    return text, ""
