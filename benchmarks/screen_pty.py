"""devgate in a pty of its own, whose output is read so that it never has to wait."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_S = 30.0


class ScreenPty:
    """A context manager around `devgate ARGS`; leaving it stops devgate."""

    def __init__(self, args: list[str], folder: Path, *, columns: int, rows: int) -> None:
        self.args, self.folder, self.columns, self.rows = args, folder, columns, rows
        self.seen = b""

    def __enter__(self) -> Self:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(self.folder)
            environ = {name: value for name, value in os.environ.items() if not name.startswith("DEVGATE_")}
            environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execve(sys.executable, [sys.executable, "-m", "devgate", *self.args], environ)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))
        return self

    def until(self, text: bytes) -> None:
        """Read until `text` was written."""
        end = time.monotonic() + DEADLINE_S
        while text not in self.seen:
            if time.monotonic() > end or not self._read(0.1):
                raise SystemExit(f"{text!r} was not painted")

    def drain(self, seconds: float) -> None:
        """Go on reading for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(left)

    def _read(self, timeout_s: float) -> bool:
        if not select.select([self.master], [], [], timeout_s)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.seen = (self.seen + data)[-1_000_000:]
        return bool(data)

    def __exit__(self, *exc: object) -> None:
        os.kill(self.pid, signal.SIGTERM)
        while self._read(DEADLINE_S):
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                break
        else:
            os.waitpid(self.pid, 0)
        os.close(self.master)
