"""Where time comes from: the only module that reads a clock, so that every other one can be tested without waiting."""

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Monotonic seconds; only differences mean anything."""
        ...

    def wall(self) -> float:
        """Seconds since the Unix epoch, for people and files."""
        ...


class SystemClock:
    """The machine's clocks, with no function of ours around them: the gateway asks several times a request."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
