"""`devgate faults`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devgate.errors import CommandError
from devgate.model.fault import LASTS_S, Fault
from devgate.model.snapshot import FaultRow

if TYPE_CHECKING:
    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl

BROKEN = Fault(status=503, share=0.5)


def put(control: FakeControl, *routes: str) -> None:
    control.change(faults=tuple(FaultRow(route, BROKEN, BROKEN.words, 61.4, "operator") for route in routes))


def test_lists_those_that_are_on(cli: Cli, running: FakeControl) -> None:
    assert cli("faults").out == "no faults\n"
    put(running, "GET /api/users", "/events\x1b[31m")
    lines = cli("faults").out.splitlines()
    assert lines[1].split("  ")[0] == "GET /api/users"
    assert "503 for 50 %" in lines[1]
    assert "1m1s" in lines[1]
    assert "\x1b" not in lines[2]
    assert [row["route"] for row in cli("faults", "--json").json()] == ["GET /api/users", "/events\x1b[31m"]
    assert cli("status", "--json").json()["faults"] == cli("faults", "--json").json()


def test_adds_one(cli: Cli, running: FakeControl) -> None:
    found = cli("faults", "add", "/api/*", "--status", "503", "--share", "0.5")
    assert (found.code, found.out) == (0, "/api/*: 503 for 50 %, for 10m\n")
    options = "--latency 1.5s --cut 1KiB --throttle 64KiB --no-count --for 30s"
    assert cli("faults", "add", "/x", *options.split()).code == 0
    assert running.asked == [
        ("fault", "/api/*", BROKEN, LASTS_S),
        ("fault", "/x", Fault(1.5, 0, 1024, 65_536, 1.0, False), 30.0),
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "needs one of latency, status, cut and throttle"),
        (["--status", "200"], "200 is no error status"),
        (["--cut", "many"], "'many' is not a size"),
        (["--latency", "soon"], "is not a duration"),
    ],
)
def test_nonsense_is_refused(cli: Cli, running: FakeControl, options: list[str], said: str) -> None:
    found = cli("faults", "add", "/x", *options)
    assert found.code == 2
    assert said in found.err
    assert running.asked == []


def test_a_refusal_is_told(cli: Cli, running: FakeControl) -> None:
    running.refuses = CommandError(
        "there is no route '/y'", hint="did you mean '/x'?", code="unknown-route", exit_code=2
    )
    found = cli("faults", "add", "/y", "--status", "500")
    assert found.code == 2
    assert "did you mean '/x'?" in found.err


def test_clears_one_or_all(cli: Cli, running: FakeControl) -> None:
    assert cli("faults", "clear").out == "there was no fault\n"
    put(running, "/a", "/b")
    assert cli("faults", "clear", "/a").out == "/a: no fault any more\n"
    assert cli("faults", "clear").out == "/a: no fault any more\n/b: no fault any more\n"
    assert running.asked[1:] == [("clear faults", "/a"), ("clear faults", None)]


def test_a_path_is_enough_where_it_is_one_route_s(cli: Cli, running: FakeControl) -> None:
    assert cli("faults", "add", "/api/signin", "--status", "503").code == 0
    assert cli("faults", "clear", "/api/signin").code == 0
    assert cli("faults", "add", "POST /api/upload", "--status", "503").code == 0
    assert [one[1] for one in running.asked] == ["POST /api/signin", "POST /api/signin", "POST /api/upload"]
