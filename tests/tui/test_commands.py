"""Which commands make sense for which service."""

from dataclasses import replace

import pytest

from devgate.model.snapshot import BreakerRow
from devgate.model.status import Forced, ServiceState
from devgate.tui.commands import COMMANDS, at_stake, losses, targets
from tests.tui.fake_control import sample


def fitting(name: str) -> set[str]:
    snapshot = sample()
    return {row.name for row in snapshot.services if targets(COMMANDS[name], snapshot, row.name)}


def test_only_what_is_down_starts_and_only_what_is_up_stops():
    everything = {row.name for row in sample().services}
    assert fitting("start") == {"bot-server", "migrate"}
    assert fitting("stop") == everything - {"bot-server", "migrate", "search-service"}


def test_nothing_is_asked_of_a_service_that_somebody_else_runs():
    for name in ("start", "stop", "restart", "kill", "cascade"):
        assert "search-service" not in fitting(name)


def test_red_means_every_failed_service_whatever_is_selected():
    assert targets(COMMANDS["red"], sample(), "fechatter-server") == ("bot-server",)


def test_dependents_are_started_and_stopped_where_there_are_any():
    snapshot = sample()
    rows = [
        replace(row, dependents=("web",)) if row.name in ("fechatter-server", "bot-server", "search-service") else row
        for row in snapshot.services
    ]
    snapshot = replace(snapshot, services=tuple(rows))
    found = {
        name: {row.name for row in rows if targets(COMMANDS[name], snapshot, row.name)}
        for name in ("start_dependents", "stop_dependents")
    }
    assert found == {"start_dependents": {"bot-server"}, "stop_dependents": {"fechatter-server"}}


def test_a_breaker_is_reset_where_there_is_something_to_reset():
    assert fitting("reset") == {"bot-server", "media-server", "billing-server"}


def test_a_breaker_is_overruled_where_that_is_new():
    assert "migrate" not in fitting("force_disabled")
    assert "migrate" in fitting("force_open")


def test_a_breaker_is_reset_where_somebody_has_overruled_it():
    snapshot = sample()
    row = snapshot.services[0]
    for by_hand in (False, True):
        overruled = replace(row, breaker=BreakerRow(forced=Forced.DISABLED, by_hand=by_hand))
        now = replace(snapshot, services=(overruled,))
        assert targets(COMMANDS["reset"], now, row.name) == ((row.name,) if by_hand else ())


def test_a_sync_check_needs_no_service():
    assert targets(COMMANDS["sync"], None, "") == ("",)


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.fits])
def test_without_a_snapshot_there_is_nothing_to_ask_for(name: str):
    assert targets(COMMANDS[name], None, "fechatter-server") == ()


def test_killing_asks_only_where_requests_would_fail():
    rows = {row.name: row for row in sample().services}
    assert at_stake("kill", rows["fechatter-server"]) == "3 requests in flight will fail."
    assert at_stake("kill", rows["analytics-server"]) == ""
    assert at_stake("restart", rows["fechatter-server"]) == ""


def test_a_port_is_taken_or_its_owner_adopted_only_where_that_is_what_lacks():
    assert fitting("adopt") == fitting("take") == set()
    snapshot = sample()
    blocked = {"state": ServiceState.BLOCKED, "blocked_by": "port-in-use", "cause": "port 6686 is taken by pid 7 (nc)"}
    rows = [replace(row, **blocked) if row.name == "bot-server" else row for row in snapshot.services]
    snapshot = replace(snapshot, services=tuple(rows))
    for name in ("adopt", "take"):
        assert targets(COMMANDS[name], snapshot, "bot-server") == ("bot-server",)
    row = next(row for row in rows if row.name == "bot-server")
    assert at_stake("take", row) == "This ends a process: port 6686 is taken by pid 7 (nc)."
    assert at_stake("adopt", row) == ""


def test_quitting_loses_what_runs_and_is_ours():
    ours, others = losses(sample())
    assert "fechatter-server" in {row.name for row in ours}
    assert {row.name for row in others} == {"search-service"}
    assert not {row.state for row in ours} & {ServiceState.CRASHED, ServiceState.COMPLETED}
    assert losses(None) == ([], [])
