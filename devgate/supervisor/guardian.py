"""Our end of the guardian: the process that cleans up when devgate is killed (SUPERVISION.md 1.1, core 2).

Two shapes were possible: devgate as the child of a tiny parent, or a small helper beside it. The helper won: devgate stays the
process that was started (a sidecar's pid, the terminal's foreground job), and the helper needs nothing but the end of a pipe to
know that devgate is gone, however it went.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from devgate.frozen import child_env, is_frozen
from devgate.supervisor import guard_process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CLOSE_WAIT_S = 2.0


class Guardian:
    """Start it before the loop and any thread. All calls return at once and never raise: supervision goes on without it.

    Args:
        token: beginning of the mark that all our processes carry (`Supervisor(token=...)`).
        terminal: file descriptor of the terminal that the screen will take over; None: there is none.
        journal: called with all tracked groups (pid to birth) whenever they change: the run file keeps them.
    """

    def __init__(
        self, token: str, terminal: int | None = None, journal: Callable[[Mapping[int, int]], None] | None = None
    ) -> None:
        self.token = token
        self.groups: dict[int, int] = {}
        self.journal = journal
        self._terminal = terminal
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the process and hand it what it has to know."""
        if is_frozen():
            command = [sys.executable, "__guardian"]
        else:
            command = [sys.executable, "-I", "-S", "-E", str(Path(guard_process.__file__))]
        keep = []
        if self._terminal is not None:
            command += [str(self._terminal), guard_process.terminal_settings(self._terminal)]
            keep.append(self._terminal)
        with suppress(OSError):
            self._process = subprocess.Popen(
                command,
                env=child_env(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=keep,
                cwd="/",
            )
        self._say(f"mark {self.token}")
        return self

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def track(self, pgid: int, birth: int) -> None:
        """A process group of ours."""
        self.groups[pgid] = birth
        self._say(f"track {pgid} {birth}")
        self._note()

    def forget(self, pgid: int) -> None:
        """Nothing of this group is left."""
        if self.groups.pop(pgid, None) is not None:
            self._say(f"forget {pgid}")
            self._note()

    def screen(self, *, on: bool) -> None:
        """Whether the terminal is in the screen's hands, so that it has to be given back."""
        self._say(f"screen {'on' if on else 'off'}")

    def close(self) -> None:
        """Everything has ended in order: dismiss it."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.write(b"bye\n")
            process.stdin.flush()
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(CLOSE_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _say(self, line: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with suppress(OSError):  # it is gone; the run file still knows everything
            self._process.stdin.write(f"{line}\n".encode("ascii"))
            self._process.stdin.flush()

    def _note(self) -> None:
        if self.journal is not None:
            self.journal(self.groups)
