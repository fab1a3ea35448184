"""What stands in a line once its writer has moved about in it: progress bars, and programs in which a line is edited. Pure.

Only what happens within a line is followed (ECMA-48: CR, BS, CUB, CUF, CHA, EL, ECH, DCH, ICH); what takes no room is dropped,
and everything else is left in the text for `lines.clean`.
"""

from __future__ import annotations

import re
from typing import Final

WIDEST: Final = 8192
"""Columns; who moves further right stays there."""

_MOVES: Final = re.compile(r"[\b\r]|\x1b\[\d*[CDGKPX@]")
_PIECES: Final = re.compile(
    r"\x1b\[(?P<count>[0-9;:]*)(?P<final>[@-~])|(?P<nothing>\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\))|.",
    re.DOTALL,
)
_PLAIN: Final = frozenset(("", "0"))


def overtyped(line: str) -> str:
    """The line as a terminal shows it in the end, with its colours (SGR)."""
    line = line.rstrip("\r")
    if not _MOVES.search(line):
        return line
    sheet = _Sheet()
    for piece in _PIECES.finditer(line):
        final, count = piece["final"], piece["count"]
        if final == "m":
            sheet.colour = "" if count in _PLAIN else (sheet.colour + piece[0])[-64:]
        elif final is not None:
            sheet.obey(final, int(count[:5]) if count.isdecimal() else 0)
        elif piece["nothing"] is None:
            sheet.write(piece[0])
    return sheet.text()


class _Sheet:
    """One line: cells, each a character and what colours it."""

    def __init__(self) -> None:
        self.colour = ""
        self._cells: list[tuple[str, str]] = []
        self._at = 0

    def write(self, char: str) -> None:
        if char == "\r":
            self._at = 0
        elif char == "\b":
            self._at = max(self._at - 1, 0)
        else:
            self._reach(self._at)
            self._cells[self._at : self._at + 1] = [(char, self.colour)]
            self._move(1)

    def obey(self, final: str, count: int) -> None:
        """A control function; what is none of ours has no effect on a line."""
        at, some = self._at, max(count, 1)
        match final:
            case "C":
                self._move(some)
            case "D":
                self._move(-some)
            case "G":
                self._move(some - 1 - at)
            case "K" if count == 0:
                del self._cells[at:]
            case "K":
                end = len(self._cells) if count == 2 else min(at + 1, len(self._cells))
                self._cells[:end] = [(" ", "")] * end
            case "P":
                del self._cells[at : at + some]
            case "X":
                end = min(at + some, len(self._cells))
                self._cells[at:end] = [(" ", "")] * (end - at)
            case "@":
                self._reach(at)
                self._cells[at:at] = [(" ", "")] * min(some, WIDEST - len(self._cells))
            case _:
                pass

    def text(self) -> str:
        shown = len(self._cells)
        while shown > self._at and self._cells[shown - 1] == (" ", ""):  # what erasing has left behind the cursor
            shown -= 1
        out, colour = [], ""
        for char, wanted in self._cells[:shown]:
            if wanted != colour:
                out.append(("\x1b[0m" if colour else "") + wanted)
                colour = wanted
            out.append(char)
        return "".join(out) + ("\x1b[0m" if colour and not self.colour else "")

    def _move(self, by: int) -> None:
        self._at = min(max(self._at + by, 0), WIDEST)

    def _reach(self, column: int) -> None:
        self._cells += [(" ", "")] * (column - len(self._cells))
