"""What is left when devgate is killed: nothing, with its guardian; without it, nothing after the next start."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.deadline import wait_until
from tests.e2e.harness import Up, alive, free_ports, survivors
from tests.samples import command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("alone_with_leftovers")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Services of every kind; one listens on a fixed port."""
    (port,) = free_ports(1)
    family = json.dumps(command("family", "child", "deaf", "session", "orphan", "holder"))
    (tmp_path / "devgate.yaml").write_text(
        "services:\n"
        f"  web: {{stub: true, port: {port}}}\n"
        f"  family: {{command: {family}, ready: {{log: leader}}, stop: {{grace: 200ms}}}}\n"
    )
    return tmp_path


def test_a_killed_devgate_leaves_no_process(folder: Path) -> None:
    with Up(("--port", "0", "--trust"), folder) as up:
        up.ready()
        family = up.family()
        assert len(family) >= 6
        up.process.kill()
        wait_until(lambda: not any(map(alive, family)), "everything is gone")


def test_what_a_killed_guardian_could_not_end_the_next_start_does(folder: Path) -> None:
    with Up(("--port", "0", "--trust"), folder) as up:
        up.ready()
        family = up.family()
        guardian = next(process for process in family if "guard_process" in " ".join(process.cmdline()))
        guardian.kill()
        up.process.kill()
        up.process.wait()
    left = [process for process in family if alive(process)]
    try:
        assert len(left) >= 6
        with Up(("--port", "0"), folder) as up:
            up.ready()
            assert not any(map(alive, left))
            assert up.service("web")["state"] == "ready"
    finally:
        for process in filter(alive, left):
            process.kill()


def test_a_closed_terminal_is_an_orderly_end(folder: Path) -> None:
    with Up(("--port", "0", "--trust"), folder) as up:
        up.ready()
        family = up.family()
        assert up.stop(signal.SIGHUP) == 129
        assert not survivors(family)


def test_a_run_file_whose_pid_belongs_to_a_stranger_is_dead(folder: Path) -> None:
    with Up(("--port", "0", "--trust"), folder) as up:
        up.ready()
        path = folder / ".devgate" / "run.json"
        run = json.loads(path.read_text())
        up.process.kill()
        up.process.wait()
    run["pid"] = os.getpid()  # alive, and not born when the file says
    path.write_text(json.dumps(run))
    with Up(("--port", "0"), folder) as up:
        up.ready()
