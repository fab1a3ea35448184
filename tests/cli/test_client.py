"""Finding the devgate that runs here; what is said where none does."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate import processes, runfile
from devgate.cli.verbs import VERBS
from devgate.errors import Exit
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


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
@pytest.mark.parametrize("verb", [("down",), ("status",), ("switch", "x")])
@pytest.mark.parametrize("below", [False, True])
def test_a_run_file_that_others_can_read_is_not_called_none(
    cli: Cli, running: FakeControl, tmp_path: Path, verb: tuple[str, ...], below: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not used, as its token may be known; but devgate does run here."""
    file = tmp_path / ".devgate" / "run.json"
    file.chmod(0o644)
    if below:
        (tmp_path / "sub").mkdir()
        monkeypatch.chdir(tmp_path / "sub")
    result = cli(*verb)
    assert result.code == Exit.NOT_RUNNING
    assert str(file) in result.err
    assert "mode 0644" in result.err
    assert f"chmod 600 {file}" in result.err
    assert "no devgate runs" not in result.err
    assert not running.asked
    assert f"chmod 600 {file}" in cli("doctor").out
    file.chmod(0o600)
    assert cli("status").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_up_starts_no_second_one_beside_it(cli: Cli, running: FakeControl, tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text("gateway: {port: 0}\nservices: {a: {stub: true, port: auto}}\n")
    (tmp_path / ".devgate" / "run.json").chmod(0o640)
    for options in ((), ("-d",)):
        result = cli("up", "--no-tui", *options)
        assert result.code == Exit.NOT_RUNNING
        assert "mode 0640" in result.err
    (tmp_path / ".devgate" / "run.json").chmod(0o600)


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_one_that_a_dead_devgate_has_left_open_is_in_nobodys_way(cli: Cli, tmp_path: Path) -> None:
    state = runfile.state_folder(tmp_path)
    run = RunFile.here(
        control_url="http://127.0.0.1:1", token="x", url="http://127.0.0.1:2", profile="x", started_at=0.0
    )
    runfile.claim(state, replace(run, birth=run.birth - 1))
    (state / "run.json").chmod(0o644)
    result = cli("status")
    assert "no devgate runs here" in result.err
    assert runfile.exposed(tmp_path) is None
