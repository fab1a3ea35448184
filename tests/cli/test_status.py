"""`devgate status`: the screen's words, for eyes and for programs."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate.cli import table
from devgate.model import wire
from devgate.model.snapshot import Snapshot
from devgate.model.status import ServiceState, SyncState

if TYPE_CHECKING:
    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl


def terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr(table, "room", lambda: width)
    monkeypatch.setattr(table, "wants_colour", lambda: True)


def plain_width(line: str) -> int:
    from devgate.escape import cells, without_colour

    return cells(without_colour(line))


def test_shows_each_service_with_mark_and_word(cli: Cli, running: FakeControl) -> None:
    result = cli("status")
    assert result.code == 0
    head, _, heading, *lines = result.out.splitlines()
    assert running.now.profile in head
    assert running.now.url in head
    assert heading.split()[:3] == ["State", "Service", "Port"]
    for row in running.now.services:
        assert any(
            row.name in line and (row.state.value in line or row.health.value in line or "external" in line)
            for line in lines
        )
    assert "✖ crashed" in result.out
    assert "● ready" in result.out


def test_columns_stand_below_each_other(cli: Cli, running: FakeControl) -> None:
    _, _, heading, *lines = cli("status").out.splitlines()
    place = heading.index("Service")
    for row, line in zip(running.now.services, lines, strict=False):
        assert line[place:].startswith(row.name)


def test_says_why_something_is_not_ready(cli: Cli, running: FakeControl) -> None:
    running.change_service("bot-server", state=ServiceState.CRASHED, cause="exit 3 after 1 s, 5th in 60 s")
    assert "bot-server: exit 3 after 1 s, 5th in 60 s" in cli("status").out


def test_nothing_is_cut_in_a_pipe(cli: Cli, running: FakeControl) -> None:
    name = "a-service-with-a-name-that-is-as-long-as-names-may-be-" + "x" * 9
    running.change(
        services=(replace(running.now.services[0], name=name, cause="because " * 40, state=ServiceState.CRASHED),)
    )
    out = cli("status").out
    assert name in out
    assert "because " * 39 in out
    assert "\x1b" not in out


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_terminal_is_never_too_narrow(
    cli: Cli, running: FakeControl, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    terminal(monkeypatch, width)
    out = cli("status").out
    lines = out.split("\n\n")[1].splitlines()
    assert len(lines) == 1 + len(running.now.services)
    assert max(map(plain_width, lines)) <= width
    assert "\x1b[31m" in out


def test_json_is_the_whole_snapshot(cli: Cli, running: FakeControl) -> None:
    assert wire.decode(Snapshot, cli("status", "--json").json()) == running.now


def test_that_no_versions_are_checked_is_said(cli: Cli, running: FakeControl) -> None:
    running.change(services=(), sync=SyncState.OFF, sync_expected="")
    assert "sync off" in cli("status").out


def test_that_others_can_reach_it_is_said(cli: Cli, running: FakeControl) -> None:
    assert "open to the network" not in cli("status").out
    running.now = replace(running.now, url="http://0.0.0.0:8080")
    assert "open to the network" in cli("status").out.splitlines()[0]


def test_a_refused_file_is_said(cli: Cli, running: FakeControl) -> None:
    running.change(config_problems=("devgate.yaml:3:1: unknown key",))
    assert "config error: devgate.yaml:3:1: unknown key" in cli("status").out


def test_a_file_that_waits_for_agreement_is_no_error(cli: Cli, running: FakeControl) -> None:
    running.change(config_problems=("devgate.yaml changed: agree with `devgate reload`",), config_waits=True)
    out = cli("status").out
    assert "waits for agreement: devgate.yaml changed: agree with `devgate reload`" in out
    assert "error" not in out.partition("State")[0].replace("errors", "")


def test_a_refused_file_is_said_in_lines(cli: Cli, running: FakeControl) -> None:
    running.change(config_problems=("devgate.yaml:3:1: unknown key\n  3 | x: 1\n    | ^",))
    out = cli("status").out
    assert "config error: devgate.yaml:3:1: unknown key\n  3 | x: 1\n    | ^\n" in out
    assert "\\n" not in out


def test_foreign_text_does_nothing_to_the_terminal(
    cli: Cli, running: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u202e\x9b31m[bold]\r\n"
    running.change(profile=evil, config_problems=(evil,))
    running.change_service("bot-server", state=ServiceState.CRASHED, cause=evil, last_error=evil)
    for width in (None, 100):
        if width:
            terminal(monkeypatch, width)
        out = cli("status").out
        for sign in ("\x1b]", "\x1b[2J", "\u202e", "\x9b", "\x07", "\r"):
            assert sign not in out
        assert "[bold]" in out


def test_watch_prints_again_when_something_changes(running: FakeControl, cli: Cli) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "devgate", "status", "--watch", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    with process:
        assert process.stdout is not None
        first = process.stdout.readline()
        running.change(ready=77)
        second = process.stdout.readline()
        process.terminate()
    assert '"ready":77' not in first
    assert '"ready":77' in second


@pytest.mark.parametrize(
    ("tty", "env", "expected"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colour_only_where_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch, tty: bool, env: dict[str, str], expected: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: tty, raising=False)
    assert table.wants_colour() is expected


def test_a_terminal_without_our_signs_gets_question_marks(running: FakeControl, cli: Cli) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "devgate", "status"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"? ready" in done.stdout


def test_a_reader_that_has_enough_is_no_failure(running: FakeControl, cli: Cli) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "devgate", "status", "--watch", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        running.change(ready=1)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
