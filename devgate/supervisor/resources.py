"""What services use: CPU and memory of each one's whole family, sampled now and then in a thread.

Walking the process table is the dear part (F1bonacc1/process-compose#336 spent a core on it), so who belongs to whom is found out
rarely; in between only known processes are asked. Memory is the sum of resident sets: pages that processes share count for each.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil

from devgate import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devgate.processes import Process
    from devgate.supervisor.spawn import Child

INTERVAL_S: Final = 2.0
SAMPLES_PER_WALK: Final = 5


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process and everything it has started."""

    cpu_percent: float | None
    """Of one core, since the sample before; None: there was none."""
    memory_bytes: int


class Meter:
    """One service's family. Not to be used by two threads at once."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self._members: dict[int, psutil.Process] = {}
        self._busy: dict[int, float] = {}
        self._at: float | None = None

    @property
    def is_new(self) -> bool:
        return not self._members

    def walk(self, table: Mapping[int, Process]) -> None:
        """Find out who belongs to it, from a process table read just now."""
        found: dict[int, psutil.Process] = {}
        for process in self.child.known(table):
            try:
                found[process.pid] = self._members.get(process.pid) or psutil.Process(process.pid)
            except psutil.Error:
                continue
        self._members = found

    def sample(self, now: float) -> Usage:
        """What they use; `now` in monotonic seconds."""
        busy: dict[int, float] = {}
        memory = 0
        for pid, process in tuple(self._members.items()):
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    memory += process.memory_info().rss
            except psutil.Error:
                del self._members[pid]
                continue
            busy[pid] = times.user + times.system
        # A process that is new has used what it has used since it was born: about the same span.
        spent = sum(seconds - self._busy.get(pid, 0.0) for pid, seconds in busy.items())
        percent = None if self._at is None or now <= self._at else 100 * spent / (now - self._at)
        self._busy, self._at = busy, now
        return Usage(percent, memory)


class Resources:
    """The sampling loop.

    Args:
        children: every process that runs, by a key of the caller's choice.
    """

    def __init__(
        self,
        children: Callable[[], Mapping[tuple[str, int], Child]],
        now: Callable[[], float],
    ) -> None:
        self.usage: Mapping[tuple[str, int], Usage] = {}
        self._children = children
        self._now = now
        self._meters: dict[tuple[str, int], Meter] = {}

    async def run(self) -> None:
        round_number = 0
        while True:
            await asyncio.sleep(INTERVAL_S)
            children = self._children()
            self._meters = {
                key: meter if (meter := self._meters.get(key)) is not None and meter.child is child else Meter(child)
                for key, child in children.items()
            }
            walk = round_number % SAMPLES_PER_WALK == 0
            round_number += 1
            self.usage = await asyncio.to_thread(_round, dict(self._meters), self._now, walk=walk)


def _round(
    meters: Mapping[tuple[str, int], Meter], now: Callable[[], float], *, walk: bool
) -> dict[tuple[str, int], Usage]:
    found = {}
    table = processes.table() if walk or any(meter.is_new for meter in meters.values()) else {}
    for key, meter in meters.items():
        if table:
            meter.walk(table)
        found[key] = meter.sample(now())
    return found
