"""Log lines as text: which ones are wanted, and how one is printed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from devgate.escape import visible, without_colour

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devgate.model.query import LogLine

_SGR: Final = re.compile(r"(\x1b\[[0-9;:]{0,64}m)")
_SIGNS: Final = {"out": "|", "err": "!", "mark": "-"}


@dataclass(slots=True)
class Filter:
    """Which lines are wanted. Stateful: an indented line has the level of the one before it."""

    pattern: re.Pattern[str] | None = None
    least: int = 0
    """Least level, as the place of its word in `tui.log_buffer.LEVELS`; 0 is every line."""
    since: float = 0.0
    """Seconds since the epoch."""
    run: int | None = None
    """From 1 a run's number; 0 the last run of each replica, -1 the one before it. What precedes the first run belongs to it."""
    _levels: dict[str, int] = field(default_factory=dict)
    _last: dict[tuple[str, int], int] = field(default_factory=dict)

    def wanted(self, lines: Sequence[LogLine]) -> Iterator[LogLine]:
        for line in self.of_run(lines):
            text = without_colour(line.text)
            if self.least and line.stream != "mark" and self._level(line.service, text) < self.least:
                continue
            if line.at >= self.since and (self.pattern is None or self.pattern.search(text)):
                yield line

    def of_run(self, lines: Sequence[LogLine]) -> Iterator[LogLine]:
        """The lines of the run that is meant."""
        for line in lines:
            self._last[line.service, line.replica] = max(line.run, 1)
        for line in lines:
            last = self._last[line.service, line.replica]
            if self.run is None or max(line.run, 1) == (self.run if self.run > 0 else last + self.run):
                yield line

    def _level(self, service: str, text: str) -> int:
        from devgate.tui.log_buffer import INFO, level_of

        level = level_of(text, self._levels.get(service, INFO))
        self._levels[service] = level
        return level


@dataclass(frozen=True, slots=True)
class Print:
    """How a line is printed.

    On a terminal everything but colours is made harmless, as the services are no more to be trusted with it than anybody. In a
    pipe the text goes out as it was written, without colours.
    """

    terminal: bool
    colour: bool
    names: int
    """Width of the service's name before each line; 0: none."""
    times: bool

    def line(self, line: LogLine) -> str:
        text = self._text(line.text)
        head = ""
        if self.times:
            head = datetime.fromtimestamp(line.at).astimezone().strftime("%H:%M:%S.%f")[:-3] + " "
        if self.names:
            prefix = f"{visible(line.service):<{self.names}} {_SIGNS[line.stream]}"
            head += f"\x1b[{_hue(line.service)}m{prefix}\x1b[0m " if self.colour else f"{prefix} "
        if line.stream == "mark":
            text = f"\x1b[2m-- {text} --\x1b[0m" if self.colour else f"-- {text} --"
        return head + text

    def _text(self, text: str) -> str:
        if not self.terminal:
            return without_colour(text)
        text = text.expandtabs(4)
        if not self.colour:
            return visible(without_colour(text))
        pieces = _SGR.split(text)
        shown = "".join(piece if index % 2 else visible(piece) for index, piece in enumerate(pieces))
        return shown + "\x1b[0m" if len(pieces) > 1 else shown


def _hue(service: str) -> int:
    """One of six colours, the same for a name each time."""
    return 31 + sum(map(ord, service)) % 6
