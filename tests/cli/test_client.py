"""Finding the devgate that runs here; what is said where none does."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate import processes, runfile
from devgate.cli.verbs import VERBS
from devgate.runfile import RunFile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl

CLIENTS = [
    ("status",), ("start", "x"), ("stop", "x"), ("restart", "x"), ("logs",), ("wait",), ("switch", "x"), ("reload",), ("hits",),
    ("requests",), ("sync", "check"), ("down",),
]  # fmt: skip


def test_every_client_verb_is_listed() -> None:
    assert {verb for verb, *_ in CLIENTS} | {"routes"} <= VERBS.keys()


@pytest.mark.parametrize("args", CLIENTS, ids=" ".join)
def test_without_a_devgate_every_verb_says_so(cli: Cli, args: tuple[str, ...]) -> None:
    result = cli(*args)
    assert result.code == 5
    assert result.out == ""
    assert "no devgate runs here" in result.err
    assert "devgate up" in result.err


@pytest.mark.parametrize("args", [args for args in CLIENTS if args[0] != "down"], ids=" ".join)
def test_one_that_died_is_named(cli: Cli, args: tuple[str, ...], tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        birth = processes.birth(process.pid)
        process.communicate(b"\n")
    assert birth is not None
    run = RunFile.here(control_url="http://127.0.0.1:1", token="t", url="http://x", profile="p", started_at=0.0)
    runfile.claim(runfile.state_folder(tmp_path), replace(run, pid=process.pid, birth=birth))
    result = cli(*args)
    assert result.code == 5
    assert f"pid {process.pid}" in result.err


def test_is_found_from_below_and_by_name(
    cli: Cli, running: FakeControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert cli("status").code == 0
    monkeypatch.chdir("/")
    assert cli("status", "--project", str(below)).code == 0
    assert cli("status", "--project", str(tmp_path / "nowhere")).code == 2


def test_a_wrong_token_is_said(cli: Cli, running: FakeControl, tmp_path: Path) -> None:
    state = tmp_path / ".devgate"
    run = runfile.read(state)
    assert run is not None
    runfile.claim(state, replace(run, token="of another run"))
    result = cli("status")
    assert result.code == 1
    assert "token" in result.err


def test_one_that_vanishes_while_it_is_asked(cli: Cli, running: FakeControl, tmp_path: Path) -> None:
    state = tmp_path / ".devgate"
    run = runfile.read(state)
    assert run is not None
    runfile.claim(state, replace(run, control_url="http://127.0.0.1:1"))
    result = cli("status")
    assert result.code == 5
    assert "not running any more" in result.err
