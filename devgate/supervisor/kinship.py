"""Whose a process is: ours, another devgate's, or what a devgate that was killed has left behind.

The mark that every process inherits begins with the pid and the birth of its devgate. So whoever finds such a process on a port
can tell without any file whether its devgate still runs: the run file may have been removed, or lie in a folder that nobody
names. Only Linux shows the mark (`devgate.processes`); elsewhere everybody is a stranger.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate import processes

if TYPE_CHECKING:
    from collections.abc import Mapping

_VALUE: Final = re.compile(
    rb"(?:^|\0)" + processes.MARK.encode() + rb"=((\d{1,10})-(\d{1,20})-[0-9a-f]{1,64}):([^#;\0]*)"
)


@dataclass(frozen=True, slots=True)
class Kin:
    """Which devgate has started a process, and as what."""

    mark: str
    devgate: int
    """Its pid."""
    alive: bool
    """Whether it still runs; False: the process is a leftover."""
    service: str

    def __str__(self) -> str:
        if not self.alive:
            return f"left behind by a devgate that is gone (pid {self.devgate}, service {self.service})"
        return f"service {self.service} of the devgate with pid {self.devgate}"


def new_mark() -> str:
    """A mark that is unique to this process and tells whose it is."""
    pid = os.getpid()
    return f"{pid}-{processes.birth(pid) or 0}-{secrets.token_hex(8)}"


def kin_of(pid: int) -> Kin | None:
    """Which devgate a process belongs to; None: to none, or it cannot be told."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            found = _VALUE.search(file.read())
        # In a container the same numbers mean other processes.
        foreign = os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
    except OSError:
        return None
    if found is None or foreign:
        return None
    mark, devgate, born, service = found.groups()
    alive = processes.lives(int(devgate), int(born))
    return Kin(mark.decode(), int(devgate), alive, service.decode("utf-8", "replace"))


def leftovers() -> Mapping[str, Mapping[processes.Process, Kin]]:
    """All processes of this user that a devgate which is gone has left, by its mark."""
    found: dict[str, dict[processes.Process, Kin]] = {}
    for process in processes.table().values():
        kin = kin_of(process.pid) if not process.zombie else None
        if kin is not None and not kin.alive:
            found.setdefault(kin.mark, {})[process] = kin
    return found
