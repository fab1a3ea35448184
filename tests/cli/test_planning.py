"""`switch` and `reload`: the plan is shown, something lost is asked for, a script says --yes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate.errors import CommandError, Exit, ProfileError
from devgate.model.plan import Plan, RouteChanges
from tests.tui.fake_control import PLAN

if TYPE_CHECKING:
    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl

LIVE = Plan(
    source="x", name="x", old="1", new="2", keep=("a",), stop=(), restart=(), start=("b",), adopt=(), stale=(),
    routes=RouteChanges(added=("/x",)), gateway=(), rebind=(),
)  # fmt: skip
NOTHING = replace(LIVE, new="1", start=(), routes=RouteChanges())


def applied(control: FakeControl) -> bool:
    return any(asked[0] == "apply" for asked in control.asked)


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Somebody sits there and types `answer`."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt: answer)


def test_a_dry_run_shows_and_changes_nothing(cli: Cli, running: FakeControl) -> None:
    result = cli("switch", "fechatter/ha", "--dry-run")
    assert result.code == 0
    assert PLAN.summary in result.out
    assert "fechatter-server" in result.out
    assert "env.RUST_LOG" in result.out
    assert running.asked == [("propose", "fechatter/ha")]


NEW = replace(LIVE, unapproved=("b runs touch \x1b[2J ran  (in /src/p)",))


def test_what_nobody_has_agreed_to_is_not_applied_unasked(cli: Cli, running: FakeControl) -> None:
    running.plan = NEW
    for options in ((), ("--yes",), ("--json",)):
        result = cli("switch", "x", *options)
        assert result.code == Exit.USAGE
        assert "b runs touch" in result.out
        assert "\x1b" not in result.out
        assert "--trust" in result.err
    assert cli("reload").code == Exit.USAGE
    assert cli("reload", "--apply").code == Exit.USAGE
    assert not applied(running)
    assert not any(asked[0] == "restart" for asked in running.asked)
    assert cli("switch", "x", "--dry-run").code == 0
    assert not applied(running)


@pytest.mark.parametrize("verb", [("switch", "x"), ("reload",), ("reload", "--apply")])
def test_trust_agrees(cli: Cli, running: FakeControl, verb: tuple[str, ...]) -> None:
    running.plan = NEW
    cli(*verb, "--trust")
    (asked,) = (asked for asked in running.asked if asked[0] == "apply")
    assert asked[2:] == ("command line", "agreed")


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("", Exit.USAGE), ("n", Exit.USAGE)])
def test_at_a_terminal_somebody_has_to_agree(
    cli: Cli, running: FakeControl, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    """Return alone is no agreement."""
    at_a_terminal(monkeypatch, answer)
    running.plan = NEW
    assert cli("switch", "x", "--yes").code == code
    assert applied(running) is (code == 0)


def test_yes_applies(cli: Cli, running: FakeControl) -> None:
    result = cli("switch", "fechatter/ha", "--yes")
    assert result.code == 0
    assert result.out.endswith("fechatter/ha is running\n")
    assert running.asked == [("propose", "fechatter/ha"), ("apply", "fechatter/ha", "command line")]


def test_without_a_terminal_nothing_is_lost_unasked(cli: Cli, running: FakeControl) -> None:
    result = cli("switch", "fechatter/ha")
    assert result.code == Exit.OTHER_RUNNING
    assert PLAN.summary in result.out
    assert "--yes" in result.err
    assert not applied(running)


def test_what_interrupts_nothing_is_not_asked_about(cli: Cli, running: FakeControl) -> None:
    running.plan = LIVE
    assert cli("switch", "x").code == 0
    assert applied(running)


def test_nothing_to_do_does_nothing(cli: Cli, running: FakeControl) -> None:
    running.plan = NOTHING
    result = cli("switch", "x")
    assert result.code == 0
    assert "nothing to do" in result.out
    assert not applied(running)


@pytest.mark.parametrize(("answer", "expected"), [("y", True), ("", True), ("n", False)])
def test_at_a_terminal_it_asks(
    cli: Cli, running: FakeControl, monkeypatch: pytest.MonkeyPatch, answer: str, expected: bool
) -> None:
    at_a_terminal(monkeypatch, answer)
    assert cli("switch", "fechatter/ha").code == 0
    assert applied(running) is expected


def test_json_never_asks(cli: Cli, running: FakeControl, monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch, "y")
    result = cli("switch", "fechatter/ha", "--json")
    assert result.code == Exit.OTHER_RUNNING
    document = result.json()
    assert document["summary"] == PLAN.summary
    assert document["empty"] is False
    assert document["restart"] == [{"service": "fechatter-server", "keys": ["env.RUST_LOG", "replicas"]}]
    assert not applied(running)


def test_a_profile_that_does_not_load_names_every_problem(cli: Cli, running: FakeControl) -> None:
    running.refuses = ProfileError("2 problems in x.yaml", ["x.yaml:1:2: a", "x.yaml:3:4: b"])
    result = cli("switch", "x")
    assert result.code == Exit.USAGE
    assert "x.yaml:1:2: a" in result.err
    assert "x.yaml:3:4: b" in result.err


def test_a_plan_that_is_out_of_date(cli: Cli, running: FakeControl, monkeypatch: pytest.MonkeyPatch) -> None:
    async def apply(self: object, plan: Plan, *, by: str, agreed: bool = False) -> Plan:
        raise CommandError("the plan is out of date", code="stale-plan")

    monkeypatch.setattr("tests.tui.fake_control.FakeControl.apply", apply)
    result = cli("switch", "x", "--yes")
    assert result.code == Exit.SERVICE_FAILED
    assert "out of date" in result.err


def test_reload_reads_the_running_one_again(cli: Cli, running: FakeControl) -> None:
    assert cli("reload").code == 0
    assert running.asked == [("propose", None), ("apply", "devgate.yaml", "command line")]


def test_reload_restarts_what_is_stale_only_when_asked(cli: Cli, running: FakeControl) -> None:
    stale = [row.name for row in running.now.services if row.stale]
    assert stale
    assert not any(asked[0] == "restart" for asked in running.asked)
    result = cli("reload", "--apply")
    assert result.code == 0
    assert [asked for asked in running.asked if asked[0] == "restart"] == [("restart", name) for name in stale]
    assert f"{stale[0]} is back" in result.out


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_reload_says_what_still_waits_for_a_restart(cli: Cli, running: FakeControl, options: tuple[str, ...]) -> None:
    running.plan = NOTHING
    out = cli("reload", *options).out
    assert out.startswith(
        "Nothing is new in the profile.\nnotify-server waits for a restart to take env.RUST_LOG\n`devgate re"
    )
    assert "nothing to do" not in out
    waiting = cli("reload", *options, "--json").json()["waiting"]
    assert waiting == [{"service": "notify-server", "keys": ["env.RUST_LOG"]}]
    running.change_service("notify-server", stale=())
    assert cli("reload", *options).out == "This is what runs: nothing to do.\n"
    assert cli("reload", *options, "--json").json()["empty"] is True


def test_reload_apply_says_what_it_restarts_and_why(cli: Cli, running: FakeControl) -> None:
    running.plan = NOTHING
    told = "Nothing is new in the profile.\nnotify-server %s to take env.RUST_LOG\n"
    assert cli("reload", "--apply", "--dry-run").out == told % "would restart"
    assert cli("reload", "--apply").out == told % "restarts" + "notify-server is back\n"


def test_a_dry_reload_restarts_nothing(cli: Cli, running: FakeControl) -> None:
    cli("reload", "--apply", "--dry-run")
    assert running.asked == [("propose", None)]


def test_a_restart_that_fails_is_told(cli: Cli, running: FakeControl, monkeypatch: pytest.MonkeyPatch) -> None:
    async def restart(self: object, name: str, *, dependents: bool = False) -> None:
        raise CommandError(f"{name} crashed", exit_code=Exit.SERVICE_BLOCKED)

    monkeypatch.setattr("tests.tui.fake_control.FakeControl.restart", restart)
    result = cli("reload", "--apply")
    assert result.code == Exit.SERVICE_BLOCKED
    assert "crashed" in result.err
