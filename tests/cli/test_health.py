"""`devgate health`: its exit code is what a container looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devgate.errors import Exit
from devgate.model.status import HealthState

if TYPE_CHECKING:
    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl


@pytest.mark.parametrize("state", HealthState)
def test_the_exit_code_of_every_state(cli: Cli, running: FakeControl, state: HealthState) -> None:
    running.change(health=state)
    good = state in (HealthState.HEALTHY, HealthState.DEGRADED)
    result = cli("health")
    assert result.code == (0 if good else 1)
    assert result.out.startswith(f"{state.value}: 5/8 ready\n")
    assert cli("health", "--strict").code == (0 if state is HealthState.HEALTHY else 1)


def test_says_who_is_not_healthy_and_why(cli: Cli, running: FakeControl) -> None:
    out = cli("health").out
    assert "  bot-server is unhealthy, crashed: exit 1 after 12 s, 5th in 60 s\n" in out
    assert "  billing-server is degraded, ready: GET /health took 1.8 s\n" in out
    assert "fechatter-server" not in out


@pytest.mark.parametrize(
    ("names", "code", "state"),
    [
        (["fechatter-server"], 0, "healthy"),
        (["billing-server", "fechatter-server"], 0, "degraded"),
        (["bot-server", "fechatter-server"], 1, "unhealthy"),
    ],
)
def test_of_some_services(cli: Cli, running: FakeControl, names: list[str], code: int, state: str) -> None:
    result = cli("health", *names, "--json")
    document = result.json()
    assert (result.code, document["status"], sorted(document["services"])) == (code, state, sorted(names))
    assert set(document["services"][names[0]]) == {"health", "state", "detail"}


def test_an_unknown_name_is_refused(cli: Cli, running: FakeControl) -> None:
    assert cli("health", "bot-sever").code == Exit.USAGE


def test_nothing_runs(cli: Cli) -> None:
    assert cli("health").code == Exit.NOT_RUNNING


def test_a_reason_cannot_act_on_the_terminal(cli: Cli, running: FakeControl) -> None:
    running.change_service("bot-server", cause="\x1b[2Jgone", health_detail="")
    assert "\x1b" not in cli("health").out
