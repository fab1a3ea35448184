"""`devgate down` where devgate does not simply go: dead already, deaf, or survived by what it started."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate import processes, runfile
from devgate.errors import Exit
from devgate.runfile import RunFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="marks in the environment are seen on Linux only")

MARK = f"test-down-{os.getpid()}"
WAITS = "print(flush=True); input()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAITS


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a process of its own, and ends it at last."""
    started: list[subprocess.Popen[bytes]] = []

    def run(code: str, **env: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **env}
        )
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def run_file_of(process: subprocess.Popen[bytes], tmp_path: Path, url: str = "http://127.0.0.1:1") -> Path:
    birth = processes.birth(process.pid)
    assert birth is not None
    run = RunFile.here(control_url=url, token="t", url="http://x", profile="p", started_at=0.0, mark=MARK)
    state = runfile.state_folder(tmp_path)
    runfile.claim(state, replace(run, pid=process.pid, birth=birth))
    return state


def reaped(process: subprocess.Popen[bytes]) -> int:
    """Somebody has to be the parent: a process that nobody waits for stays in the table."""
    return process.wait(20)


def test_one_that_died_is_cleared_up(cli: Cli, start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path) -> None:
    process = start(WAITS)
    state = run_file_of(process, tmp_path)
    process.kill()
    reaped(process)
    result = cli("down")
    assert result.code == 0
    assert "ended without clearing up" in result.out
    assert runfile.read(state) is None
    assert cli("down").code == Exit.NOT_RUNNING


@pytest.mark.parametrize(("code", "args"), [(WAITS, ()), (DEAF, ()), (DEAF, ("--now",))])
def test_what_it_left_behind_is_ended(
    cli: Cli, start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path, code: str, args: tuple[str, ...]
) -> None:
    process = start(WAITS)
    run_file_of(process, tmp_path)
    process.kill()
    reaped(process)
    orphan = start(code, DEVGATE_MARK=f"{MARK}:api#0;")
    stranger = start(WAITS, DEVGATE_MARK=f"{MARK}x:api#0;")
    assert cli("down", *args).code == 0
    assert reaped(orphan) < 0
    assert stranger.poll() is None


def test_one_that_does_not_go_is_named(
    cli: Cli, running: FakeControl, start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    before = runfile.read(tmp_path / ".devgate")
    assert before is not None
    process = start(WAITS)
    birth = processes.birth(process.pid)
    assert birth is not None
    # The file names another process than the one that answers: asked to stop, it never does.
    runfile.release(tmp_path / ".devgate", before)
    runfile.claim(tmp_path / ".devgate", replace(before, pid=process.pid, birth=birth))
    result = cli("down", "--timeout", "100ms")
    assert result.code == Exit.TIMEOUT
    assert "devgate itself" in result.err
    assert running.asked == [("request_stop", "down")]
    assert runfile.read(tmp_path / ".devgate") is not None


def test_now_is_passed_on(cli: Cli, running: FakeControl) -> None:
    cli("down", "--now", "--timeout", "0.1")
    assert running.asked == [("request_stop", "down", "now")]


def test_one_that_does_not_answer_is_killed_only_now(
    cli: Cli, start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.setattr("devgate.remote.control.ANSWER_S", 0.1)
    monkeypatch.setattr("devgate.remote.control.NOW_S", 0.1)
    process = start(WAITS)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        run_file_of(process, tmp_path, f"http://127.0.0.1:{mute.getsockname()[1]}")
        result = cli("down", "--timeout", "5s")
        assert result.code == Exit.TIMEOUT
        assert "does not answer" in result.err
        assert "--now" in result.err
        assert process.poll() is None
        reaper = threading.Thread(target=reaped, args=[process])
        reaper.start()
        assert cli("down", "--now", "--timeout", "20s").code == 0
        reaper.join()
    assert process.returncode < 0
