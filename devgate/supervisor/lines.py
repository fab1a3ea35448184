"""Bytes of a service's output to lines that are safe to keep and to show. Pure.

Only colour survives (SGR, ECMA-48 8.3.117); every other sequence and control character is taken out, so that no service can
move our cursor, set the clipboard or switch the screen. Whatever arrives, at most one line of `LONGEST` bytes is held back.
"""

from __future__ import annotations

import re
from typing import Final

from devgate.supervisor.overtyping import overtyped

LONGEST: Final = 8192
"""Bytes of a line that are kept."""
LONGEST_SEQUENCE: Final = 4096
"""An escape sequence that does not end within so many characters swallows no more."""

_PLAIN: Final = bytes(range(0x20, 0x7F)) + b"\t\n"
_SEQUENCE: Final = re.compile(
    # CSI: parameters, intermediates, final byte. Group 1 is what SGR is made of.
    r"(?:\x1b\[|\x9b)(?:([0-9;:]*)m|[0-?]*[ -/]*[@-~])"
    # OSC, DCS, SOS, PM, APC: up to BEL or ST; unfinished ones up to their limit or the line's end.
    rf"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]{{0,{LONGEST_SEQUENCE}}}+(?:\x07|\x1b\\|\x9c|$)?"
    # Everything else that ESC begins: a CSI that breaks off, charset choices, two-character functions.
    r"|\x1b(?:\[[0-?]*[ -/]*|[ -/]*[0-~]?)"
)
# C0 but tab, DEL, C1, and the characters that turn the direction of what follows.
_CONTROL: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

_SGR: Final = re.compile(r"(\x1b\[[0-9;:]*m)")


def clean(line: str) -> str:
    """One decoded line with nothing in it that acts on a terminal, but colour."""
    if "\r" in line:
        # A progress bar writes over itself; what it wrote last is what a terminal would show.
        parts = [part for part in line.split("\r") if part]
        line = parts[-1] if parts else ""
    line = _SEQUENCE.sub(_kept, line)
    # What is left of ESC belongs to a kept sequence.
    return "".join(part if index % 2 else _CONTROL.sub("", part) for index, part in enumerate(_SGR.split(line)))


def _kept(match: re.Match[str]) -> str:
    return f"\x1b[{match[1]}m" if match[1] is not None else ""


def plain(line: str) -> str:
    """A kept line without its colours."""
    return _SGR.sub("", line) if "\x1b" in line else line


class LineDecoder:
    """Cuts one stream into lines. Feed it chunks of any size.

    Args:
        terminal: it comes from a terminal, in whose lines the writer moves about.
    """

    def __init__(self, *, terminal: bool = False) -> None:
        self._terminal = terminal
        self._pending = b""
        self._skipped = 0
        """Bytes of the pending line that were not kept."""

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that `chunk` completes."""
        done: list[str] = []
        if self._skipped:
            rest, newline, chunk = chunk.partition(b"\n")
            self._skipped += len(rest)
            if not newline:
                return []
            done = self.flush()
        whole, newline, self._pending = (self._pending + chunk).rpartition(b"\n")
        if len(self._pending) > LONGEST:
            # A progress bar never ends its line, but begins it again and again.
            begun = self._pending[self._pending.rfind(b"\r", 0, -1) + 1 :]
            self._pending, self._skipped = begun[:LONGEST], max(len(begun) - LONGEST, 0)
        return done + self._lines(whole) if newline else done

    def unfinished(self) -> str:
        """The line that has begun and not ended, as far as it is written: a question that waits for its answer."""
        return self._lines(self._pending)[0]

    def flush(self) -> list[str]:
        """What is left when the stream has ended: a line without its end."""
        rest, skipped, self._pending, self._skipped = self._pending, self._skipped, b"", 0
        return [_cut(line, skipped) for line in self._lines(rest)] if rest else []

    def _lines(self, whole: bytes) -> list[str]:
        safe = not whole.translate(None, _PLAIN)
        lines = whole.decode("utf-8", "replace").split("\n")
        if len(whole) > LONGEST:
            lines = [_cut(line, 0) for line in lines]
        if self._terminal and not safe:
            lines = [overtyped(line) for line in lines]
        return lines if safe else [line if line.isascii() and line.isprintable() else clean(line) for line in lines]


def _cut(line: str, skipped: int) -> str:
    skipped += max(len(line) - LONGEST, 0)
    return f"{line[:LONGEST]} … ({skipped} more bytes)" if skipped else line
