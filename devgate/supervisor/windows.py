"""The same for Windows. Type-checked only: nobody has run it yet.

Each process gets a job object that ends everything in it when its last handle is closed, which the system does when devgate is
killed: no guardian is needed. What a process starts before it is put into its job escapes that; the time between is microseconds.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from ctypes import wintypes
from typing import TYPE_CHECKING, Final

from devgate.supervisor.refusal import CannotStartError

assert sys.platform == "win32"

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.supervisor.launch import Launch, Window

_CHUNK: Final = 64 * 1024
_EXTENDED_LIMITS: Final = 9
_KILL_ON_JOB_CLOSE: Final = 0x2000
_KILLED: Final = 1


class _BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = (
        ("PerProcessUserTimeLimit", wintypes.LARGE_INTEGER),
        ("PerJobUserTimeLimit", wintypes.LARGE_INTEGER),
        ("LimitFlags", wintypes.DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", wintypes.DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", wintypes.DWORD),
        ("SchedulingClass", wintypes.DWORD),
    )


class _ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", ctypes.c_ulonglong * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


class _Job:
    """A job object; closing it ends what is in it."""

    def __init__(self) -> None:
        self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        self._kernel.CreateJobObjectW.restype = wintypes.HANDLE
        self._handle = wintypes.HANDLE(self._kernel.CreateJobObjectW(None, None))
        limits = _ExtendedLimits()
        limits.BasicLimitInformation.LimitFlags = _KILL_ON_JOB_CLOSE
        self._kernel.SetInformationJobObject(
            self._handle, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
        )

    def take(self, process: int) -> None:
        self._kernel.AssignProcessToJobObject(self._handle, wintypes.HANDLE(process))

    def kill(self) -> None:
        self._kernel.TerminateJobObject(self._handle, _KILLED)

    def close(self) -> None:
        self._kernel.CloseHandle(self._handle)


class Leader:
    """The process that was started, in a group and a job of its own. `ended(code)` is called once, on the loop."""

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
            creationflags=subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW,
        )
        self.pid = self._popen.pid
        self._job = _Job()
        self._job.take(int(self._popen._handle))  # type: ignore[attr-defined]  # subprocess keeps it to itself
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._closed = False
        threading.Thread(target=self._wait, name=f"wait-{self.pid}", daemon=True).start()

    def signal(self, number: int) -> None:
        """Windows knows one signal that a console program can hear: Ctrl-Break."""
        if not self._closed:
            with suppress(OSError):
                os.kill(self.pid, signal.CTRL_BREAK_EVENT)

    def kill(self) -> None:
        """End its job now."""
        if not self._closed:
            self._job.kill()

    def close(self, *, ended: bool) -> None:
        """Let the system forget it, and end what is left in its job."""
        if not self._closed:
            self._closed = True
            self._job.close()

    def _wait(self) -> None:
        code = self._popen.wait()
        with suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
            self._loop.call_soon_threadsafe(lambda: None if self._closed else self._ended(code))


class Pipe:
    """Our end of one of a child's pipes, read by a thread: the loop cannot wait for an anonymous pipe here."""

    def __init__(self, took: Callable[[bytes], None]) -> None:
        self._fd, self.theirs = os.pipe()
        os.set_inheritable(self.theirs, True)
        self._took = took
        self._loop = asyncio.get_running_loop()
        self._closed = False
        threading.Thread(target=self._read, name="pipe", daemon=True).start()

    def drain(self) -> None:
        """What is in the pipe is on its way to us already."""

    def close(self) -> None:
        """Take nothing more; the thread ends when the last writer has."""
        self._closed = True

    def _read(self) -> None:
        with suppress(OSError, RuntimeError):
            while chunk := os.read(self._fd, _CHUNK):
                self._loop.call_soon_threadsafe(self._deliver, chunk)
        os.close(self._fd)

    def _deliver(self, chunk: bytes) -> None:
        if not self._closed:
            self._took(chunk)


class Terminal(Pipe):
    """There is none here: a pseudo console (ConPTY) wants a way of starting processes of its own."""

    def __init__(self, window: Window, took: Callable[[bytes], None]) -> None:
        raise CannotStartError(
            "it wants a terminal of its own (tty: true), which devgate cannot give on Windows",
            hint="take tty out of the profile, or run this service in a terminal and name its url",
            code="no-terminal",
        )

    def wrapped(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        return argv

    def resize(self, window: Window) -> None:
        """Nothing has a size."""

    async def type(self, data: bytes) -> bool:
        return False
