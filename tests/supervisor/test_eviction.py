"""Who is ended on a port, and who never is."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from devgate import processes
from devgate.errors import CommandError, Exit
from devgate.supervisor import eviction, ports
from devgate.supervisor.eviction import clear
from devgate.supervisor.kinship import new_mark
from tests.deadline import DEADLINE_S

Thief = Callable[..., subprocess.Popen[bytes]]
LISTEN = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print(flush=True); "


@pytest.fixture
def thief() -> Iterator[Thief]:
    """A process that listens on a port, with a mark or a program of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def run(port: int, program: str = "time.sleep(600)", mark: str = "") -> subprocess.Popen[bytes]:
        popen = subprocess.Popen(
            [sys.executable, "-c", LISTEN + program, str(port)], stdout=subprocess.PIPE,
            env={**os.environ, processes.MARK: mark}, start_new_session=True,
        )  # fmt: skip
        started.append(popen)
        assert popen.stdout is not None
        popen.stdout.readline()
        return popen

    yield run
    for popen in started:
        with suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)
        popen.communicate()


def test_nobody_there_is_nothing_to_do(free_port: int) -> None:
    assert clear(free_port, take=True) == []


def test_a_stranger_stays_unless_somebody_has_said_so(free_port: int, thief: Thief) -> None:
    stranger = thief(free_port)
    assert clear(free_port, take=False) == []
    assert stranger.poll() is None
    (done,) = clear(free_port, take=True)
    assert done.startswith(f"ended pid {stranger.pid} (")
    assert done.endswith(f"which held port {free_port}")
    assert stranger.wait(DEADLINE_S) == -signal.SIGTERM
    assert not ports.taken(free_port)


def test_nobody_but_the_listener_is_ended(free_port: int, thief: Thief) -> None:
    """Its children are not on the port, and its parent is this very test."""
    family = thief(
        free_port, "import subprocess; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); p.wait()"
    )
    assert family.stdout is not None
    child = int(family.stdout.readline())
    try:
        clear(free_port, take=True)
        assert processes.find(child) is not None
    finally:
        os.kill(child, signal.SIGKILL)


def test_the_deaf_are_killed(free_port: int, thief: Thief) -> None:
    deaf = thief(
        free_port, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    )
    assert deaf.stdout is not None
    deaf.stdout.readline()
    assert len(clear(free_port, take=True, grace_s=0.1)) == 1
    assert deaf.wait(DEADLINE_S) == -signal.SIGKILL


def test_the_head_of_workers_is_meant(free_port: int, thief: Thief) -> None:
    head = thief(
        free_port,
        "import os, signal\n"
        "pid = os.fork()\n"
        "if not pid: time.sleep(600)\n"
        "signal.signal(signal.SIGTERM, lambda *_: (os.kill(pid, 9), os._exit(0)))\n"
        "print(flush=True)\n"
        "while True: signal.pause()",
    )
    assert head.stdout is not None
    head.stdout.readline()
    owner = ports.owner(free_port)
    assert owner is not None
    assert owner.pid == head.pid
    assert f"pid {head.pid} (" in clear(free_port, take=True)[0]
    assert head.wait(DEADLINE_S) == 0
    assert not ports.taken(free_port)


@pytest.mark.usefixtures("alone_with_leftovers")
def test_what_a_killed_devgate_has_left_goes_without_being_asked_for(free_port: int, thief: Thief) -> None:
    mark = f"{os.getpid()}-1-00ff"
    left = thief(free_port, mark=f"{mark}:web#0;")
    beside = subprocess.Popen(["sleep", "600"], env={processes.MARK: f"{mark}:other#0;"})
    (done,) = clear(free_port, take=False)
    assert done == (
        f"ended 2 processes on and around port {free_port}, left behind by a devgate that is gone (pid {os.getpid()})"
    )
    assert (left.wait(DEADLINE_S), beside.wait(DEADLINE_S)) == (-signal.SIGTERM, -signal.SIGTERM)


@pytest.mark.parametrize("ours", [True, False])
def test_a_service_of_a_living_devgate_is_left_to_it(free_port: int, thief: Thief, ours: bool) -> None:
    mark = new_mark()
    other = thief(free_port, mark=f"{mark}:web#0;")
    with pytest.raises(CommandError, match="it is the service web of") as refused:
        clear(free_port, take=True, mark=mark if ours else new_mark())
    assert ("this very devgate" in refused.value.message) is ours
    assert refused.value.exit_code == Exit.SERVICE_BLOCKED
    assert other.poll() is None


def test_this_process_and_what_has_started_it_are_never_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CommandError, match="cannot be ended from here"):
            clear(port, take=True)
        pid = os.getpid()
        monkeypatch.setattr(eviction.os, "getpid", lambda: -1)
        monkeypatch.setattr(eviction.os, "getppid", lambda: pid)
        with pytest.raises(CommandError, match="cannot be ended from here"):
            clear(port, take=True)


def test_another_users_is_not_ours_to_end(free_port: int, thief: Thief, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = thief(free_port)

    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(eviction.os, "kill", refuse)
    with pytest.raises(CommandError, match="another user"):
        clear(free_port, take=True)
    monkeypatch.setattr(ports, "owner", lambda port: ports.Owner(None, ""))
    with pytest.raises(CommandError, match="a process of another user"):
        clear(free_port, take=True)
    assert stranger.poll() is None


def test_a_number_that_is_another_processs_by_now_is_left_alone(
    free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bystander = subprocess.Popen(["sleep", "600"])
    found = iter([ports.Owner(bystander.pid, "was here"), None])
    monkeypatch.setattr(ports, "owner", lambda port: next(found))
    try:
        clear(free_port, take=True)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_who_comes_back_each_time_is_somebodys_service(free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def owner(port: int) -> ports.Owner:
        started.append(subprocess.Popen(["sleep", "600"]))
        return ports.Owner(started[-1].pid, "sleep 600")

    monkeypatch.setattr(ports, "owner", owner)
    monkeypatch.setattr(ports, "held_by", lambda port, pids: True)
    try:
        with pytest.raises(CommandError, match="again and again"):
            clear(free_port, take=True)
    finally:
        started[-1].kill()
        codes = [popen.wait() for popen in started]
    assert codes == [*[-signal.SIGTERM] * eviction.MOST, -signal.SIGKILL]
