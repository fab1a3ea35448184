"""The stub's log: one line at a time to a descriptor.

Written straight to it: nothing is held back, and nothing is left to be flushed at exit, where a reader that has gone
would turn a clean end into an error.
"""

from __future__ import annotations

import os
from typing import Final

_LONGEST: Final = 500


class Journal:
    """Writes lines until nobody reads them any more; then it is silent."""

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        """`None`: started without this stream. Its number may be a socket's now."""
        self._last: dict[str, str] = {}

    def say(self, line: str) -> None:
        """Write one line; foreign text in it can do nothing to a terminal."""
        if self._fd is None:
            return
        try:
            os.write(self._fd, printable(line).encode() + b"\n")
        except BlockingIOError:
            pass  # a reader that is behind on a descriptor that must not block: this line is lost
        except OSError:
            self._fd = None

    def say_news(self, topic: str, state: str, line: str) -> None:
        """Write `line` only if the topic's state differs from the last time: a probe each second would hide all else."""
        if self._last.get(topic) != state:
            self._last[topic] = state
            self.say(line)


def printable(text: str) -> str:
    """`text` in visible ASCII, everything else as an escape, cut to a line."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
