"""Our end of the guardian: the process that cleans up when devgate is killed (SUPERVISION.md 1.1, core 2).

Two shapes were possible: devgate as the child of a tiny parent, or a small helper beside it. The helper won: devgate stays the
process that was started (a sidecar's pid, the terminal's foreground job), and the helper needs nothing but the end of a pipe to
know that devgate is gone, however it went.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Self

from devgate.frozen import child_env, guardian_command

log = logging.getLogger(__name__)

CLOSE_WAIT_S = 2.0


class Guardian:
    """Start it before the loop and any thread. All calls return at once and never raise: supervision goes on without it."""

    def __init__(self, process: subprocess.Popen[bytes] | None) -> None:
        self._process = process

    @classmethod
    def start(cls, mark: str) -> Self:
        """Start the process and hand it what it has to know: the mark of this devgate's processes, and how the terminal is set.

        It does without a terminal where there is none. Where no process can be started, or none is needed (Windows ends a job
        with its owner), the calls do nothing.
        """
        process = _started()
        guardian = cls(process)
        guardian._say(f"mark {mark}")
        return guardian

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def track(self, pgid: int, birth: int) -> None:
        """A process group of ours."""
        self._say(f"track {pgid} {birth}")

    def forget(self, pgid: int) -> None:
        """Nothing of this group is left."""
        self._say(f"forget {pgid}")

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
        with suppress(OSError):  # it is gone, and supervision goes on
            self._process.stdin.write(f"{line}\n".encode("ascii"))
            self._process.stdin.flush()


if sys.platform == "win32":

    def _started() -> subprocess.Popen[bytes] | None:
        """A job object does its work."""
        return None

else:

    def _started() -> subprocess.Popen[bytes] | None:
        from devgate.supervisor import guard_process

        # A number of its own: 0 to 2 are the helper's pipe and nothing.
        terminal = next((os.dup(fd) for fd in (2, 1, 0) if os.isatty(fd)), None)
        command = guardian_command(guard_process.__file__)
        if terminal is not None:
            command += [str(terminal), guard_process.terminal_settings(terminal)]
        # Inherited: until it ignores these signals itself, none of them can end it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, guard_process.IGNORED)
        try:
            return subprocess.Popen(
                command,
                env=child_env(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[] if terminal is None else [terminal],
                cwd="/",
            )
        except OSError as error:
            log.warning("no guardian: %s", error)
            return None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            if terminal is not None:
                os.close(terminal)
