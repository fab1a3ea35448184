"""The screen in a real terminal, with real services."""

from __future__ import annotations

import json
import os
import signal
import sys
import termios
from typing import TYPE_CHECKING

import pytest

from tests.deadline import wait_until
from tests.e2e.harness import run
from tests.e2e.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l")
"""Alternate screen left, cursor shown, mouse off."""


def assert_restored(terminal: Terminal) -> None:
    last = terminal.raw.rindex(b"\x1b[?1049h")
    for sequence in RESTORED:
        assert sequence in terminal.raw[last:], f"{sequence!r} is missing at the end"
    assert termios.tcgetattr(terminal.master)[3] == terminal.before[3]


@pytest.mark.parametrize(("columns", "rows"), [(160, 45), (120, 40), (80, 24)])
def test_services_are_shown_and_q_ends_everything(two: Path, columns: int, rows: int) -> None:
    with Terminal(("up", "--port", "0"), two, columns=columns, rows=rows) as terminal:
        terminal.wait_for("ready")
        terminal.wait_for("2/2")
        terminal.quit()
        assert_restored(terminal)
    run("status", cwd=two, check=5)


def test_r_restarts_the_selected_service(two: Path) -> None:
    with Terminal(("up", "--port", "0"), two) as terminal:
        terminal.wait_for("2/2")
        offset = terminal.press("r")
        terminal.wait_for("run 2", after=offset)
        terminal.wait_for("ready", after=offset)


def test_keys_are_answered_while_a_service_floods_its_log(tmp_path: Path) -> None:
    flood = json.dumps([sys.executable, "-c", "while True: print('x' * 100)"])
    (tmp_path / "devgate.yaml").write_text(
        f"services:\n  flood: {{command: {flood}}}\n  web: {{stub: true, port: auto}}\n"
    )
    with Terminal(("up", "--port", "0", "--trust"), tmp_path) as terminal:
        terminal.wait_for("2/2")
        terminal.press("3")
        terminal.wait_for("x" * 100)
        for key, shown in (("2", "Requests"), ("4", "Health"), ("3", "Log flood"), ("1", "Req/m")):
            offset = terminal.press(key)
            terminal.wait_for(shown, after=offset)
        terminal.quit()


@pytest.mark.parametrize(("sig", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_the_terminal_is_whole_after_every_signal(two: Path, sig: signal.Signals, code: int) -> None:
    with Terminal(("up", "--port", "0"), two) as terminal:
        terminal.wait_for("2/2")
        os.kill(terminal.devgate, sig)
        assert terminal.wait() == code
        assert_restored(terminal)


def test_the_terminal_is_whole_after_a_kill(two: Path) -> None:
    with Terminal(("up", "--port", "0"), two) as terminal:
        terminal.wait_for("2/2")
        os.kill(terminal.devgate, signal.SIGKILL)
        assert terminal.wait() == 128 + signal.SIGKILL

        def restored() -> bool:
            terminal.read()
            last = terminal.raw.rindex(b"\x1b[?1049h")
            return all(sequence in terminal.raw[last:] for sequence in RESTORED)

        wait_until(restored, "the guardian gives the terminal back")


def test_keys_of_ones_own_are_used_and_bad_ones_are_said(two: Path) -> None:
    keys = two / "keys.toml"
    keys.write_text('screen.quit = "ctrl+w"\nservice.explode = "e"\n')
    with Terminal(("up", "--port", "0"), two, DEVGATE_KEYS=str(keys), DEVGATE_THEME="pink") as terminal:
        terminal.wait_for("no key called service.explode")
        terminal.wait_for("there is no theme pink")
        terminal.wait_for("2/2")
        offset = terminal.press("\x17")
        terminal.wait_for("Stop devgate?", after=offset)
        terminal.press("\r")
        assert terminal.wait() == 0


def test_what_was_said_before_the_screen_is_seen_on_it(tmp_path: Path) -> None:
    with Terminal(("up", "--port", "0"), tmp_path) as terminal:
        terminal.wait_for("Before the screen")
        terminal.wait_for("so this is the demo")
        terminal.quit()
