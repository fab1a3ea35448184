"""Makes a taken port free: what a killed devgate has left there is ended, and a stranger where somebody has said so.

Only the one process that listens is ended, asked first and killed later, and only while it is still the one that was found: the
same birth, and still on that port. Three are never ended: this devgate and what has started it, the first process of the system,
and the services of a devgate that runs, which would bring them back at once.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Final

import psutil

from devgate import processes
from devgate.errors import CommandError, Exit
from devgate.supervisor import ports
from devgate.supervisor.kinship import kin_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.supervisor.ports import Owner

GRACE_S: Final = 3.0
"""From TERM to KILL."""
MOST: Final = 8
"""Processes in a row that are ended on one port: one that comes back each time is somebody's service."""


def clear(port: int, *, take: bool, mark: str = "", grace_s: float = GRACE_S) -> Sequence[str]:
    """End leftovers on a port, with `take` everybody. Waits for that; not for the event loop.

    Args:
        mark: this devgate's.

    Returns:
        What was done, in words; nothing if nothing was to be done, or if a stranger is there and `take` is not set.

    Raises:
        CommandError: who listens there cannot or must not be ended.
    """
    done: list[str] = []
    found = ports.owner(port)
    for _ in range(MOST):
        if found is None:
            return done
        kin = kin_of(found.pid) if found.pid is not None else None
        if kin is not None and not kin.alive:
            ended = processes.end({}, kin.mark)
            if ended.left:
                raise _refusal(port, found, "it does not end", "kill it by hand")
            count = len(ended.asked)
            done.append(
                f"ended {count} process{'' if count == 1 else 'es'} on and around port {port},"
                f" left behind by a devgate that is gone (pid {kin.devgate})"
            )
        elif not take:
            return done
        elif kin is not None:
            ours = mark != "" and kin.mark == mark
            where = "this very devgate" if ours else f"the devgate with pid {kin.devgate}{_place(kin.devgate)}"
            hint = "give one of them another port" if ours else "stop it there"
            raise _refusal(port, found, f"it is the service {kin.service} of {where}", hint)
        else:
            if _end(port, found, grace_s):
                done.append(f"ended {found}, which held port {port}")
        found = ports.owner(port)
    if found is None:
        return done
    raise _refusal(port, found, "something starts it again and again", "stop what starts it")


def _place(pid: int) -> str:
    """Where another devgate runs, as far as that can be seen."""
    try:
        return f" in {psutil.Process(pid).cwd()}"
    except psutil.Error:
        return ""


def _end(port: int, found: Owner, grace_s: float) -> bool:
    """End that process; False if it has gone by itself."""
    pid = found.pid
    if pid is None:
        raise _refusal(port, found, "it cannot be ended from here", "end it as its user")
    process = processes.find(pid)
    if process is None or not ports.held_by(port, [pid]):  # it has gone, or its number is another's by now
        return False
    if pid in (1, os.getpid()) or pid in _ancestors():
        raise _refusal(port, found, "it cannot be ended from here", "choose another port")
    try:
        for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            if processes.lives(pid, process.birth):
                os.kill(pid, number)
            if _gone(process, grace_s):
                return True
    except ProcessLookupError:
        return True
    except PermissionError:
        raise _refusal(port, found, "it belongs to another user", "end it as its user") from None
    raise _refusal(port, found, "it does not end", "kill it by hand")


def _gone(process: processes.Process, within_s: float) -> bool:
    deadline = time.perf_counter() + within_s
    while processes.lives(process.pid, process.birth):
        if time.perf_counter() >= deadline:
            return False
        time.sleep(processes.LOOK_AGAIN_S)
    return True


def _ancestors() -> set[int]:
    found, pid = set(), os.getppid()
    while pid and pid not in found:
        found.add(pid)
        process = processes.find(pid)
        pid = process.parent if process is not None else 0
    return found


def _refusal(port: int, found: Owner, why: str, hint: str) -> CommandError:
    return CommandError(
        f"port {port} is held by {found}: {why}", hint=hint, code="port-in-use", exit_code=Exit.SERVICE_BLOCKED
    )
