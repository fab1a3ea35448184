"""`start`, `stop`, `restart`: the state reached, or the reason and the right exit code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

import pytest

from devgate.errors import CommandError, Exit
from tests.tui.fake_control import FakeControl

if TYPE_CHECKING:
    from tests.cli.conftest import Cli


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("start", "bot-server is up"),
        ("stop", "bot-server has stopped"),
        ("restart", "bot-server is back"),
        ("adopt", "bot-server is adopted"),
        ("take-port", "bot-server is up"),
    ],
)
def test_returns_when_the_state_is_reached(cli: Cli, running: FakeControl, verb: str, said: str) -> None:
    result = cli(verb, "bot-server")
    assert (result.code, result.out, result.err) == (0, said + "\n", "")
    assert running.asked == [(verb, "bot-server")]


def test_several_at_once_each_once(cli: Cli, running: FakeControl) -> None:
    assert cli("stop", "bot-server", "notify-server", "bot-server").code == 0
    assert sorted(running.asked) == [("stop", "bot-server"), ("stop", "notify-server")]


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
@pytest.mark.parametrize("wait", [(), ("--no-wait",)])
def test_with_dependents(cli: Cli, running: FakeControl, verb: str, wait: tuple[str, ...]) -> None:
    assert cli(verb, "bot-server", "--with-dependents", *wait).code == 0
    assert running.asked == [(verb, "bot-server", "dependents")]


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_an_unknown_name_stops_everything_before_it_begins(cli: Cli, running: FakeControl, verb: str) -> None:
    result = cli(verb, "notify-server", "bot-sever")
    assert result.code == Exit.USAGE
    assert "there is no service 'bot-sever'" in result.err
    assert "did you mean 'bot-server'?" in result.err
    assert running.asked == []


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "adopt", "take-port"])
def test_a_name_is_needed(cli: Cli, running: FakeControl, verb: str) -> None:
    assert cli(verb).code == Exit.USAGE


@pytest.mark.parametrize("exit_code", [Exit.SERVICE_FAILED, Exit.SERVICE_BLOCKED])
def test_a_refusal_gives_reason_hint_and_exit_code(cli: Cli, running: FakeControl, exit_code: int) -> None:
    running.refuses = CommandError("port 6690 is taken by nc (pid 7)", hint="end it", exit_code=exit_code)
    result = cli("start", "bot-server")
    assert result.code == exit_code
    assert result.out == ""
    assert result.err == "devgate: port 6690 is taken by nc (pid 7)\n  end it\n"


def test_one_failure_does_not_hide_the_others(cli: Cli, running: FakeControl, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(self: FakeControl, name: str, *, dependents: bool = False) -> None:
        if name == "bot-server":
            raise CommandError("crashed: exit 3")

    monkeypatch.setattr(FakeControl, "start", start)
    result = cli("start", "bot-server", "notify-server")
    assert result.code == Exit.SERVICE_FAILED
    assert result.out == "notify-server is up\n"
    assert "exit 3" in result.err


def test_what_takes_too_long_says_where_it_stands(
    cli: Cli, running: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(self: FakeControl, name: str, *, dependents: bool = False) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(FakeControl, "start", start)
    waiting = next(row for row in running.now.services if row.waiting_for)
    result = cli("start", waiting.name, "--timeout", "50ms")
    assert result.code == Exit.TIMEOUT
    assert f"{waiting.name} is still waiting (waiting for {', '.join(waiting.waiting_for)})" in result.err


def test_nobody_has_to_wait(cli: Cli, running: FakeControl) -> None:
    result = cli("restart", "bot-server", "--no-wait")
    assert (result.code, result.out) == (0, "bot-server: restart asked for\n")
    assert running.asked == [("restart", "bot-server")]


@pytest.mark.parametrize("verb", ["adopt", "take-port"])
def test_nobody_has_to_wait_for_a_port(cli: Cli, running: FakeControl, verb: str) -> None:
    assert cli(verb, "bot-server", "--no-wait").out == f"bot-server: {verb} asked for\n"
    assert running.asked == [(verb, "bot-server")]


def test_without_waiting_an_early_refusal_is_still_heard(cli: Cli, running: FakeControl) -> None:
    running.refuses = CommandError("not ours to stop", code="external")
    result = cli("stop", "bot-server", "--no-wait")
    assert result.code == Exit.SERVICE_FAILED
    assert "not ours" in result.err


def test_a_reason_cannot_act_on_the_terminal(cli: Cli, running: FakeControl) -> None:
    running.refuses = CommandError("\x1b[2Jgone", hint="\x1b]0;x\x07")
    assert "\x1b" not in cli("start", "bot-server").err
