"""A service in a terminal of its own, typed into on devgate's screen: the one that runs it, and one that is attached."""

from __future__ import annotations

import fcntl
import json
import struct
import termios
from typing import TYPE_CHECKING

import pytest

from tests.deadline import wait_until
from tests.e2e.harness import Up, alive
from tests.e2e.terminal import Terminal
from tests.samples import command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

LEAVE = "\x1d"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "devgate.yaml").write_text(
        f"services: {{repl: {{command: {json.dumps(command('terminal'))}, tty: true, ready: {{log: size}}}}}}\n"
    )
    return tmp_path


def converse(terminal: Terminal) -> None:
    """Ask for the log, type, be answered, interrupt it, and leave."""
    terminal.press("3")
    terminal.wait_for("name?")
    terminal.press("i")
    terminal.wait_for("every other key")
    offset = terminal.press("qed")
    terminal.wait_for("qed", after=offset)
    offset = terminal.press("\r")
    terminal.wait_for("heard qed", after=offset)
    offset = terminal.press("\x03")
    terminal.wait_for("interrupted", after=offset)
    offset = terminal.press(LEAVE)
    terminal.wait_for("i type", after=offset)


def test_on_the_screen_of_the_devgate_that_runs_it(folder: Path) -> None:
    with Terminal(("up", "--port", "0", "--trust"), folder) as terminal:
        terminal.wait_for("1/1")
        converse(terminal)
        terminal.quit()


def test_on_an_attached_screen_whose_size_it_has(folder: Path) -> None:
    with Up(("--port", "0", "--trust"), folder) as up:
        up.ready()
        lines = up.cli("logs", "repl").stdout
        assert "isatty True True True" in lines
        assert "leads True" in lines
        assert "size 120 40" in lines
        with Terminal(("attach",), folder, columns=100, rows=30) as terminal:
            terminal.wait_for("1/1")
            converse(terminal)
            terminal.wait_for("size ")
            offset = len(terminal.raw)
            fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", 35, 130, 0, 0))
            terminal.wait_for("size 11", after=offset)  # the window less the time and the margins
            terminal.press("d")
            assert terminal.wait() == 0
        assert up.service("repl")["state"] == "ready"


def test_it_is_gone_when_devgate_is_killed(folder: Path) -> None:
    with Up(("--port", "0", "--trust"), folder) as up:
        up.ready()
        family = up.family()
        up.process.kill()
        wait_until(lambda: not any(map(alive, family)), "nothing of it is left")
