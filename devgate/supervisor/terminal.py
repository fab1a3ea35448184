"""A terminal for a service: the other end of a pty (`tty: true`).

It has no screen behind it: what is written there becomes lines as from a pipe, and what is typed goes in as it is; echo, editing
and Ctrl-C are the line discipline's, as in every terminal.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import sys
import termios
from typing import TYPE_CHECKING, Final

if sys.platform != "win32":
    from devgate.supervisor.posix import Inlet

assert sys.platform != "win32"

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.supervisor.launch import Window

_IUTF8: Final = 0x4000
"""Erasing takes a whole character, not a byte of it; the same number on Linux and macOS, and unknown to Python's `termios`."""
_TAKE: Final = ': <"$0"; exec "$@"'
"""A shell that leads a session and opens a terminal that is nobody's gets it for its own (Linux, macOS). Done by a shell of some
milliseconds because nothing of Python may run between fork and exec, and TIOCSCTTY can be asked for nowhere else."""
PATIENCE_S: Final = 1.0
"""How long a full terminal may take to have room again."""


class Terminal(Inlet):
    """Our end of a service's terminal; `theirs` is the end that is its stdin, stdout and stderr.

    We keep a hand on that one, too, until `close`: else the service would be hung up when it lets go of its terminal for a
    moment, and we would read an end that is none.
    """

    def __init__(self, window: Window, took: Callable[[bytes], None]) -> None:
        ours, self.theirs = os.openpty()
        super().__init__(ours, took)
        settings = termios.tcgetattr(self.theirs)
        settings[0] |= _IUTF8
        termios.tcsetattr(self.theirs, termios.TCSANOW, settings)
        self._writable = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self.resize(window)

    def wrapped(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """The command that makes this the terminal of its session, so that Ctrl-C and /dev/tty work, and goes on as `argv`."""
        return ("/bin/sh", "-c", _TAKE, os.ttyname(self.theirs), *argv)

    def resize(self, window: Window) -> None:
        """Its programs are told by SIGWINCH."""
        if self._fd is not None:
            fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", window.rows, window.columns, 0, 0))

    async def type(self, data: bytes) -> bool:
        """Put in what was typed; False where it was not all taken, because it is full of what nobody reads."""
        async with self._one_at_a_time:
            while data and self._fd is not None:
                try:
                    data = data[os.write(self._fd, data) :]
                except BlockingIOError:
                    if not await self._room(self._fd):
                        break
                except OSError:
                    break
        return not data

    async def _room(self, fd: int) -> bool:
        self._writable.clear()
        self._loop.add_writer(fd, self._writable.set)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._writable.wait()
        except TimeoutError:
            return False
        finally:
            if self._fd is not None:  # else the number may be another's by now
                self._loop.remove_writer(fd)
        return True

    def close(self) -> None:
        if self._fd is not None:
            self._loop.remove_writer(self._fd)
            self._writable.set()
            os.close(self.theirs)
        super().close()
