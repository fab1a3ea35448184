"""Processes: start one with everything it will start in turn, hear of its end at once, end all of it.

Rules that each cost somebody else a bug (SUPERVISION.md 3):

- The pipes are ours and so is the waiting. `asyncio.subprocess` waits for the pipes to close, which a grandchild that holds
  stdout prevents (tilt-dev/tilt#4456); here the end of the leader is news by itself, from a pidfd, or from a waiting thread
  where there is none.
- The leader stays a zombie until its whole family is gone. So long nobody else can be given its number, and a signal to the group
  cannot hit a stranger.
- A new session for each: Ctrl-C in the terminal is devgate's alone.
- No `preexec_fn`: Python code between fork and exec can deadlock.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

from devgate import processes
from devgate.supervisor import ports
from devgate.supervisor.refusal import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devgate.processes import Process
    from devgate.supervisor.launch import Launch

_CHUNK: Final = 64 * 1024
_PIPE_SIZE: Final = 1024 * 1024
"""What a child may write before it has to wait for us: a burst of ten thousand lines."""
_F_SETPIPE_SZ: Final = 1031


class Child:
    """A running process and its family. Made by `spawn`.

    `on_exit(code)` is called once, when the leader has ended and what it had written is read; the family may live on until
    `remaining` is empty, and `release` must follow.
    """

    def __init__(
        self,
        popen: subprocess.Popen[bytes],
        pipes: list[_Pipe],
        mark: str,
        on_exit: Callable[[int], None],
    ) -> None:
        self.pid = popen.pid
        self.birth = processes.birth(popen.pid) or 0
        self.code: int | None = None
        """Exit code; minus the signal's number if a signal ended it. None while it runs."""
        self._popen = popen
        self._pipes = pipes
        self._mark = mark
        self._on_exit = on_exit
        self._known: dict[int, int] = {}
        self._released = False
        self._loop = asyncio.get_running_loop()
        self._pidfd: int | None = None
        self._wait()

    def signal(self, number: int) -> None:
        """Send a signal to the process group."""
        if not self._released:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def family(self) -> list[Process]:
        """Everything alive that came from this process, itself included. Reads the process table: takes milliseconds."""
        found = processes.family({self.pid: self.birth}, self._mark, dict(self._known))
        self._known |= {process.pid: process.birth for process in found}
        return found

    def known(self, processes_now: Mapping[int, Process]) -> list[Process]:
        """The family as far as parents, group and session tell, from a process table read just now; remembered as ours."""
        found = processes.family({self.pid: self.birth}, "", dict(self._known), processes_now)
        self._known |= {process.pid: process.birth for process in found}
        return found

    def usurper(self, port: int) -> ports.Owner | None:
        """Who listens on a port in place of this family; None where it is one of it, or cannot be told. Takes milliseconds."""
        pids = {process.pid for process in self.family()}
        if ports.held_by(port, pids):
            return None
        owner = ports.owner(port)
        return owner if owner is not None and owner.pid is not None and owner.pid not in pids else None

    def kill(self) -> None:
        """End everything now."""
        self.signal(signal.SIGKILL)
        if not self._released:
            processes.signal_all(self.family(), signal.SIGKILL)

    def read_rest(self) -> None:
        """Read what is in the pipes already, without waiting."""
        for pipe in self._pipes:
            pipe.drain()

    def release(self) -> None:
        """Close the pipes and let the system forget the leader. The family must be gone, or given up."""
        if self._released:
            return
        self._released = True
        for pipe in self._pipes:
            pipe.drain()
            pipe.close()
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        if self.code is None:  # only when it is given up: whatever becomes of it, nobody waits for it
            threading.Thread(target=self._popen.wait, daemon=True).start()
        else:
            self._popen.wait()

    def _wait(self) -> None:
        if sys.platform == "linux":
            self._pidfd = os.pidfd_open(self.pid)
            self._loop.add_reader(self._pidfd, self._ended)
        else:
            threading.Thread(target=self._wait_in_thread, name=f"wait-{self.pid}", daemon=True).start()

    def _wait_in_thread(self) -> None:
        code = _status(self.pid, block=True)
        with suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
            self._loop.call_soon_threadsafe(self._finish, code)

    def _ended(self) -> None:
        assert self._pidfd is not None
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = None
        self._finish(_status(self.pid, block=False))

    def _finish(self, code: int) -> None:
        if self._released:
            return
        self.code = code
        self.read_rest()
        self._on_exit(code)


def _status(pid: int, *, block: bool) -> int:
    """How a child ended, leaving it a zombie."""
    flags = os.WEXITED | os.WNOWAIT | (0 if block else os.WNOHANG)
    result = os.waitid(os.P_PID, pid, flags)
    if result is None:
        raise ChildProcessError(f"{pid} has not ended")
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status


class _Pipe:
    """Our end of one of a child's pipes: read whenever there is something, so that the child never waits for long."""

    def __init__(self, fd: int, took: Callable[[bytes], None]) -> None:
        self._fd: int | None = fd
        self._took = took
        self._loop = asyncio.get_running_loop()
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._read)

    def _read(self) -> bool:
        """One chunk; whether there may be more now."""
        if self._fd is None:
            return False
        try:
            chunk = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            chunk = b""
        if not chunk:
            self.close()
            return False
        self._took(chunk)
        return True

    def drain(self) -> None:
        """Everything that is in the pipe now; a writer that never stops cannot hold us."""
        for _ in range(_PIPE_SIZE // _CHUNK * 2):
            if not self._read():
                return

    def close(self) -> None:
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None


def spawn(
    launch: Launch,
    *,
    mark: str,
    on_output: Callable[[Literal["out", "err"], bytes], None],
    on_exit: Callable[[int], None],
) -> Child:
    """Start a process.

    Raises:
        CannotStartError: the system refuses.
    """
    ends: list[int] = []
    try:
        for _ in range(2):
            ends += os.pipe()
        for read_end in ends[::2]:
            with suppress(OSError):  # refused above a limit per user: the usual size will do
                if sys.platform == "linux":
                    fcntl.fcntl(read_end, _F_SETPIPE_SZ, _PIPE_SIZE)
        popen = subprocess.Popen(
            launch.argv,
            cwd=launch.cwd,
            env=launch.env,
            stdin=subprocess.DEVNULL,
            stdout=ends[1],
            stderr=ends[3],
            start_new_session=True,
        )
    except OSError as error:
        for fd in ends:
            os.close(fd)
        raise _refusal(error, launch) from error
    except BaseException:
        for fd in ends:
            os.close(fd)
        raise
    os.close(ends[1])
    os.close(ends[3])
    pipes = [
        _Pipe(ends[0], lambda chunk: on_output("out", chunk)),
        _Pipe(ends[2], lambda chunk: on_output("err", chunk)),
    ]
    return Child(popen, pipes, mark, on_exit)


def _refusal(error: OSError, launch: Launch) -> CannotStartError:
    reason = error.strerror or str(error)
    if isinstance(error, FileNotFoundError):
        return CannotStartError(f"{launch.argv[0]} is not on this machine", code="missing-command")
    if isinstance(error, PermissionError):
        return CannotStartError(
            f"{launch.argv[0]} cannot be run: {reason}", hint="is it executable?", code="not-executable"
        )
    return CannotStartError(f"{launch.argv[0]} cannot be run: {reason}", code="not-executable")
