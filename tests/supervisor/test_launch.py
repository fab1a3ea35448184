"""What is handed to the system, and what is refused before."""

import json
import os
import socket
from pathlib import Path

import pytest

from devgate.model.profile import Profile
from devgate.model.service import ServiceSpec
from devgate.stub.config import StubConfig, parse_document
from devgate.supervisor.launch import (
    Surroundings,
    choose_port,
    health_path,
    is_stub,
    mark_of,
    prepare,
    stub_document,
)
from devgate.supervisor.preflight import blocked
from devgate.supervisor.refusal import CannotStartError


def around(folder: Path, *, all_stubs: bool = False) -> Surroundings:
    return Surroundings(folder, {"PATH": os.environ["PATH"]}, {}, "mark", all_stubs)


def spec(**fields: object) -> ServiceSpec:
    return ServiceSpec.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"command": "sh"}, False),
        ({"command": "sh", "stub": True}, True),
        ({"command": "no-such-program"}, False),
        ({"command": "no-such-program", "missing": "stub"}, True),
        ({"command": "sh", "missing": "stub"}, False),
        ({"command": "sh", "missing": "stub", "cwd": "nowhere"}, True),
        ({"command": "sh", "missing": "stub", "stub": {"version": "2.0.0"}}, False),
        ({"command": "sh", "stub": {"version": "2.0.0"}}, True),
        ({"url": "http://127.0.0.1:1"}, False),
        ({"url": "http://127.0.0.1:1", "stub": True}, True),
        ({"missing": "stub"}, True),
    ],
)
def test_when_the_stand_in_runs(tmp_path: Path, fields: dict[str, object], expected: bool) -> None:
    assert is_stub(spec(**fields), around(tmp_path)) is expected
    assert is_stub(spec(**fields), around(tmp_path, all_stubs=True))


@pytest.mark.parametrize(
    ("http", "path"),
    [(None, "/health"), ("/api/health", "/api/health"), ("http://127.0.0.1:80/up?x=1", "/up"), ("http://h:1", "/")],
)
def test_where_the_stand_in_answers_health(http: str | None, path: str) -> None:
    assert health_path(spec(command="x", ready={"http": http})) == path


def test_the_stand_in_understands_what_it_is_told() -> None:
    stub = {
        "version": "2.0.0",
        "latency": "20ms",
        "fail": 0.25,
        "crash_after": "3s",
        "ready_after": "1s",
        "responses": [
            {"path": "/users/{id}", "method": "GET", "body": {"id": 1}, "headers": {"X-A": "b"}, "latency": "10ms"}
        ],
    }
    text = stub_document("web", spec(stub=stub, ready={"http": "/up"}), 4000)
    config = StubConfig.from_document(parse_document(text))
    assert (config.name, config.port, config.health, config.crash_after, config.ready_after) == (
        "web",
        4000,
        "/up",
        3.0,
        1.0,
    )
    assert (config.switches.version, config.switches.latency, config.switches.fail) == ("2.0.0", 0.02, 0.25)
    (canned,) = config.responses
    assert canned.matches("GET", "/users/7")
    assert json.loads(canned.body) == {"id": 1}


def test_canned_answers_have_a_limit() -> None:
    stub = {"responses": [{"path": "/x", "body": "x" * 200_000}]}
    with pytest.raises(CannotStartError, match="canned answers") as caught:
        stub_document("web", spec(stub=stub), None)
    assert caught.value.code == "stub-too-large"


def test_marks_do_not_begin_each_other(tmp_path: Path) -> None:
    here = around(tmp_path)
    assert not mark_of(here, "web", 10).startswith(mark_of(here, "web", 1))
    assert not mark_of(here, "web-2", 0).startswith(mark_of(here, "web", 0))


def choose(
    subject: ServiceSpec, replica: int = 0, *, stub: bool = False, replace: bool = False, before: int | None = None
):
    port, held = choose_port(subject, replica, stub=stub, replace=replace, before=before, avoid=())
    if held is not None:
        held.close()
    return port


def test_ports_count_up_with_the_replicas(free_port: int) -> None:
    assert choose(spec(command="x", port=free_port)) == free_port
    assert choose(spec(command="x")) is None
    assert choose(spec(stub=True), stub=True) is not None


def test_a_chosen_port_is_kept(free_port: int) -> None:
    auto = spec(command="x", port="auto")
    assert choose(auto, before=free_port) == free_port
    with socket.create_server(("127.0.0.1", free_port)):
        assert choose(auto, before=free_port) != free_port


def test_a_taken_port_is_refused_or_replaced(free_port: int) -> None:
    fixed = spec(command="x", port=free_port)
    with socket.create_server(("127.0.0.1", free_port)):
        with pytest.raises(CannotStartError, match=f"port {free_port} is taken by pid {os.getpid()}"):
            choose(fixed)
        assert choose(fixed, replace=True) not in (None, free_port)


def test_the_users_own_mark_is_not_believed(tmp_path: Path) -> None:
    launch = prepare(
        "web",
        0,
        spec(command="sh", env={"DEVGATE_MARK": "stolen"}),
        profile=Profile(),
        around=around(tmp_path),
        port=None,
        stub=False,
        gateway_url="http://127.0.0.1:1",
        addresses={},
    )
    assert launch.env["DEVGATE_MARK"] == "mark:web#0;"


def test_everything_that_blocks_is_found_beforehand(tmp_path: Path, free_port: int) -> None:
    profile = Profile.model_validate(
        {
            "services": {
                "fine": {"command": "sh", "port": "auto"},
                "missing": {"command": "no-such-program"},
                "lost": {"command": "sh", "cwd": "nowhere"},
                "taken": {"command": "sh", "port": free_port},
                "stub": {"command": "no-such-program", "missing": "stub"},
                "theirs": {"url": "http://127.0.0.1:1"},
                "nothing": {"command": []},
            }
        }
    )
    with socket.create_server(("127.0.0.1", free_port)):
        found = blocked(profile, around(tmp_path), auto_ports=False)
        assert {name: refusal.code for name, refusal in found.items()} == {
            "missing": "missing-command",
            "lost": "missing-cwd",
            "taken": "port-in-use",
            "nothing": "missing-command",
        }
        assert "taken" not in blocked(profile, around(tmp_path), auto_ports=True)
