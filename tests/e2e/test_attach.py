"""The screen of a devgate in another process: seen, used, left, and gone with it."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.deadline import DEADLINE_S
from tests.e2e.harness import Up, request, run
from tests.e2e.terminal import Terminal
from tests.e2e.test_screen import assert_restored

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e


def test_d_leaves_the_screen_and_devgate_goes_on(two: Path) -> None:
    with Up(("--port", "0"), two) as up:
        url = up.ready()
        with Terminal(("attach",), two) as terminal:
            terminal.wait_for("2/2")
            terminal.press("d")
            assert terminal.wait() == 0
            assert_restored(terminal)
            assert "goes on" in terminal.text
        assert request(url, "GET", "/api/x").status == 200


def test_keys_reach_the_devgate_that_is_shown(two: Path) -> None:
    with Up(("--port", "0"), two) as up:
        up.ready()
        before = up.service("api")["pid"]
        with Terminal(("attach",), two) as terminal:
            terminal.wait_for("2/2")
            terminal.press("r")
            up.next_event("service_changed", lambda event: event["service"] == "api" and event["new"] == "stopping")
            up.next_event("service_changed", lambda event: event["service"] == "api" and event["new"] == "ready")
            terminal.press("d")
            assert terminal.wait() == 0
        assert up.service("api")["pid"] != before


def test_q_asks_and_then_stops_devgate(two: Path) -> None:
    with Up(("--port", "0"), two) as up:
        up.ready()
        with Terminal(("attach",), two) as terminal:
            terminal.wait_for("2/2")
            offset = terminal.press("q")
            terminal.wait_for("will stop", after=offset)
            terminal.press("\r")
            assert terminal.wait() == 0
            assert "has stopped" in terminal.text
        assert up.process.wait(DEADLINE_S) == 0


def test_a_devgate_that_ends_takes_its_screen_with_it(two: Path) -> None:
    with Up(("--port", "0"), two) as up:
        up.ready()
        with Terminal(("attach",), two) as terminal:
            terminal.wait_for("2/2")
            up.cli("down")
            assert terminal.wait() == 0
            assert_restored(terminal)
            assert "has stopped" in terminal.text


def test_a_devgate_that_is_killed_takes_its_screen_with_it(two: Path) -> None:
    with Up(("--port", "0"), two) as up:
        up.ready()
        with Terminal(("attach",), two) as terminal:
            terminal.wait_for("2/2")
            up.process.kill()
            assert terminal.wait() == 0
            assert_restored(terminal)


@pytest.mark.parametrize(("sig", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_screen_alone(two: Path, sig: signal.Signals, code: int) -> None:
    with Up(("--port", "0"), two) as up:
        url = up.ready()
        with Terminal(("attach",), two) as terminal:
            terminal.wait_for("2/2")
            os.kill(terminal.devgate, sig)
            assert terminal.wait() == code
            assert_restored(terminal)
        assert request(url, "GET", "/api/x").status == 200


def test_a_second_up_on_a_terminal_shows_the_first(two: Path) -> None:
    with Up(("--port", "0"), two) as up:
        up.ready()
        with Terminal(("up",), two) as terminal:
            terminal.wait_for("2/2")
            terminal.press("d")
            assert terminal.wait() == 0
        assert up.process.poll() is None


def test_a_second_up_with_another_profile_is_told_to_switch(two: Path) -> None:
    with Up(("--port", "0"), two) as up:
        url = up.ready()
        with Terminal(("up", "demo"), two) as terminal:
            assert terminal.wait() == 6
            assert url in terminal.text
            assert "devgate switch" in terminal.text
        up.cli("switch", "demo", "--yes", "--json")
        with Terminal(("up", "demo"), two) as terminal:
            terminal.wait_for("demo")
            terminal.press("d")
            assert terminal.wait() == 0


def test_a_second_up_with_another_profile_goes_over_where_yes_is_said(two: Path) -> None:
    (two / "other.yaml").write_text("services: {only: {stub: true, port: auto}}\n")
    with Up(("--port", "0"), two) as up:
        up.ready()
        assert "switch" in run("up", "other.yaml", "-d", cwd=two, check=6).stderr
        said = run("up", "other.yaml", "-d", "--wait", "--yes", cwd=two).stdout
        assert "other is running" in said
        assert [(row["name"], row["state"]) for row in up.status()["services"]] == [("only", "ready")]
        with Terminal(("up", "devgate.yaml", "--yes"), two) as terminal:
            terminal.wait_for("2/2")
            terminal.press("d")
            assert terminal.wait() == 0
        assert up.status()["total"] == 2


def test_without_a_terminal_there_is_no_screen(two: Path) -> None:
    assert "no devgate runs here" in run("attach", cwd=two, check=5).stderr
    with Up(("--port", "0"), two) as up:
        up.listening()
        assert "devgate status" in run("attach", cwd=two, check=2).stderr
        assert json.loads((two / ".devgate" / "run.json").read_text())["pid"] == up.process.pid
