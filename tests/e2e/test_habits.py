"""Programs with bad habits beside a service under load: each is started, restarted and stopped as any other, nothing of it is
left, and no request to its neighbour notices."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.deadline import DEADLINE_S, wait_until
from tests.e2e.harness import Up, alive, free_ports, request
from tests.e2e.load import Load
from tests.samples import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e


@contextmanager
def beside(folder: Path, habit: list[str], rest: str = "") -> Iterator[Up]:
    """A devgate with `bad`, which does not start by itself, and a neighbour under load from now on."""
    (folder / "devgate.yaml").write_text(
        "sync: {enabled: false}\nservices:\n"
        f"  bad: {{command: {json.dumps(habit)}, autostart: false{rest}}}\n"
        f"  good: {{command: {json.dumps(command('ledger', folder / 'good.txt'))}, port: auto}}\n"
        "routes: [{path: /good, service: good}]\n"
    )
    with Up(("--port", "0", "--trust"), folder) as up:
        up.ready()
        with Load(up.status()["url"], "/good") as load:
            wait_until(lambda: load.sent > 50, "load")
            yield up
            before = load.sent
            wait_until(lambda: load.sent > before + 50, "load afterwards")
        assert load.bad == []
        assert sorted((folder / "good.txt").read_text().split()) == sorted(load.posted)


def told(up: Up) -> list[psutil.Process]:
    """Those whose pids the last run of `bad` has written down."""
    pids = re.findall(
        r"(?:leader|child|deaf|session|orphan|holder) (\d+)$", up.cli("logs", "bad", "--run", "0").stdout, re.M
    )
    found = []
    for pid in map(int, pids):
        try:
            found.append(psutil.Process(pid))
        except psutil.NoSuchProcess:
            pass
    return found


@pytest.mark.parametrize("kinds", [("child",), ("session", "orphan"), ("deaf",), ("holder", "child")])
def test_families(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    with beside(tmp_path, command("family", *kinds), ", ready: {log: leader}, stop: {grace: 200ms}") as up:
        up.cli("start", "bad")
        first = told(up)
        assert len(first) == len(kinds) + 1
        up.cli("restart", "bad")
        assert not any(map(alive, first))
        second = told(up)
        assert len(second) == len(kinds) + 1
        up.cli("stop", "bad")
        assert not any(map(alive, second))


def test_deaf_to_signals(tmp_path: Path) -> None:
    with beside(tmp_path, command("deaf"), ", ready: {log: deaf}, stop: {grace: 200ms}") as up:
        up.cli("start", "bad")
        process = psutil.Process(up.service("bad")["pid"])
        up.cli("stop", "bad")
        assert not alive(process)
        assert up.service("bad")["state"] == "stopped"


def test_chatty(tmp_path: Path) -> None:
    with beside(tmp_path, command("chatty", 100_000), ", ready: {log: took}") as up:
        up.cli("start", "bad")
        assert "took" in up.cli("logs", "bad", "-n", "3").stdout
        up.cli("restart", "bad")
        up.cli("stop", "bad")


def test_slow(tmp_path: Path) -> None:
    with beside(tmp_path, command("echo", 1.5), ", port: auto, start_timeout: 500ms") as up:
        up.cli("start", "bad", "--no-wait")
        up.next_event("service_changed", lambda event: event["service"] == "bad" and event["new"] == "slow")
        up.cli("start", "bad")
        assert up.service("bad")["state"] == "ready"


def test_crash_at_start(tmp_path: Path) -> None:
    rest = ", ready: {log: never}, give_up: {failures: 2}, backoff: {first: 100ms}"
    with beside(tmp_path, command("crash", 3, 0, "no database"), rest) as up:
        done = up.cli("start", "bad", check=1)
        assert "exit 3" in done.stderr
        row = up.service("bad")
        assert (row["state"], row["exit_code"]) == ("crashed", 3)
        assert "no database" in up.cli("logs", "bad").stdout


def test_requests_that_a_crash_has_failed_are_counted(tmp_path: Path) -> None:
    """Those that could be sent again are not among them."""
    (tmp_path / "service.py").write_text(
        "import os, sys, threading\n"
        "from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer\n"
        "together = threading.Barrier(3, action=lambda: os._exit(3))\n"
        "class Handler(BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(204)\n"
        "        self.end_headers()\n"
        "    def do_POST(self):\n"
        "        together.wait()\n"
        "    def log_message(self, *_): pass\n"
        "ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()\n"
    )
    (tmp_path / "devgate.yaml").write_text(
        "sync: {enabled: false}\nservices:\n"
        f"  shop: {{command: [{sys.executable}, service.py], port: auto, ready: {{http: /}}, restart: 'no'}}\n"
        "routes: [{path: /*, service: shop}]\n"
    )
    with Up(("--port", "0", "--trust"), tmp_path) as up:
        up.ready()
        url = up.status()["url"]
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda _: request(url, "POST", "/buy").status, range(3)))
        assert answers == [502, 502, 502]
        wait_until(lambda: up.service("shop")["cause"].endswith("; 3 requests failed"), "count")
        assert up.service("shop")["cause"].startswith("exit 3")


def test_stdout_held_by_a_grandchild_of_one_that_ends(tmp_path: Path) -> None:
    with beside(tmp_path, command("family", "holder", "exit=7"), ", ready: {log: never}, restart: 'no'") as up:
        done = up.cli("start", "bad", check=1)
        assert "exit 7" in done.stderr
        assert up.service("bad")["state"] == "crashed"
        wait_until(lambda: not any(map(alive, told(up))), "the one that held stdout")


def test_a_port_thief(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    thief = subprocess.Popen([*command("thief", port)], stdout=subprocess.PIPE)
    try:
        assert thief.stdout is not None
        assert thief.stdout.readline() == b"mine\n"
        with beside(tmp_path, command("echo"), f", port: {port}") as up:
            done = up.cli("start", "bad", check=4)
            assert f"pid {thief.pid}" in done.stderr
            assert thief.poll() is None
            thief.kill()
            thief.wait(DEADLINE_S)
            up.cli("start", "bad")
            assert up.service("bad")["port"] == port
    finally:
        thief.kill()
        thief.wait()
        assert thief.stdout is not None
        thief.stdout.close()
