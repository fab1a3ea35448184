"""Starting a process on Linux, macOS and the BSDs, hearing of its end, and reading what it writes."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

assert sys.platform != "win32"

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.supervisor.launch import Launch

_CHUNK: Final = 64 * 1024
_PIPE_SIZE: Final = 1024 * 1024
"""What a child may write before it has to wait for us: a burst of ten thousand lines."""
_F_SETPIPE_SZ: Final = 1031


class Leader:
    """The process that was started, in a session of its own. `ended(code)` is called once, on the loop.

    It stays a zombie until `close`: so long its number, which is its group's as well, is nobody else's.
    """

    def __init__(
        self, launch: Launch, argv: tuple[str, ...], ends: tuple[int, int, int], ended: Callable[[int], None]
    ) -> None:
        stdin, stdout, stderr = ends
        self._popen = subprocess.Popen(
            argv,
            cwd=launch.cwd,
            env=launch.env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        self.pid = self._popen.pid
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._pidfd: int | None = None
        self._closed = False
        if sys.platform == "linux":
            self._pidfd = os.pidfd_open(self.pid)
            self._loop.add_reader(self._pidfd, self._hear)
        else:
            threading.Thread(target=self._wait, name=f"wait-{self.pid}", daemon=True).start()

    def signal(self, number: int) -> None:
        """Send a signal to its group."""
        if not self._closed:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def kill(self) -> None:
        """End its group now."""
        self.signal(signal.SIGKILL)

    def close(self, *, ended: bool) -> None:
        """Let the system forget it. What has not ended is not waited for by the caller."""
        if self._closed:
            return
        self._closed = True
        self._close_pidfd()
        if ended:
            self._popen.wait()
        else:
            threading.Thread(target=self._popen.wait, daemon=True).start()

    def _hear(self) -> None:
        self._close_pidfd()
        self._ended(_status(self.pid))

    def _wait(self) -> None:
        code = _status(self.pid)
        with suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
            self._loop.call_soon_threadsafe(lambda: None if self._closed else self._ended(code))

    def _close_pidfd(self) -> None:
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None


def _status(pid: int) -> int:
    """Wait for a child's end, leaving it a zombie: its exit code, or minus the signal's number."""
    result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert result is not None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status


class Inlet:
    """Our end of what a child writes into: read whenever there is something, so that the child never waits for long."""

    def __init__(self, fd: int, took: Callable[[bytes], None]) -> None:
        self._fd: int | None = fd
        self._took = took
        self._loop = asyncio.get_running_loop()
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._read)

    def drain(self) -> None:
        """Take everything that is there now; a writer that never stops cannot hold us."""
        for _ in range(_PIPE_SIZE // _CHUNK * 2):
            if not self._read():
                return

    def close(self) -> None:
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None

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


class Pipe(Inlet):
    """A pipe; `theirs` is the end to hand to the child, to be closed here."""

    def __init__(self, took: Callable[[bytes], None]) -> None:
        ours, self.theirs = os.pipe()
        if sys.platform == "linux":
            with suppress(OSError):  # refused above a limit per user: the usual size will do
                fcntl.fcntl(ours, _F_SETPIPE_SZ, _PIPE_SIZE)
        super().__init__(ours, took)
