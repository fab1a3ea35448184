"""Ports in other hands, as a user meets them: taken, adopted, reaped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import psutil
import pytest

from devgate.errors import Exit
from tests.deadline import DEADLINE_S, wait_until
from tests.e2e.harness import Up, free_ports, request, run, survivors
from tests.samples import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

Start = Callable[[str, int], subprocess.Popen[bytes]]


@pytest.fixture
def strangers() -> Iterator[Start]:
    """Programs of somebody else, each on a port."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, port: int) -> subprocess.Popen[bytes]:
        arguments = [port] if name == "thief" else []
        popen = subprocess.Popen(
            command(name, *arguments), env={**os.environ, "PORT": str(port)}, stdout=subprocess.DEVNULL
        )
        started.append(popen)
        wait_until(lambda: holds(popen, port), f"{name} listens")
        return popen

    yield start
    for popen in started:
        popen.kill()
        popen.wait()


def holds(popen: subprocess.Popen[bytes], port: int) -> bool:
    connections = psutil.Process(popen.pid).net_connections("tcp")
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)


def profile(folder: Path) -> tuple[int, int]:
    """Two services with ports of their own; the gateway's port and the first service's."""
    gateway, web = free_ports(2)
    echo = json.dumps(command("echo"))
    probe = "{http: /, start_interval: 50ms, interval: 100ms}"
    (folder / "devgate.yaml").write_text(
        f"version: 1\nname: ports\ngateway: {{port: {gateway}}}\n"
        f"services:\n  web: {{command: {echo}, port: {web}, ready: {probe}}}\n  other: {{stub: true, port: auto}}\n"
        "routes: [{path: /*, service: web}]\n"
    )
    return gateway, web


def test_take_port_ends_whoever_holds_what_is_needed(tmp_path: Path, strangers: Start) -> None:
    gateway, web = profile(tmp_path)
    on_gateway, on_web = strangers("thief", gateway), strangers("echo", web)
    refused = run("up", "--no-tui", "--trust", cwd=tmp_path, check=Exit.GATEWAY_PORT)
    assert f"pid {on_gateway.pid} (" in refused.stderr
    assert "--take-port" in refused.stderr
    bystander = strangers("thief", next(free_ports(1)))
    with Up(("--take-port", "--trust"), tmp_path) as up:
        url = up.ready()
        assert url.endswith(f":{gateway}")
        assert request(url, "GET", "/x").status == 200
        assert up.service("web")["owner"] == "devgate"
        assert on_gateway.wait(DEADLINE_S) == -signal.SIGTERM
        on_web.wait(DEADLINE_S)
        wait_until(lambda: f"ended pid {on_gateway.pid} (" in up.stderr, "it says whom it has ended")
        assert f"ended pid {on_web.pid} (" in up.cli("logs", "web").stdout
    assert bystander.poll() is None


def test_a_port_of_another_devgate_is_not_taken_but_that_one_ended_by_name(tmp_path: Path) -> None:
    first, second = tmp_path / "first one", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "devgate.yaml").write_text("services: {a: {stub: true, port: auto}}\n")
    port = str(next(free_ports(1)))
    with Up(("--port", port), first) as up:
        up.ready()
        for options in ((), ("-d",)):
            refused = run("up", "--no-tui", "--port", port, *options, cwd=second, check=Exit.GATEWAY_PORT).stderr
            assert f"Port {port} is taken by pid {up.process.pid} (devgate in {first})" in refused
            assert f"`devgate down --project '{first}'`" in refused
            assert "--take-port" not in refused
        run("down", "--project", str(first), cwd=second)
        assert up.process.wait(DEADLINE_S) == 0
        run("up", "-d", "--port", port, cwd=second)
        run("down", cwd=second)


@pytest.mark.parametrize("background", [True, False])
def test_auto_ports_says_where_devgate_went_and_why(tmp_path: Path, strangers: Start, background: bool) -> None:
    gateway, _ = profile(tmp_path)
    stranger = strangers("thief", gateway)
    if background:
        said = run("up", "-d", "--auto-ports", "--trust", cwd=tmp_path).stderr
        url = json.loads(run("status", "--json", cwd=tmp_path).stdout)["url"]
        run("down", cwd=tmp_path)
    else:
        with Up(("--auto-ports", "--trust"), tmp_path) as up:
            url = up.listening()
        said = up.stderr
    assert f"Port {gateway} is taken by pid {stranger.pid} (" in said
    assert f"devgate answers at {url} instead" in said
    assert said.count(url) == 1


def test_a_blocked_service_is_adopted_then_taken_over(tmp_path: Path, strangers: Start) -> None:
    _, web = profile(tmp_path)
    stranger = strangers("echo", web)
    with Up(("--trust",), tmp_path) as up:
        url = up.listening()
        assert f"web is blocked: port {web} is taken by pid {stranger.pid}" in up.cli("start", "web", check=4).stderr
        row = up.service("web")
        assert (row["state"], row["blocked_by"]) == ("blocked", "port-in-use")
        assert f"port {web} is taken by pid {stranger.pid}" in up.cli("status").stdout

        assert "web is adopted" in up.cli("adopt", "web").stdout
        row = up.service("web")
        assert (row["state"], row["owner"], row["pid"], row["blocked_by"]) == ("ready", "external", stranger.pid, "")
        assert request(url, "GET", "/x").status == 200
        up.cli("stop", "web", check=1)
        assert stranger.poll() is None

        assert "web is up" in up.cli("take-port", "web").stdout
        stranger.wait(DEADLINE_S)
        row = up.service("web")
        assert (row["state"], row["owner"]) == ("ready", "devgate")
        assert request(url, "GET", "/x").status == 200
        assert "web runs already" in up.cli("take-port", "web", check=1).stderr
        up.cli("adopt", "web", "nonsense", check=2)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows whose a process is")
@pytest.mark.usefixtures("alone_with_leftovers")
def test_what_a_killed_devgate_has_left_is_in_nobodys_way(tmp_path: Path) -> None:
    """Not only devgate dies but its guardian, too, and the folder with the run file is gone."""
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        folder.mkdir()
    gateway, web = profile(before)
    (after / "devgate.yaml").write_text((before / "devgate.yaml").read_text())
    with Up(("--trust",), before) as up:
        up.ready()
        family = up.family()
        left = up.service("web")["pid"]
        for process in family:
            if process.pid not in (left, up.service("other")["pid"]):
                process.kill()  # the guardian
        up.process.kill()
        up.process.wait()
        assert psutil.pid_exists(left)
        found = json.loads(run("doctor", "--json", cwd=after).stdout)["findings"]
        assert any(one["what"] == "leftovers" and f"pid {left} (web)" in one["text"] for one in found)
        with Up(("--trust",), after) as again:
            assert again.ready().endswith(f":{gateway}")
            assert again.service("web")["port"] == web
            assert "left behind by a devgate that is gone" in again.cli("logs", "web").stdout
        assert not survivors(family)


def test_in_the_background_it_is_said_here_who_was_ended(tmp_path: Path, strangers: Start) -> None:
    gateway, _ = profile(tmp_path)
    stranger = strangers("thief", gateway)
    done = run("up", "-d", "--trust", "--take-port", cwd=tmp_path)
    try:
        assert f"devgate: ended pid {stranger.pid} (" in done.stderr
        assert f":{gateway} with profile ports" in done.stdout
    finally:
        run("down", cwd=tmp_path)


def test_wait_and_the_profile_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text("services: {a: {stub: true, port: auto}}\n")
    for words in (("--wait", "small.yaml"), ("small.yaml", "--wait"), ("--wait=60s", "small.yaml")):
        done = run("up", "-d", *words, "--port", "0", cwd=tmp_path)
        assert "with profile small" in done.stdout
        assert "every service is ready" in done.stdout
        assert run("health", cwd=tmp_path).stdout.startswith("healthy: ")
        run("down", cwd=tmp_path)
    assert run("health", cwd=tmp_path, check=Exit.NOT_RUNNING).stdout == ""
