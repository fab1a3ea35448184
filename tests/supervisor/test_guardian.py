"""After `kill -9` of devgate nothing of it is left, and the terminal is as it was."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devgate import processes
from devgate.supervisor import guard_process
from devgate.supervisor.guard_process import Charge, restore_terminal, terminal_settings
from devgate.supervisor.guardian import Guardian
from tests.deadline import DEADLINE_S, wait_until
from tests.samples import FOLDER, command

ROOT = Path(__file__).parents[2]
FAMILY = {
    "web": {"command": command("family", "child", "deaf", "session", "orphan", "holder"), "ready": {"log": "leader"}},
    "deaf": {"command": command("deaf"), "ready": {"log": "deaf"}},
}


def ours(mark: str) -> list[int]:
    return [pid for pid, p in processes.table().items() if not p.zombie and processes.carries(pid, f"{mark}:")]


@pytest.fixture
def mark() -> Iterator[str]:
    mark = f"guarded{os.getpid()}x{time.monotonic_ns()}"
    yield mark
    for pid in ours(mark):
        os.kill(pid, signal.SIGKILL)


def owner(services: dict[str, Any], folder: Path, mark: str, *how: str) -> subprocess.Popen[str]:
    """A devgate in small, up."""
    popen = subprocess.Popen(
        [sys.executable, str(FOLDER / "owner.py"), json.dumps(services), str(folder), mark, *how],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert popen.stdout is not None
    assert popen.stdout.readline() == "up\n"
    return popen


def guardian_of(pid: int) -> int:
    """The guardian is a child of devgate in a session of its own that carries no mark."""
    (found,) = [
        process.pid
        for process in processes.table().values()
        if process.parent == pid and b"guard_process" in Path(f"/proc/{process.pid}/cmdline").read_bytes()
    ]
    return found


def test_a_killed_devgate_leaves_nothing(tmp_path: Path, mark: str) -> None:
    with owner(FAMILY, tmp_path, mark) as popen:
        assert len(ours(mark)) == 7
        guardian = guardian_of(popen.pid)
        born = processes.birth(guardian)
        popen.kill()
        wait_until(lambda: not ours(mark), "nothing of it is left")
        wait_until(lambda: not processes.lives(guardian, born or 0), "the guardian has gone")


def test_signals_meant_for_devgate_do_not_end_the_guardian(tmp_path: Path, mark: str) -> None:
    with owner(FAMILY, tmp_path, mark) as popen:
        guardian = guardian_of(popen.pid)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(guardian, number)
        popen.kill()
        wait_until(lambda: not ours(mark), "nothing of it is left")


def test_a_crash_of_devgate_leaves_nothing_either(tmp_path: Path, mark: str) -> None:
    with owner(FAMILY, tmp_path, mark) as popen:
        popen.send_signal(signal.SIGSEGV)
        wait_until(lambda: not ours(mark), "nothing of it is left")


def test_an_orderly_end_dismisses_it(tmp_path: Path, mark: str) -> None:
    with owner({"web": {"command": "sleep 600"}}, tmp_path, mark, "orderly") as popen:
        assert popen.wait(DEADLINE_S) == 0
        assert ours(mark) == []


def test_it_holds_nothing_but_its_pipe() -> None:
    with Guardian.start("m") as guardian:
        assert guardian.alive
        assert guardian._process is not None
        folder = Path(f"/proc/{guardian._process.pid}")
        wait_until(lambda: b"guard_process" in (folder / "cmdline").read_bytes(), "it is the guardian")

        def held() -> set[str]:
            return {os.readlink(path) for path in (folder / "fd").iterdir()}

        # while it imports, it opens modules
        wait_until(lambda: all(name.startswith(("pipe:", "/dev/")) for name in held()), "only pipes are held")
    assert not guardian.alive


def test_calls_never_fail_when_it_is_gone() -> None:
    guardian = Guardian.start("m")
    assert guardian._process is not None
    guardian._process.kill()
    guardian._process.wait()
    guardian.track(1, 2)
    guardian.forget(1)
    guardian.screen(on=True)
    guardian.close()
    guardian.track(1, 2)
    guardian.close()


def test_obeys_and_ignores_nonsense() -> None:
    charge = Charge()
    for line in (
        "mark abc",
        "track 12 345",
        "track x y",
        "track 13 1",
        "forget 13",
        "forget 99",
        "screen on",
        "",
        "what",
    ):
        charge.obey(line + "\n")
    assert (charge.mark, charge.groups, charge.screen, charge.dismissed) == ("abc", {12: 345}, True, False)
    charge.obey("screen off\n")
    charge.obey("bye\n")
    assert (charge.screen, charge.dismissed) == (False, True)


@pytest.mark.parametrize("canonical", [True, False])
def test_the_terminal_is_given_back(canonical: bool) -> None:
    master, slave = pty.openpty()
    try:
        before = termios.tcgetattr(slave)
        if not canonical:
            before[3] &= ~termios.ICANON
            before[6][termios.VMIN], before[6][termios.VTIME] = 1, 0
            termios.tcsetattr(slave, termios.TCSANOW, before)
            before = termios.tcgetattr(slave)
        settings = terminal_settings(slave)
        raw = termios.tcgetattr(slave)
        raw[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
        raw[6][termios.VMIN], raw[6][termios.VTIME] = 0, 5
        termios.tcsetattr(slave, termios.TCSANOW, raw)
        restore_terminal(slave, settings)
        assert termios.tcgetattr(slave) == before
        written = os.read(master, 4096)
        for sequence in (b"\x1b[?1049l", b"\x1b[?1003l", b"\x1b[?2004l", b"\x1b[?25h"):
            assert sequence in written
    finally:
        os.close(master)
        os.close(slave)


def test_a_terminal_that_is_gone_is_no_error() -> None:
    master, slave = pty.openpty()
    settings = terminal_settings(slave)
    os.close(master)
    os.close(slave)
    restore_terminal(slave, settings)


def test_it_needs_nothing_but_the_standard_library() -> None:
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", guard_process.__file__],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert "devgate.processes" in loaded
    assert {name for name in loaded if name.startswith("devgate")} == {"devgate", "devgate.processes"}
    assert not loaded & {"asyncio", "psutil", "pydantic"}
