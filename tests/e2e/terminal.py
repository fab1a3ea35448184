"""A terminal to run devgate in: a pty whose output is kept, for tests that press keys and look.

As in life a shell leads the session, so that the terminal is still there when devgate has gone.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from typing import TYPE_CHECKING, Self

import psutil

from tests.deadline import DEADLINE_S
from tests.e2e.harness import DEVGATE, environment

if TYPE_CHECKING:
    from pathlib import Path

_SEQUENCE = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])")


class Terminal:
    """`devgate ARGS` in a pty of a given size; a context manager that leaves no process."""

    def __init__(
        self,
        args: tuple[str, ...],
        cwd: Path,
        *,
        columns: int = 120,
        rows: int = 40,
        command: tuple[str, ...] = DEVGATE,
        **env: str,
    ) -> None:
        self.command = command
        self.args, self.cwd, self.columns, self.rows = args, cwd, columns, rows
        self.env = environment(TERM="xterm-256color", COLORTERM="truecolor", **env)
        self.raw = b""

    def __enter__(self) -> Self:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(self.cwd)
            script = '"$@"; echo "[exit $?]"; read -r _'
            os.execve("/bin/sh", ["sh", "-c", script, "sh", *self.command, *self.args], self.env)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))
        self.before = termios.tcgetattr(self.master)
        return self

    @property
    def devgate(self) -> int:
        """Its pid."""
        return psutil.Process(self.pid).children()[0].pid

    @property
    def text(self) -> str:
        """All that was ever written, without control sequences."""
        return _SEQUENCE.sub(b"", self.raw).decode(errors="replace")

    def read(self, timeout_s: float = 0.05) -> bool:
        """Take what is there; False at the end."""
        if not select.select([self.master], [], [], timeout_s)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += data
        return bool(data)

    def wait_for(self, text: str, *, after: int = 0) -> None:
        """Until `text` was written, looking only behind offset `after` of `raw`."""
        end = time.monotonic() + DEADLINE_S
        while text not in _SEQUENCE.sub(b"", self.raw[after:]).decode(errors="replace"):
            assert time.monotonic() < end, f"{text!r} was not shown: {self.text[-2000:]!r}"
            assert self.read(), f"ended without {text!r}: {self.text[-2000:]!r}"

    def press(self, keys: str) -> int:
        """Type; returns the offset behind which the answer appears."""
        offset = len(self.raw)
        os.write(self.master, keys.encode())
        return offset

    def quit(self) -> None:
        """As a user does: `q`, then yes to the question. All has to end well."""
        offset = self.press("q")
        self.wait_for("Stop devgate?", after=offset)
        self.press("\r")
        assert self.wait() == 0

    def wait(self) -> int:
        """Until it has ended; its exit code as the shell has it."""
        self.wait_for("[exit ")
        self.wait_for("]", after=self.raw.rindex(b"[exit "))
        return int(self.raw[self.raw.rindex(b"[exit ") :].split()[1].rstrip(b"]"))

    def __exit__(self, *exc: object) -> None:
        try:
            if b"[exit " not in self.raw:
                os.kill(self.devgate, signal.SIGTERM)
                self.wait()
        finally:
            for process in psutil.Process(self.pid).children():
                process.kill()
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.master)
