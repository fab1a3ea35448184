"""`devgate breakers`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate.model.snapshot import BreakerRow, BreakerTotals
from devgate.model.status import BreakerState, Forced

if TYPE_CHECKING:
    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl


def put(control: FakeControl, breaker: BreakerRow) -> None:
    """Give the first service that breaker."""
    first, *rest = control.now.services
    control.change(services=(replace(first, breaker=breaker), *rest))


def line(cli: Cli) -> list[str]:
    """Of the first service, by its columns."""
    return [cell for cell in cli("breakers").out.splitlines()[1].split("  ") if cell]


def test_shows_them(cli: Cli, running: FakeControl) -> None:
    why = "6 of 9 failed in the last 10 s, last: status 503"
    put(running, BreakerRow(BreakerState.OPEN, opened=2, retry_in_s=8.2, why=why, totals=BreakerTotals(rejected=12)))
    name, state, opened, refused, said = map(str.strip, line(cli))
    assert (name, state, opened, refused, said) == ("fechatter-server", "OPEN 8s", "2x", "12", why)
    put(running, BreakerRow(failures=2, counted="2 failures in a row", why="reset by hand"))
    assert line(cli)[-1].strip() == "2 failures in a row"
    put(running, BreakerRow(forced=Forced.METRICS_ONLY, by_hand=True))
    assert line(cli)[-1].strip() == "counts and refuses nothing, by hand, until it is reset"
    found = cli("breakers", "--json").json()["fechatter-server"]
    assert (found["state"], found["forced"], found["by_hand"]) == ("CLOSED", "metrics_only", True)


def test_closes_one(cli: Cli, running: FakeControl) -> None:
    assert cli("breakers", "reset", "notify-server").out == "notify-server: closed\n"
    assert running.asked == [("reset", "notify-server")]


@pytest.mark.parametrize("how", Forced)
def test_overrules_one(cli: Cli, running: FakeControl, how: Forced) -> None:
    put(running, BreakerRow(forced=how, by_hand=True))
    said = cli("breakers", "force", "fechatter-server", how.value).out
    assert said.startswith("fechatter-server: ")
    assert said.endswith(" by hand, until it is reset\n")
    assert running.asked == [("force", "fechatter-server", how)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("reset", "notify"), "did you mean 'notify-server'?"),
        (("force", "notify", "open"), "did you mean 'notify-server'?"),
        (("force", "notify-server", "ajar"), "'ajar' is not one of 'open', 'closed', 'metrics_only', 'disabled'"),
        (("force", "notify-server"), "HOW"),
    ],
)
def test_nonsense_is_refused(cli: Cli, running: FakeControl, arguments: tuple[str, ...], said: str) -> None:
    found = cli("breakers", *arguments)
    assert found.code == 2
    assert said in found.err
    assert running.asked == []
