"""Processes: start one with everything it will start in turn, hear of its end at once, end all of it.

Rules that each cost somebody else a bug (SUPERVISION.md 3):

- The pipes are ours, as is the terminal where there is one instead, and so is the waiting. `asyncio.subprocess` waits for the
  pipes to close, which a grandchild that holds stdout prevents (tilt-dev/tilt#4456); here the end of the leader is news by
  itself, from a pidfd, or from a waiting thread where there is none.
- The leader stays a zombie until its whole family is gone. So long nobody else can be given its number, and a signal to the group
  cannot hit a stranger.
- A new session for each: Ctrl-C in the terminal is devgate's alone.
- No `preexec_fn`: Python code between fork and exec can deadlock.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Literal

from devgate import processes
from devgate.supervisor import ports
from devgate.supervisor.refusal import CannotStartError

if sys.platform == "win32":
    from devgate.supervisor.windows import Leader, Pipe, Terminal
else:
    from devgate.supervisor.posix import Leader, Pipe
    from devgate.supervisor.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devgate.processes import Process
    from devgate.supervisor.launch import Launch, Window


class Child:
    """A running process and its family.

    Args:
        mark: what the environment of all of them carries; empty: they are known by parents, group and session only.
        on_output: called with each piece of output.
        on_exit: called once, when the leader has ended and what it had written is read. The family may live on; `release` must
            follow in any case.

    Raises:
        CannotStartError: the system refuses to start it.
    """

    def __init__(
        self,
        launch: Launch,
        *,
        mark: str,
        on_output: Callable[[Literal["out", "err"], bytes], None],
        on_exit: Callable[[int], None],
    ) -> None:
        self.code: int | None = None
        """Exit code; minus the signal's number if a signal ended it. None while it runs."""
        self._mark = mark
        self._on_exit = on_exit
        self._known: dict[int, int] = {}
        self._released = False
        self._inlets: list[Pipe | Terminal] = []
        self._terminal: Terminal | None = None
        try:
            if launch.window is not None:
                terminal = self._terminal = Terminal(launch.window, partial(on_output, "out"))
                self._inlets = [terminal]
                ends = (terminal.theirs, terminal.theirs, terminal.theirs)
                self._leader = Leader(launch, terminal.wrapped(launch.argv), ends, self._ended)
            else:
                self._leader = self._piped(launch, on_output)
        except OSError as error:
            self._close_inlets()
            raise _refusal(error, launch) from error
        except BaseException:
            self._close_inlets()
            raise
        self.pid = self._leader.pid
        self.birth = processes.birth(self.pid) or 0

    def _piped(self, launch: Launch, on_output: Callable[[Literal["out", "err"], bytes], None]) -> Leader:
        out, err = Pipe(partial(on_output, "out")), Pipe(partial(on_output, "err"))
        self._inlets = [out, err]
        try:
            return Leader(launch, launch.argv, (subprocess.DEVNULL, out.theirs, err.theirs), self._ended)
        finally:
            os.close(out.theirs)
            os.close(err.theirs)

    async def type(self, data: bytes) -> bool:
        """Put what was typed into its terminal; False where there is none, or not all was taken within a second."""
        return self._terminal is not None and await self._terminal.type(data)

    def resize(self, window: Window) -> None:
        """Make its terminal so large, if it has one."""
        if self._terminal is not None:
            self._terminal.resize(window)

    def signal(self, number: int) -> None:
        """Send a signal to the process group."""
        self._leader.signal(number)

    def family(self) -> list[Process]:
        """Everything alive that came from this process, itself included. Reads the process table: takes milliseconds."""
        found = processes.family({self.pid: self.birth}, self._mark, dict(self._known))
        self._known |= {process.pid: process.birth for process in found}
        return found

    def known(self, table: Mapping[int, Process]) -> list[Process]:
        """The family as far as parents, group and session tell, from a process table read just now; remembered as ours."""
        found = processes.family({self.pid: self.birth}, "", dict(self._known), table)
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
        if not self._released:
            self._leader.kill()
            processes.kill_all(self.family())

    def release(self) -> None:
        """Stop reading and let the system forget the leader. The family must be gone, or given up."""
        if self._released:
            return
        self._released = True
        self._read_rest()
        self._close_inlets()
        self._leader.close(ended=self.code is not None)

    def _ended(self, code: int) -> None:
        self.code = code
        self._read_rest()
        self._on_exit(code)

    def _read_rest(self) -> None:
        """Read what is written already, without waiting."""
        for inlet in self._inlets:
            inlet.drain()

    def _close_inlets(self) -> None:
        for inlet in self._inlets:
            inlet.close()


def _refusal(error: OSError, launch: Launch) -> CannotStartError:
    reason = error.strerror or str(error)
    if not launch.cwd.is_dir():
        return CannotStartError(f"folder {launch.cwd} does not exist", code="missing-cwd")
    if isinstance(error, FileNotFoundError):
        return CannotStartError(f"{launch.argv[0]} is not on this machine", code="missing-command")
    hint = "is it executable?" if isinstance(error, PermissionError) else ""
    return CannotStartError(f"{launch.argv[0]} cannot be run: {reason}", hint=hint, code="not-executable")
