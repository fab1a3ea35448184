"""The first working day: one command, real services, one address."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest

from tests.deadline import DEADLINE_S, wait_until
from tests.e2e.harness import TWO, Up, free_ports, request, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

ORIGIN = "http://localhost:1420"


def test_up_runs_services_behind_one_address(two: Path) -> None:
    with Up(("--port", "0"), two) as up:
        first = up.next_event("listening")
        assert first["pid"] == up.process.pid
        assert first["profile"] == "two"
        url = up.ready()
        answer = request(url, "POST", "/api/a%2Fb//c?x=&y", {"Origin": ORIGIN, "X-One": "1"}, b"hello")
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["x-stub-service"] == "api"
        echo = answer.json()
        assert echo["path"] == "/api/a%2Fb//c"
        assert echo["body_bytes"] == 5
        health = request(url, "GET", "/health").json()
        assert health["status"] == "healthy"
        assert set(health["services"]) == {"api", "events"}
        ready = request(url, "GET", "/health/ready")
        assert ready.status == 200
        row = up.service("api")
        assert row["state"] == "ready"
        assert psutil.pid_exists(row["pid"])
        assert up.stop() == 143
        assert not psutil.pid_exists(row["pid"])


def test_a_request_during_the_start_waits_and_is_answered(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text(
        "services: {slow: {stub: {ready_after: 1500ms}, port: auto, ready: {http: /health}}}\n"
        "routes: [{path: /x, service: slow}]\n"
    )
    with Up(("--port", "0"), tmp_path) as up:
        answer = request(up.listening(), "GET", "/x")
        assert answer.status == 200
        assert "hold;dur=" in answer.headers["server-timing"]


def test_a_killed_service_comes_back_and_nobody_notices(two: Path) -> None:
    with Up(("--port", "0"), two) as up:
        url = up.ready()
        before = up.service("api")
        os.kill(before["pid"], signal.SIGKILL)
        up.next_event("process_exited")
        assert request(url, "GET", "/api/x").status == 200
        after = up.service("api")
        assert after["pid"] != before["pid"]
        assert after["restarts"] == 1


def test_a_taken_port_is_named_with_its_owner(two: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("up", "--no-tui", "--port", str(port), cwd=two, check=3)
    assert f"Port {port} is taken by pid {os.getpid()}" in done.stderr
    assert "python" in done.stderr or "pytest" in done.stderr
    assert not (two / ".devgate").exists()


def test_a_second_up_says_where_the_first_one_is(two: Path) -> None:
    with Up(("--port", "0"), two) as up:
        url = up.ready()
        done = run("up", "--no-tui", cwd=two, check=6)
        assert url in done.stderr
        assert up.process.poll() is None


def test_a_broken_profile_is_refused_whole(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text("services:\n  api: {comand: x}\nroutes:\n  - {path: /x, service: apo}\n")
    done = run("up", "--no-tui", cwd=tmp_path, check=2)
    assert "devgate.yaml:2:" in done.stderr
    assert "did you mean command?" in done.stderr
    assert "devgate.yaml:4:" in done.stderr
    assert not (tmp_path / ".devgate" / "run.json").exists()


def test_an_unknown_profile_names_the_ones_there_are(tmp_path: Path) -> None:
    done = run("up", "demi", "--no-tui", cwd=tmp_path, check=2)
    assert "demo" in done.stderr


def test_a_profile_from_elsewhere_is_not_trusted_without_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text("services: {a: {command: 'touch ran'}}\n")
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    done = run("up", "--no-tui", "--port", "0", cwd=tmp_path, check=2, **state)
    assert "--trust" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_switching_keeps_what_is_equal(two: Path) -> None:
    (two / "other.yaml").write_text(
        TWO.replace("name: two", "name: other").replace("depends_on: [api]", "depends_on: [api], stub: {version: 2.0.0}")
        .replace("stub: true, port: auto, depends_on", "port: auto, depends_on")
        + "  - {path: /new, service: api}\n"
    )  # fmt: skip
    with Up(("--port", "0"), two) as up:
        url = up.ready()
        api, events = up.service("api"), up.service("events")
        done = up.cli("switch", "other.yaml", "--yes")
        assert "keep 1" in done.stdout
        assert "restart 1" in done.stdout
        wait_until(lambda: up.service("events")["state"] == "ready", "events is back")
        assert up.service("api")["pid"] == api["pid"]
        assert up.service("events")["pid"] != events["pid"]
        assert up.status()["url"] == url
        assert request(url, "GET", "/new").status == 200


def test_profiles_that_share_four_services_keep_their_processes(tmp_path: Path) -> None:
    shared = "".join(f"  s{number}: {{stub: true, port: auto}}\n" for number in range(4))
    (tmp_path / "devgate.yaml").write_text(f"services:\n{shared}  mine: {{stub: true, port: auto}}\n")
    (tmp_path / "other.yaml").write_text(f"services:\n  theirs: {{stub: true, port: auto}}\n{shared}")

    def pids() -> dict[str, int]:
        return {row["name"]: row["pid"] for row in up.status()["services"] if row["name"].startswith("s")}

    with Up(("--port", "0"), tmp_path) as up:
        up.ready()
        before = pids()
        assert len(before) == 4
        assert "keep 4 · start 1 · stop 1" in up.cli("switch", "other.yaml", "--yes").stdout
        wait_until(lambda: up.service("theirs")["state"] == "ready", "the new one")
        assert pids() == before
        assert {row["name"] for row in up.status()["services"]} == {*before, "theirs"}


def test_an_edited_file_is_taken_live_and_a_broken_one_is_not(two: Path) -> None:
    file = two / "devgate.yaml"
    with Up(("--port", "0"), two) as up:
        url = up.ready()
        assert request(url, "GET", "/new").status == 404
        file.write_text(TWO + "  - {path: /new, service: api}\n")
        wait_until(lambda: request(url, "GET", "/new").status == 200, "the new route")
        file.write_text("services: [\n")
        wait_until(lambda: up.status()["config_problems"], "the refusal")
        assert request(url, "GET", "/new").status == 200
        assert "devgate.yaml:" in up.status()["config_problems"][0]
        file.write_text(TWO)
        wait_until(lambda: request(url, "GET", "/new").status == 404, "the route is gone")
        assert up.status()["config_problems"] == []


def test_client_verbs_reach_the_state_they_name(two: Path) -> None:
    with Up(("--port", "0"), two) as up:
        url = up.ready()
        up.cli("stop", "api")
        assert up.service("api")["state"] == "stopped"
        refused = request(url, "GET", "/api/x", {"Origin": ORIGIN})
        assert refused.status == 503
        assert refused.headers["access-control-allow-origin"] == ORIGIN
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["code"] == "stopped"
        up.cli("start", "api")
        assert request(url, "GET", "/api/x").status == 200
        pid = up.service("api")["pid"]
        up.cli("restart", "api")
        assert up.service("api")["pid"] != pid
        assert "listening" in up.cli("logs", "api").stdout
        assert "/api/*" in up.cli("routes").stdout
        wrong = up.cli("restart", "apo", check=2)
        assert "did you mean 'api'" in wrong.stderr
        up.cli("down")
        assert up.process.wait(DEADLINE_S) == 0
    assert run("status", cwd=two, check=5).stderr


def test_detached_it_runs_until_down(two: Path) -> None:
    port = str(next(free_ports(1)))
    run("up", "-d", "--wait", "--port", port, cwd=two)
    try:
        assert request(f"http://127.0.0.1:{port}", "GET", "/api/x").status == 200
        pid = json.loads(run("status", "--json", cwd=two).stdout)["services"][0]["pid"]
    finally:
        run("down", cwd=two)
    assert not psutil.pid_exists(pid)
    with pytest.raises(OSError, match="refused"):
        request(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("background", [True, False])
def test_agreement_is_to_what_was_shown_and_not_to_what_comes_later(tmp_path: Path, background: bool) -> None:
    """A pulled branch starts nothing by itself, in the background neither, and a switch is no way round that."""
    file = tmp_path / "devgate.yaml"
    text = f"gateway: {{port: 0}}\nservices:\n  a: {{command: 'echo {tmp_path.name}; sleep 1000'}}\n"
    file.write_text(text)
    run("up", "-d", "--wait", "--trust", cwd=tmp_path)
    run("down", cwd=tmp_path)
    with ExitStack() as stack:
        if background:
            run("up", "-d", "--wait", cwd=tmp_path)
            stack.callback(run, "down", cwd=tmp_path)
        else:
            stack.enter_context(Up((), tmp_path)).ready()

        def problems() -> list[str]:
            found: list[str] = json.loads(run("status", "--json", cwd=tmp_path).stdout)["config_problems"]
            return found

        later = text + "  later: {command: 'touch ran; sleep 1000'}\n"
        file.write_text(later)
        wait_until(problems, "the refusal")
        assert "nobody has agreed" in run("status", cwd=tmp_path).stdout
        assert "later runs touch ran" in run("reload", cwd=tmp_path, check=2).stdout
        (tmp_path / "new.yaml").write_text(later)
        assert "later runs touch ran" in run("switch", "new.yaml", "--yes", cwd=tmp_path, check=2).stdout
        assert not (tmp_path / "ran").exists()
        run("reload", "--trust", cwd=tmp_path)
        wait_until((tmp_path / "ran").exists, "what was agreed to runs")
        assert not problems()


def test_a_taken_port_is_said_in_lines_of_its_own_from_the_background(two: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("up", "-d", "--port", str(taken.getsockname()[1]), cwd=two, check=3)
    assert "\\n" not in done.stderr
    first, hint = done.stderr.splitlines()
    assert first.startswith("devgate: Port ")
    assert "--port" in hint
    assert not (two / ".devgate").exists()


def test_sync_turns_to_warning_and_critical(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text(
        "sync: {version: 2.0.0, interval: 200ms, warning: 600ms, critical: 1200ms, fail_health: true}\n"
        "services: {old: {stub: {version: 1.0.0}, port: auto}, new: {stub: {version: 2.0.0}, port: auto}}\n"
        "routes: [{path: /x, service: old}]\n"
    )
    with Up(("--port", "0"), tmp_path) as up:
        url = up.ready()
        up.next_event("sync_changed", lambda event: event["service"] == "old" and event["new"] == "warning")
        up.next_event("sync_changed", lambda event: event["service"] == "old" and event["new"] == "critical")
        answer = request(url, "GET", "/health/sync")
        sync = answer.json()
        assert (answer.status, sync["status"]) == (503, "critical")
        assert sync["services"]["new"]["status"] == "synced"
        assert up.service("old")["sync"]["state"] == "critical"


def test_the_breaker_opens_on_failures_and_is_reset_by_hand(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text(
        "services: {bad: {stub: {fail: 1.0, fail_status: 500}, port: auto, ready: {tcp: true},"
        " breaker: {failures: 3, open: 60s}}}\n"
        "routes: [{path: /x, service: bad}]\n"
    )
    with Up(("--port", "0"), tmp_path) as up:
        url = up.ready()
        statuses = [request(url, "GET", "/x").status for _ in range(5)]
        assert statuses == [500, 500, 500, 503, 503]
        refused = request(url, "GET", "/x")
        assert refused.json()["code"] == "circuit-open"
        assert int(refused.headers["retry-after"]) > 50
        assert up.service("bad")["breaker"]["state"] == "OPEN"


def test_a_client_that_leaves_and_nonsense_on_the_wire_hurt_nobody(two: Path) -> None:
    with Up(("--port", "0"), two) as up:
        url = up.ready()
        parts = urlsplit(url)
        for nonsense in (
            b"\x00\xff\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /api/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        ):
            with socket.create_connection((parts.hostname, parts.port), timeout=DEADLINE_S) as raw:
                raw.sendall(nonsense)
                assert raw.recv(100).startswith(b"HTTP/1."), nonsense
        evil = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=DEADLINE_S)
        evil.request("GET", "/api/x", headers={"Host": "evil.example"})
        assert evil.getresponse().status == 403
        evil.close()
        assert request(url, "GET", "/api/x").status == 200
