"""What a stub does now: the switches, the counters, and how long it runs. Their one owner."""

from __future__ import annotations

import math
from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING

from devgate.stub.config import ConfigError, StubConfig

if TYPE_CHECKING:
    from collections.abc import Mapping


class Verdict(Enum):
    """What becomes of a request to the stood-in service."""

    PASS = "pass"
    FAIL = "fail"
    CRASH = "crash"


def fails(number: int, ratio: float) -> bool:
    """Whether the `number`th request, counted from 1, is one that fails when `ratio` of them shall.

    Spread evenly instead of drawn: a quarter means every fourth, so that a test can count on it. The small addend keeps a sum of
    binary fractions from landing just under a whole number.
    """
    return math.floor(number * ratio + 1e-9) > math.floor((number - 1) * ratio + 1e-9)


class Behaviour:
    """State of one stub. Monotonic seconds come in as `now`."""

    def __init__(self, config: StubConfig, *, port: int, pid: int, now: float, wall: float) -> None:
        self.config = config
        self.port = port
        self.pid = pid
        self.switches = config.switches
        self.requests = 0
        """Requests to the service so far; health, version and `/_stub` do not count."""
        self._since_switched = 0
        self._started = now
        self._wall_at_start = wall
        self._version_set = now

    def uptime(self, now: float) -> float:
        """Seconds since the start."""
        return now - self._started

    def wall(self, now: float) -> float:
        """Seconds since the epoch. Never jumps, as it follows the monotonic clock from the start on."""
        return self._wall_at_start + self.uptime(now)

    def version_set(self) -> float:
        """When the shared-knowledge version last changed, in seconds since the epoch."""
        return self.wall(self._version_set)

    def is_ready(self, now: float) -> bool:
        """Whether `ready_after` is over."""
        return self.uptime(now) >= self.config.ready_after

    def admit(self) -> Verdict:
        """Count one request to the service and say what becomes of it."""
        limit = self.config.crash_after_requests
        if limit is not None and self.requests >= limit:
            return Verdict.CRASH
        self.requests += 1
        self._since_switched += 1
        return Verdict.FAIL if fails(self._since_switched, self.switches.fail) else Verdict.PASS

    def switch(self, document: Mapping[str, object], now: float) -> bool:
        """Change what `document` names, all or nothing.

        Returns:
            Whether it also asks to crash.

        Raises:
            ConfigError: it names something unknown or a value of the wrong kind.
        """
        wanted = dict(document)
        crash = wanted.pop("crash", False)
        if not isinstance(crash, bool):
            raise ConfigError("crash: expected true or false")
        switches = self.switches.changed(wanted)
        if switches.version != self.switches.version:
            self._version_set = now
        self.switches = switches
        self._since_switched = 0
        return crash

    def document(self, now: float) -> dict[str, object]:
        """What `/_stub` shows."""
        return {
            "service": self.config.name,
            "port": self.port,
            "pid": self.pid,
            "uptime": round(self.uptime(now), 3),
            "ready": self.is_ready(now),
            "requests": self.requests,
            **asdict(self.switches),
        }
