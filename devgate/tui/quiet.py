"""Keeps what is logged off the terminal while the screen owns it, and repeats it afterwards.

Textual catches `print`, but a logging handler that holds the real stderr writes straight over the screen.
"""

from __future__ import annotations

import io
import logging
import sys
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from devgate.escape import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT: Final = 200
"""Lines repeated at the end: the newest, which say why it ended."""


class _Held(io.TextIOBase):
    """A stream that remembers the last lines written to it."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=KEPT)

    def write(self, text: str, /) -> int:
        self.lines.extend(line for line in text.splitlines() if line)
        return len(text)


@contextmanager
def held_back() -> Iterator[None]:
    """Redirect every logging handler that writes to the terminal; on leaving, put it back and repeat the last lines."""
    terminals = {
        id(stream) for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__) if stream is not None
    }
    held = _Held()
    moved = [
        (handler, handler.setStream(held))
        for handler in _handlers()
        if isinstance(handler, logging.StreamHandler) and id(getattr(handler, "stream", None)) in terminals
    ]
    last_resort = logging.lastResort
    logging.lastResort = logging.StreamHandler(held)
    logging.lastResort.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logging.lastResort = last_resort
        for handler, stream in moved:
            handler.setStream(stream)
        if sys.stderr is not None:
            for line in held.lines:
                sys.stderr.write(visible(line) + "\n")


def _handlers() -> Iterator[logging.Handler]:
    yield from logging.getLogger().handlers
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield from logger.handlers
