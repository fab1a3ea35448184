"""Whose a process is, told by its mark."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from devgate import processes
from devgate.supervisor import kinship
from devgate.supervisor.kinship import Kin, kin_of, leftovers, new_mark

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the mark"),
    pytest.mark.usefixtures("alone_with_leftovers"),
]

Start = Callable[[str], int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process that carries a mark; its pid, once it runs."""
    started: list[subprocess.Popen[bytes]] = []

    def run(value: str) -> int:
        popen = subprocess.Popen(
            [sys.executable, "-c", "print(flush=True); import time; time.sleep(600)"],
            env={"A": "1", processes.MARK: value}, stdout=subprocess.PIPE,
        )  # fmt: skip
        started.append(popen)
        assert popen.stdout is not None
        popen.stdout.readline()
        return popen.pid

    yield run
    for popen in started:
        popen.kill()
        popen.communicate()


def dead_mark() -> str:
    """The mark of a devgate whose pid is somebody else's by now: ours, born at another time."""
    return f"{os.getpid()}-1-00ff"


def test_a_service_of_a_devgate_that_runs(start: Start) -> None:
    mark = new_mark()
    assert kin_of(start(f"{mark}:web#1;")) == Kin(mark, os.getpid(), True, "web")
    assert not any(mark == other for other in leftovers())


def test_a_reused_pid_is_no_living_devgate(start: Start) -> None:
    pid = start(f"{dead_mark()}:web#0;")
    assert kin_of(pid) == Kin(dead_mark(), os.getpid(), False, "web")
    found = leftovers()[dead_mark()]
    assert [(process.pid, kin.service) for process, kin in found.items()] == [(pid, "web")]


def test_marks_are_unique() -> None:
    assert new_mark() != new_mark()


@pytest.mark.parametrize(
    "value",
    [
        "", "abcdef0123:web#0;", "1-2:web", "1-2-:web", "-1-2-ab:web", "1-2-ab", "99999999999-2-ab:web", "1-2-\x1b[2J:web#0;",
        "1-" + "9" * 21 + "-ab:web", "x1-2-ab:web",
    ],
)  # fmt: skip
def test_other_marks_are_nobodys(start: Start, value: str) -> None:
    assert kin_of(start(value)) is None


def test_a_mark_in_another_variables_value_is_none(start: Start) -> None:
    popen = subprocess.Popen(["sleep", "600"], env={"X": f"{processes.MARK}={dead_mark()}:web#0;"})
    try:
        assert kin_of(popen.pid) is None
    finally:
        popen.kill()
        popen.wait()


def test_another_pid_namespace_is_somebody_elses(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = start(f"{dead_mark()}:web#0;")
    monkeypatch.setattr(kinship.os, "readlink", lambda path: path)
    assert kin_of(pid) is None


def test_who_is_gone_is_nobody() -> None:
    popen = subprocess.Popen(["true"])
    popen.wait()
    assert kin_of(popen.pid) is None
