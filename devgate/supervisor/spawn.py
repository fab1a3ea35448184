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

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Literal

from devgate import processes
from devgate.supervisor import ports
from devgate.supervisor.refusal import CannotStartError

if sys.platform == "win32":
    from devgate.supervisor.windows import Leader, Pipe
else:
    from devgate.supervisor.posix import Leader, Pipe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devgate.processes import Process
    from devgate.supervisor.launch import Launch


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
        self._pipes = [Pipe(partial(on_output, "out")), Pipe(partial(on_output, "err"))]
        out, err = (pipe.theirs for pipe in self._pipes)
        try:
            self._leader = Leader(launch, out, err, self._ended)
        except OSError as error:
            self._close_pipes()
            raise _refusal(error, launch) from error
        except BaseException:
            self._close_pipes()
            raise
        finally:
            os.close(out)
            os.close(err)
        self.pid = self._leader.pid
        self.birth = processes.birth(self.pid) or 0

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
        """Close the pipes and let the system forget the leader. The family must be gone, or given up."""
        if self._released:
            return
        self._released = True
        self._read_rest()
        self._close_pipes()
        self._leader.close(ended=self.code is not None)

    def _ended(self, code: int) -> None:
        self.code = code
        self._read_rest()
        self._on_exit(code)

    def _read_rest(self) -> None:
        """Read what is in the pipes already, without waiting."""
        for pipe in self._pipes:
            pipe.drain()

    def _close_pipes(self) -> None:
        for pipe in self._pipes:
            pipe.close()


def _refusal(error: OSError, launch: Launch) -> CannotStartError:
    reason = error.strerror or str(error)
    if not launch.cwd.is_dir():
        return CannotStartError(f"folder {launch.cwd} does not exist", code="missing-cwd")
    if isinstance(error, FileNotFoundError):
        return CannotStartError(f"{launch.argv[0]} is not on this machine", code="missing-command")
    hint = "is it executable?" if isinstance(error, PermissionError) else ""
    return CannotStartError(f"{launch.argv[0]} cannot be run: {reason}", hint=hint, code="not-executable")
