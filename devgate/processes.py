"""The process table, by the standard library alone: the guardian reads it, too, and runs without site-packages.

A pid says nothing about who it is a minute later. Therefore a process is always named by its pid and its birth, and a family is
found by what cannot be shed by accident: group, session, parents, and a mark in the environment that each child inherits. The
mark finds what left group and parents on purpose (a double fork with `setsid`); only Linux shows it to us. (Windows keeps
families together by job objects: `supervisor.windows`.)
"""

from __future__ import annotations

import os
import signal
import sys
import time

TYPE_CHECKING = (
    False  # not typing's, nor its NamedTuple: with all that it imports it is an eighth of the guardian's memory
)
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MARK = "DEVGATE_MARK"
"""Environment variable that every process of ours inherits; `<token of this devgate>:<service>#<replica>`."""

LOOK_AGAIN_S = 0.05

_PROC = sys.platform == "linux"


class Process:
    """One process, as it was seen."""

    __slots__ = ("birth", "group", "parent", "pid", "session", "zombie")

    def __init__(self, pid: int, parent: int, group: int, session: int, birth: int, *, zombie: bool) -> None:
        self.pid = pid
        self.parent = parent
        self.group = group
        self.session = session
        self.birth = birth
        """When it started, in a unit of the system's own. Only equality means anything."""
        self.zombie = zombie


def boot_id() -> str:
    """Differs between two boots of the machine, where it can be told: a birth is only comparable within one."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def table() -> dict[int, Process]:
    """All processes that can be seen, by pid."""
    if not _PROC:
        return {process.pid: process for process in _listed()}
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (process := _from_stat(int(name))) is not None:
            found[process.pid] = process
    return found


def find(pid: int) -> Process | None:
    """One process; None when there is none. A zombie is one."""
    return _from_stat(pid) if _PROC else next(iter(_listed(pid)), None)


def birth(pid: int) -> int | None:
    process = find(pid)
    return process.birth if process else None


def lives(pid: int, born: int) -> bool:
    """Whether this very process still runs."""
    process = find(pid)
    return process is not None and process.birth == born and not process.zombie


def family(
    leaders: Mapping[int, int],
    mark: str = "",
    known: Mapping[int, int] | None = None,
    processes: Mapping[int, Process] | None = None,
) -> list[Process]:
    """Everything alive that came from `leaders` (pid to birth), from `known` (likewise), or carries `mark`.

    A number is free for strangers once its process and its group are gone. So a group counts only while its leader is there with
    the right birth, be it as a zombie; or, when the leader is gone, for members that carry the mark.

    Args:
        mark: beginning of the mark's value; empty: marks are not looked at.
        processes: a table read just now.
    """
    if processes is None:
        processes = table()
    # Whoever asks is never part of it: a devgate may run as a service of another one.
    excluded = {os.getpid()}
    trusted = {pid for pid, born in leaders.items() if (p := processes.get(pid)) is not None and p.birth == born}
    roots = trusted | {pid for pid, born in (known or {}).items() if (p := processes.get(pid)) and p.birth == born}
    found = {
        process.pid
        for process in processes.values()
        if process.pid in roots or process.group in trusted or process.session in trusted
    }
    if mark:
        found |= {pid for pid in processes if pid not in found and carries(pid, mark)}
    children: dict[int, list[int]] = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process.pid)
    found -= excluded
    pending = list(found)
    while pending:
        for child in children.get(pending.pop(), ()):
            if child not in found and child not in excluded:
                found.add(child)
                pending.append(child)
    return [processes[pid] for pid in sorted(found) if not processes[pid].zombie]


def carries(pid: int, mark: str) -> bool:
    """Whether the process was started with a mark that begins like this. Only what belongs to us can be asked."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = file.read()
    except OSError:
        return False
    wanted = f"{MARK}={mark}".encode()
    return environment.startswith(wanted) or b"\0" + wanted in environment


def kill_all(processes: Iterable[Process]) -> None:
    """End each at once."""
    if sys.platform == "win32":
        signal_all(processes, signal.SIGTERM)  # Windows only knows one way
    else:
        signal_all(processes, signal.SIGKILL)


def signal_all(processes: Iterable[Process], number: int) -> None:
    """Send a signal to each; what has ended meanwhile is passed over."""
    for process in processes:
        try:
            os.kill(process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass


class Ended:
    """What became of a family."""

    __slots__ = ("asked", "left")

    def __init__(self, asked: list[Process], left: list[Process]) -> None:
        self.asked = asked
        """Everything that was told to end."""
        self.left = left
        """What did not."""


def end(leaders: Mapping[int, int], mark: str, *, grace_s: float = 2.0, give_up_s: float = 4.5) -> Ended:
    """End everything that a devgate which is gone has left: asked, after `grace_s` killed. Waits, at most for `give_up_s`.

    Args:
        leaders: its process groups, pid to birth.
        mark: what its processes carry; empty: only the groups count.
    """
    began = time.perf_counter()
    known: dict[int, int] = {}
    asked: dict[int, Process] = {}
    while True:
        left = family(leaders, f"{mark}:" if mark else "", known)
        passed = time.perf_counter() - began
        if not left or passed >= give_up_s:
            return Ended(list(asked.values()), left)
        # What was ours once stays so, also when its parent dies and it belongs to nobody any more.
        known |= {process.pid: process.birth for process in left}
        if passed >= grace_s:
            kill_all(left)
        else:
            signal_all((process for process in left if process.pid not in asked), signal.SIGTERM)
        asked |= {process.pid: process for process in left}
        time.sleep(LOOK_AGAIN_S)


def _from_stat(pid: int) -> Process | None:
    """proc_pid_stat(5): the name stands in parentheses and may itself hold parentheses and spaces."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2 :].split()
    return Process(
        pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]), zombie=fields[0] in (b"Z", b"X")
    )


def _listed(pid: int | None = None) -> list[Process]:
    """All processes, or one, where there is no /proc."""
    return _from_psutil(pid) if os.name == "nt" else _from_ps(["-A"] if pid is None else ["-p", str(pid)])


def _from_psutil(pid: int | None) -> list[Process]:
    """Windows, which has neither groups nor sessions. No guardian runs there without site-packages: psutil is at hand."""
    import psutil

    found = []
    for process in psutil.process_iter() if pid is None else [pid]:
        try:
            process = psutil.Process(process) if isinstance(process, int) else process
            born = int(process.create_time() * 1000)
            found.append(Process(process.pid, process.ppid(), process.pid, process.pid, born, zombie=False))
        except psutil.Error:
            continue
    return found


def _from_ps(selection: list[str]) -> list[Process]:
    """macOS and the BSDs. `sess` is no session id there; a session leader's group is the session as far as we care."""
    import subprocess  # not for the guardian on Linux, where it is a seventh of its memory

    listing = subprocess.run(
        ["ps", *selection, "-o", "pid=,ppid=,pgid=,state=,lstart="],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    ).stdout
    found = []
    for line in listing.splitlines():
        pid, parent, group, state, started = line.split(None, 4)
        born = int(time.mktime(time.strptime(started.strip(), "%a %b %d %H:%M:%S %Y")))
        found.append(Process(int(pid), int(parent), int(group), int(group), born, zombie=state.startswith("Z")))
    return found
