"""Ends devgate with the app that started it (DESKTOP.md 3): whichever way the app goes, nothing of it stays.

Threads, because not every loop can watch stdin, and daemons, because a read that never returns must not keep devgate alive.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

from devgate import processes
from devgate.errors import Exit, StartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.cli.launch import Request

LOOK_S: Final = 1.0
SHUTDOWN: Final = b"shutdown"
LONGEST: Final = 4096
"""Bytes of a line without an end that are kept."""


def follow_parent(request: Request, stop: Callable[[str], object]) -> None:
    """Watch what the command line names.

    Args:
        stop: is called from a thread, with the reason.

    Raises:
        StartError: there is no process with the pid that was given.
    """
    if request.parent_pid is not None:
        birth = processes.birth(request.parent_pid)
        if birth is None:
            raise StartError(
                f"--parent-pid: there is no process {request.parent_pid}", code="no-parent", exit_code=Exit.USAGE
            )
        _start("devgate-parent", _watch_process, request.parent_pid, birth, _quietly(stop))
    if request.watch_stdin:
        _start("devgate-stdin", _watch_input, 0, _quietly(stop))


def _start(name: str, work: Callable[..., None], *args: object) -> None:
    threading.Thread(target=work, args=args, name=name, daemon=True).start()


def _watch_input(fd: int, stop: Callable[[str], object]) -> None:
    """Until the end of input or a line `shutdown`. Read from the descriptor: the interpreter cannot end while a thread holds
    the lock of `sys.stdin`."""
    rest = b""
    while True:
        try:
            data = os.read(fd, LONGEST)
        except OSError:
            data = b""
        if not data:
            stop("stdin closed")
            return
        *lines, rest = (rest + data).split(b"\n")
        rest = rest[-LONGEST:]
        if any(line.strip() == SHUTDOWN for line in lines):
            stop("shutdown on stdin")
            return


def _watch_process(pid: int, birth: int, stop: Callable[[str], object]) -> None:
    pause = threading.Event()
    while processes.lives(pid, birth):
        pause.wait(LOOK_S)
    stop(f"parent {pid} ended")


def _quietly(stop: Callable[[str], object]) -> Callable[[str], object]:
    """`stop`, which may come too late."""

    def say(reason: str) -> None:
        try:
            stop(reason)
        except RuntimeError:  # the loop has ended before
            pass

    return say
