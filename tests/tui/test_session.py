"""The one way in, in a real terminal: the terminal is whole after every kind of end, and nothing writes over the screen."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal

ROOT = Path(__file__).parents[2]

PROGRAM = """
import asyncio, logging, sys
from tests.tui.fake_control import FakeControl, log_lines, sample
from devgate.tui.app import DevgateApp
from devgate.tui.session import run_screen

logging.basicConfig(level=logging.WARNING)

class Control(FakeControl):
    def request_stop(self, reason, *, now=False):
        super().request_stop(reason, now=now)
        shown.cancel()

def crash(self):
    raise RuntimeError("a bug in a key")

def give_up(self, event):
    if event.key == "f9":
        token = "".join(("t0ken", "-of-the-api"))
        raise RuntimeError("a bug in the screen")

async def main():
    global shown
    DevgateApp.action_help = crash
    DevgateApp.on_key = give_up
    control = Control(sample(), log_lines())
    shown = asyncio.create_task(run_screen(control, ready=lambda: logging.warning("logged while the screen is up")))
    try:
        code = await shown
    except asyncio.CancelledError:
        code = "cancelled"
    print("the code is", code)

asyncio.run(main())
"""


@pytest.fixture
def terminal(tmp_path: Path):
    command = (sys.executable, "-c", PROGRAM)
    with Terminal((), tmp_path, command=command, columns=80, rows=24, PYTHONPATH=str(ROOT)) as shown:
        shown.wait_for("fechatter-server")
        yield shown


def assert_whole(terminal: Terminal) -> None:
    last = terminal.raw[terminal.raw.rindex(b"\x1b[?1049h") :]
    for sequence in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l"):
        assert sequence in last


def test_a_bug_in_a_key_is_a_notice_and_a_crash_of_the_screen_a_return_code_and_a_report(terminal: Terminal):
    terminal.press("?")
    terminal.wait_for("That key failed")
    terminal.press("\x1b[20~")  # F9
    terminal.wait_for("the code is 1")
    assert_whole(terminal)
    for bug in ("a bug in a key", "a bug in the screen", "in give_up"):
        assert bug in terminal.text
    assert "t0ken-of-the-api" not in terminal.text  # Textual's own report lists every variable


def test_being_cancelled_is_passed_on(terminal: Terminal):
    terminal.press("q")
    terminal.wait_for("Stop devgate?")
    terminal.press("y")
    terminal.wait_for("the code is cancelled")
    assert_whole(terminal)


def test_what_is_logged_waits_until_the_screen_is_gone(terminal: Terminal):
    terminal.press("q")
    terminal.wait_for("Stop devgate?")
    assert "logged while the screen is up" not in terminal.text
    terminal.press("\r")
    terminal.wait_for("the code is")
    left = terminal.raw[terminal.raw.rindex(b"\x1b[?1049l") :]
    assert b"logged while the screen is up" in left


def test_the_mouse_can_be_left_to_the_terminal(terminal: Terminal):
    offset = terminal.press("m")
    terminal.wait_for("it back.", after=offset)
    assert b"\x1b[?1000l" in terminal.raw[offset:]
    offset = terminal.press("m")
    terminal.wait_for("devgate's", after=offset)
    assert b"\x1b[?1000h" in terminal.raw[offset:]
