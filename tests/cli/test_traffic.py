"""`hits`, `requests`, `sync check`."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate.model.snapshot import SyncRow
from devgate.model.status import SyncState

if TYPE_CHECKING:
    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl


def test_hits_of_each_route(cli: Cli, running: FakeControl) -> None:
    result = cli("hits")
    assert result.code == 0
    heading, *lines = result.out.splitlines()
    assert "Hits" in heading
    assert len(lines) == len(running.now.routes)
    for row, line in zip(running.now.routes, lines, strict=True):
        assert row.path in line or row.id in line


def test_hits_as_json(cli: Cli, running: FakeControl) -> None:
    document = cli("hits", "--json").json()
    assert [route["id"] for route in document["routes"]] == [route.id for route in running.now.routes]
    assert document["routes"][0]["traffic"]["total"] == running.now.routes[0].traffic.total


def test_requests_newest_last(cli: Cli, running: FakeControl) -> None:
    heading, *lines = cli("requests", "-n", "5").out.splitlines()
    assert "Method" in heading
    assert len(lines) == 5
    assert running.requests_[-1].path in lines[-1]


def test_requests_as_json_lines(cli: Cli, running: FakeControl) -> None:
    found = [json.loads(line) for line in cli("requests", "--json", "-n", "3").out.splitlines()]
    assert [one["seq"] for one in found] == [row.seq for row in running.requests_[-3:]]


def test_requests_filtered_as_on_the_screen(cli: Cli, running: FakeControl) -> None:
    wanted = running.requests_[7]
    found = [json.loads(line) for line in cli("requests", "--json", f"id:{wanted.request_id}").out.splitlines()]
    assert [one["seq"] for one in found] == [wanted.seq]
    result = cli("requests", "stat:500")
    assert result.code == 2
    assert "did you mean status?" in result.err


def test_a_request_cannot_act_on_the_terminal(cli: Cli, running: FakeControl) -> None:
    running.requests_ = [replace(running.requests_[0], path="/\x1b[2J\u202e\x9b", method="\x07GET")]
    for args in (("requests",), ("requests", "--json")):
        out = cli(*args).out
        assert not any(sign in out for sign in "\x1b\u202e\x9b\x07")


def test_following_requests(cli: Cli, running: FakeControl) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "devgate", "requests", "-f", "-n", "1"], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert "Method" in process.stdout.readline()
        last = running.requests_[-1]
        assert last.path in process.stdout.readline()
        running.requests_.append(replace(last, seq=last.seq + 1, path="/one/more"))
        assert "/one/more" in process.stdout.readline()
        process.terminate()


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (SyncState.SYNCED, 0),
        (SyncState.OUT_OF_SYNC, 1),
        (SyncState.WARNING, 1),
        (SyncState.CRITICAL, 2),
        (SyncState.UNKNOWN, 3),
    ],
)
def test_sync_check_tells_the_state_by_its_exit_code(
    cli: Cli, running: FakeControl, state: SyncState, code: int
) -> None:
    running.change(sync=state, sync_expected="2.0.0")
    running.change_service("bot-server", sync=SyncRow(state, "1.0.0", 75.0, "behind"))
    result = cli("sync", "check")
    assert result.code == code
    assert running.asked == [("check",)]
    assert "expected 2.0.0" in result.out
    line = next(line for line in result.out.splitlines() if line.startswith("bot-server"))
    assert "1.0.0" in line
    assert "behind" in line
    document = cli("sync", "check", "--json")
    assert document.code == code
    assert document.json()["services"]["bot-server"]["actual"] == "1.0.0"
    assert document.json()["status"] == state.value
