"""`hits`, `requests`, `sync check`."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate.model.detail import Body, Decision, Field
from devgate.model.snapshot import SyncRow
from devgate.model.status import SyncState
from tests.inspection.sample import DETAIL
from tests.tui.fake_control import rows_under_way

if TYPE_CHECKING:
    from pathlib import Path

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


def test_requests_under_way_stand_at_the_end(cli: Cli, running: FakeControl) -> None:
    running.under_way = rows_under_way()
    found = [json.loads(line) for line in cli("requests", "--json", "-n", "8").out.splitlines()]
    assert [one["state"] for one in found] == ["done", *(row.state for row in running.under_way)]
    held = cli("requests", "state:held").out.splitlines()
    assert len(held) == 2
    for words in ("held", "14s", "service not ready", "media-server"):
        assert words in held[1]
    shown = cli("requests", "show", running.under_way[0].request_id)
    assert "under way: answer arrives" in shown.out or "under way: open" in shown.out
    assert "so far" in shown.out
    for command in (
        ("replay", running.under_way[0].request_id),
        ("show", running.under_way[0].request_id, "--har", "-"),
    ):
        refused = cli("requests", *command)
        assert refused.code == 2
        assert "no finished request is called" in refused.err


def test_requests_filtered_as_on_the_screen(cli: Cli, running: FakeControl) -> None:
    wanted = running.requests_[7]
    found = [json.loads(line) for line in cli("requests", "--json", f"id:{wanted.request_id}").out.splitlines()]
    assert [one["seq"] for one in found] == [wanted.seq]
    result = cli("requests", "statuss:500")
    assert result.code == 2
    assert "did you mean status?" in result.err


def test_a_request_cannot_act_on_the_terminal(cli: Cli, running: FakeControl) -> None:
    running.requests_ = [replace(running.requests_[0], path="/\x1b[2J\u202e\x9b", method="\x07GET")]
    for args in (("requests",), ("requests", "--json")):
        out = cli(*args).out
        assert not any(sign in out for sign in "\x1b\u202e\x9b\x07")


def test_one_request_in_detail(cli: Cli, running: FakeControl) -> None:
    row = running.requests_[7]
    running.details[row.seq] = replace(DETAIL, row=row)
    for name in (str(row.seq), row.request_id):
        out = cli("requests", "show", name).out
        assert row.path in out
        assert "Decisions" in out
        assert '"ok": true' in out
    assert cli("requests", "show", str(row.seq), "--json").json()["row"]["seq"] == row.seq
    result = cli("requests", "show", "nobody")
    assert result.code == 2
    assert "nobody" in result.err


def test_sending_one_again_shows_how_it_went(cli: Cli, running: FakeControl) -> None:
    result = cli("requests", "replay", "7")
    assert result.code == 0
    assert running.asked == [("replay", 7)]
    assert running.requests_[-1].request_id in result.out


def test_requests_as_commands(cli: Cli, running: FakeControl) -> None:
    running.details[60] = replace(DETAIL, row=running.requests_[-1])
    out = cli("requests", "show", "60", "--curl").out
    assert "curl -i" in out
    assert "--data-raw" in out
    assert cli("requests", "-n", "3", "--curl").out.count("curl -i") == 3


def test_requests_as_an_archive(cli: Cli, running: FakeControl, tmp_path: Path) -> None:
    running.details[60] = replace(DETAIL, row=running.requests_[-1])
    assert cli("requests", "-n", "4", "--har", "out.har").code == 0
    file = tmp_path / "out.har"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    entries = json.loads(file.read_text())["log"]["entries"]
    assert [one["_devgate"]["requestId"] for one in entries] == [row.request_id for row in running.requests_[-4:]]
    assert cli("requests", "show", "60", "--har", "-").json()["log"]["entries"][0]["request"]["postData"]
    result = cli("requests", "--har", "no/such/folder.har")
    assert result.code != 0
    assert "cannot be written" in result.err


@pytest.mark.parametrize(
    "args",
    [("show",), ("show", "1", "2"), ("replay",), ("-f", "replay", "1"), ("-f", "--har", "x"), ("-f", "show", "1")],
)
def test_what_makes_no_sense_together(cli: Cli, running: FakeControl, args: tuple[str, ...]) -> None:
    assert cli("requests", *args).code == 2


@pytest.mark.parametrize("args", [("show", "1"), ("show", "1", "--json"), ("--curl",), ("--har", "-")])
def test_a_detail_cannot_act_on_the_terminal(cli: Cli, running: FakeControl, args: tuple[str, ...]) -> None:
    evil = "\x1b[2J\u202e\x9b\x07"
    row = replace(running.requests_[0], path="/" + evil)
    detail = replace(
        DETAIL, row=row, request=(Field(evil, evil),), request_body=Body(9, text=evil), response_body=Body(9, evil, note=evil),
        decisions=(Decision(evil, evil),), note=evil,
    )  # fmt: skip
    running.requests_, running.details = [row], {row.seq: detail}
    out = cli("requests", *args).out
    assert out
    assert not any(sign in out for sign in evil if not sign.isprintable())


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
        (SyncState.OFF, 3),
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
    assert document.json()["gateway"] == "synced"
    services = cli("sync", "check", "--services-only", "--json")
    assert (services.code, "gateway" in services.json()) == (code, False)


@pytest.mark.parametrize(("expected", "code", "state"), [("2.0.0", 0, "synced"), ("", 3, "unknown")])
def test_sync_check_of_the_gateway_alone_asks_nobody(
    cli: Cli, running: FakeControl, expected: str, code: int, state: str
) -> None:
    running.change(sync=SyncState.CRITICAL, sync_expected=expected)
    result = cli("sync", "check", "--gateway-only")
    assert (result.code, running.asked) == (code, [])
    assert result.out.endswith(f"; gateway {state}\n")
    assert cli("sync", "check", "--gateway-only", "--json").json() == {"status": state, "expected": expected}


def test_sync_check_of_nothing_is_refused(cli: Cli, running: FakeControl) -> None:
    assert cli("sync", "check", "--gateway-only", "--services-only").code == 2
