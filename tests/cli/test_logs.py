"""`devgate logs`: which lines, how they look, and that they cannot act on a terminal."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate.cli import logs, table
from devgate.cli.loglines import Filter, Print
from devgate.clock import SystemClock
from devgate.model.query import LogLine, LogSlice

if TYPE_CHECKING:
    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl

EVIL = "\x1b[31mred\x1b[0m \x1b]52;c;eA==\x07\x1b[2Jx\u202e\x9b31m\tend\r"


def line(text: str, seq: int = 1, service: str = "api", stream: str = "out", at: float = 1000.0) -> LogLine:
    return LogLine(seq, at, service, 0, stream, text, 1)  # type: ignore[arg-type]


@pytest.fixture
def spoken(running: FakeControl) -> FakeControl:
    """Two services that have spoken."""
    running.lines = [
        line("starting", 1, "bot-server"),
        line("ERROR cannot connect", 2, "notify-server", "err"),
        line("  at line 5", 3, "notify-server", "err"),
        line("Ready at last", 4, "bot-server"),
        line("run 2: pid 7", 5, "bot-server", "mark"),
    ]
    return running


def test_all_services_with_their_names(cli: Cli, spoken: FakeControl) -> None:
    lines = cli("logs").out.splitlines()
    assert len(lines) == 5
    assert re.match(r"bot-server +\| starting$", lines[0])
    assert re.match(r"notify-server +! ERROR cannot connect$", lines[1])
    assert re.match(r"bot-server +- -- run 2: pid 7 --$", lines[4])


def test_one_service_without_its_name(cli: Cli, spoken: FakeControl) -> None:
    assert cli("logs", "bot-server").out.splitlines() == ["starting", "Ready at last", "-- run 2: pid 7 --"]


def test_an_unknown_service(cli: Cli, spoken: FakeControl) -> None:
    result = cli("logs", "bot-sever")
    assert result.code == 2
    assert "did you mean 'bot-server'?" in result.err


@pytest.mark.parametrize(("count", "expected"), [("1", 1), ("3", 3), ("99", 5), ("0", 0)])
def test_only_the_newest(cli: Cli, spoken: FakeControl, count: str, expected: int) -> None:
    lines = cli("logs", "-n", count).out.splitlines()
    assert len(lines) == expected
    if expected:
        assert "run 2" in lines[-1]


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("1", ["a1", "b1"]), ("2", ["a2"]), ("3", ["a3", "b3"]), ("0", ["a3", "b3"]), ("-1", ["a2"]), ("-2", ["a1", "b1"]),
        ("4", []), ("-3", []), ("-99", []),
    ],
)  # fmt: skip
def test_only_one_run(cli: Cli, running: FakeControl, run: str, expected: list[str]) -> None:
    """Counted back for each service from its own last run; what stands before the first run belongs to it."""
    texts = [("a1", "bot-server", 0), ("b1", "notify-server", 1), ("a2", "bot-server", 2), ("a3", "bot-server", 3)]
    lines = [line(text, seq, name) for seq, (text, name, _) in enumerate(texts, 1)]
    running.lines = [replace(one, run=number) for one, (_, _, number) in zip(lines, texts, strict=True)]
    running.lines.append(replace(line("b3", 5, "notify-server"), run=3))
    result = cli("logs", "--run", run)
    assert [one.split()[-1] for one in result.out.splitlines()] == expected
    assert ("no line of run" in result.err) is (expected == [])


def test_a_run_that_is_over_is_not_followed(cli: Cli, spoken: FakeControl) -> None:
    result = cli("logs", "-f", "--run", "-1")
    assert (result.code, result.out) == (2, "")


def test_only_what_matches(cli: Cli, spoken: FakeControl) -> None:
    assert cli("logs", "bot-server", "--grep", "ready").out == "Ready at last\n"
    assert cli("logs", "bot-server", "--grep", "READY").out == ""
    assert cli("logs", "--grep", "(").code == 2
    assert cli("logs", "--grep", "(a+)+$").code == 2


def test_the_newest_of_what_matches(cli: Cli, spoken: FakeControl) -> None:
    assert cli("logs", "bot-server", "--grep", "starting", "-n", "1").out == "starting\n"


def test_a_level_and_what_belongs_to_it(cli: Cli, spoken: FakeControl) -> None:
    assert cli("logs", "notify-server", "--level", "error").out == "ERROR cannot connect\n  at line 5\n"
    assert cli("logs", "bot-server", "--level", "error").out == "-- run 2: pid 7 --\n"


def test_not_older_than(cli: Cli, spoken: FakeControl) -> None:
    now = SystemClock().wall()
    spoken.lines += [line("an hour ago", 6, "bot-server", at=now - 3600), line("just now", 7, "bot-server", at=now)]
    assert cli("logs", "bot-server", "--since", "10m").out == "just now\n"
    assert "an hour ago" in cli("logs", "bot-server", "--since", "2h").out
    assert cli("logs", "--since", "yesterday").code == 2


def test_times(cli: Cli, spoken: FakeControl) -> None:
    assert re.match(r"\d\d:\d\d:40\.000 starting\n", cli("logs", "bot-server", "-t").out)


def test_json_lines(cli: Cli, spoken: FakeControl) -> None:
    found = [json.loads(text) for text in cli("logs", "bot-server", "--json").out.splitlines()]
    assert [one["text"] for one in found] == ["starting", "Ready at last", "run 2: pid 7"]
    assert found[0]["service"] == "bot-server"


def test_following_prints_what_comes(spoken: FakeControl, cli: Cli) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "devgate", "logs", "-f", "-n", "1", "bot-server"], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "-- run 2: pid 7 --\n"
        spoken.lines.append(line("one more", 6, "bot-server"))
        assert process.stdout.readline() == "one more\n"
        process.terminate()


def test_following_says_what_it_missed(cli: Cli, spoken: FakeControl, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def fake_logs(self: FakeControl, names: object, after: int = 0, limit: int = 0) -> LogSlice:
        asked.append(after)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return LogSlice((line(f"after {after}"),), 1, 50 + after, 7 if after else 0)

    monkeypatch.setattr(logs, "AGAIN_S", 0.0)
    monkeypatch.setattr("devgate.remote.control.RemoteServices.logs", fake_logs)
    result = cli("logs", "-f", "bot-server")
    assert result.code == 130
    assert asked == [0, 50, 100]
    assert result.out == "after 0\nafter 50\n"
    assert "7 lines skipped" in result.err


def test_a_terminal_is_not_acted_on(cli: Cli, spoken: FakeControl, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken.lines = [line(EVIL, 1, "bot-server")]
    monkeypatch.setattr(table, "wants_colour", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    out = cli("logs", "bot-server").out
    assert "\x1b[31mred\x1b[0m" in out
    for sign in ("\x1b]", "\x1b[2J", "\u202e", "\x9b", "\x07", "\r"):
        assert sign not in out


@pytest.mark.parametrize(("terminal", "colour"), [(True, True), (True, False), (False, False)])
def test_colours_go_only_to_a_terminal_that_wants_them(terminal: bool, colour: bool) -> None:
    text = Print(terminal=terminal, colour=colour, names=0, times=False).line(line("\x1b[1;31mred\x1b[0m"))
    assert ("\x1b[1;31m" in text) is colour
    assert "red" in text


def test_in_a_pipe_the_text_is_as_it_was_written() -> None:
    assert Print(terminal=False, colour=False, names=0, times=False).line(line("a\tb\u00e9")) == "a\tb\u00e9"


def test_a_colour_ends_with_its_line() -> None:
    text = Print(terminal=True, colour=True, names=4, times=False).line(line("\x1b[31mred for ever"))
    assert text.endswith("\x1b[0m")


def test_levels_are_followed_for_each_service() -> None:
    lines = [line("ERROR a", 1, "a"), line("fine", 2, "b"), line("  of b", 3, "b"), line("  of a", 4, "a")]
    assert [one.seq for one in Filter(least=3).wanted(lines)] == [1, 4]
