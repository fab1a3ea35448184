"""Who is who among processes: by pid and birth, and by what cannot be shed by accident."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devgate import processes
from devgate.processes import MARK
from tests.deadline import wait_until
from tests.samples import command

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems show less")

TOKEN = f"t{os.getpid()}"
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a sample in a session of its own; the pids that it says are waited for and ended afterwards."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: object, **options: Any) -> subprocess.Popen[str]:
        env = {**os.environ, MARK: f"{TOKEN}:web#0;"}
        popen = subprocess.Popen(
            command(*arguments), stdout=subprocess.PIPE, text=True, start_new_session=True, env=env, **options
        )
        started.append(popen)
        return popen

    yield run
    for popen in started:
        popen.kill()
        popen.communicate()
    left = [pid for pid in processes.table() if processes.carries(pid, f"{TOKEN}:")]
    for pid in left:
        os.kill(pid, signal.SIGKILL)


def family_of(popen: subprocess.Popen[str]) -> dict[str, int]:
    """The pids that the sample `family` says, the leader's last."""
    found = {}
    assert popen.stdout is not None
    for line in popen.stdout:
        name, pid = line.split()
        found[name] = int(pid)
        if name == "leader":
            break
    return found


def birth(pid: int) -> int:
    found = processes.birth(pid)
    assert found is not None
    return found


def test_finds_itself() -> None:
    me = processes.find(os.getpid())
    assert me is not None
    assert (me.parent, me.group, me.session) == (os.getppid(), os.getpgrp(), os.getsid(0))
    assert not me.zombie
    listed = processes.table()[me.pid]
    assert (listed.pid, listed.birth, listed.parent) == (me.pid, me.birth, me.parent)
    assert processes.lives(me.pid, me.birth)
    assert not processes.lives(me.pid, me.birth + 1)


def test_a_name_may_hold_anything(tmp_path) -> None:
    sly = tmp_path / "a) Z 1 (1 "
    sly.symlink_to(sys.executable)
    with subprocess.Popen([sly, "-c", "input()"], stdin=subprocess.PIPE, executable=str(sly)) as popen:
        found = processes.find(popen.pid)
        assert found is not None
        assert found.parent == os.getpid()
        popen.communicate(b"\n")


def test_a_zombie_is_there_and_does_not_live() -> None:
    popen = subprocess.Popen(["true"])
    wait_until(lambda: (found := processes.find(popen.pid)) is None or found.zombie, "it has ended")
    found = processes.find(popen.pid)
    assert found is not None
    assert not processes.lives(found.pid, found.birth)
    popen.wait()
    assert processes.find(popen.pid) is None


def test_a_family_is_whole(start: Start) -> None:
    popen = start("family", "child", "deaf", "session", "orphan")
    members = family_of(popen)
    leader = {popen.pid: birth(popen.pid)}
    # once the process between leader and orphan has ended
    wait_until(
        lambda: {p.pid for p in processes.family(leader, f"{TOKEN}:")} == set(members.values()), "the family is whole"
    )
    # without the mark, who has left everything cannot be known
    assert {p.pid for p in processes.family(leader)} == {pid for name, pid in members.items() if name != "orphan"}
    # but it is remembered where it was seen once
    known = {members["orphan"]: birth(members["orphan"])}
    assert len(processes.family({}, "", known)) == 1


def test_a_reused_number_is_a_stranger(start: Start) -> None:
    popen = start("family", "child")
    family_of(popen)
    assert processes.family({popen.pid: birth(popen.pid) + 1}) == []
    assert processes.family({}, "", {popen.pid: birth(popen.pid) + 1}) == []


def test_a_group_whose_leader_is_gone_is_only_known_by_its_mark(start: Start) -> None:
    popen = start("family", "child", "exit=0")
    members = family_of(popen)
    born = 1
    popen.wait()
    assert processes.family({popen.pid: born}) == []
    assert [process.pid for process in processes.family({popen.pid: born}, f"{TOKEN}:web#0;")] == [members["child"]]
    assert processes.family({popen.pid: born}, f"{TOKEN}:we#0;") == []


def test_the_family_of_a_zombie_is_its_group(start: Start) -> None:
    popen = start("family", "child", "exit=0")
    members = family_of(popen)
    wait_until(lambda: (found := processes.find(popen.pid)) is not None and found.zombie, "a zombie")
    found = processes.family({popen.pid: birth(popen.pid)})
    assert [process.pid for process in found] == [members["child"]]


def test_whoever_asks_is_never_part_of_it() -> None:
    found = processes.family({os.getpid(): birth(os.getpid())})
    assert os.getpid() not in {process.pid for process in found}


def test_ends_all_of_a_family(start: Start) -> None:
    members = family_of(start("family", "child", "deaf", "session", "orphan"))
    ended = processes.end({}, TOKEN, grace_s=0.2)
    assert {process.pid for process in ended.asked} >= set(members.values())
    assert ended.left == []
    assert processes.family({}, f"{TOKEN}:") == []


def test_ends_nothing_that_is_not_ours(start: Start) -> None:
    popen = start("deaf")
    assert processes.end({popen.pid: birth(popen.pid) + 1}, "another", grace_s=0, give_up_s=0.2).asked == []
    assert popen.poll() is None
