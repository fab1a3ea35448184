"""A terminal that does not read what is drawn, or is gone: the gateway does not care."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import termios
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.deadline import wait_until
from tests.e2e.harness import DEVGATE, TWO, alive, environment, request
from tests.e2e.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e


def url_of(folder: Path) -> str:
    return str(json.loads((folder / ".devgate" / "run.json").read_text())["url"])


def test_a_terminal_that_is_not_read_keeps_no_request_waiting(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text(TWO)
    with Terminal(("up", "--port", "0"), tmp_path, columns=200, rows=60) as terminal:
        terminal.wait_for("2/2")
        url = url_of(tmp_path)
        for number in range(120):  # every few of them draw the whole screen, and nobody looks
            if number % 6 == 0:
                os.write(terminal.master, b"1" if number % 12 else b"5")
            assert request(url, "GET", "/api/x").status == 200
        offset = terminal.press("5")
        terminal.wait_for("Plan", after=offset)
        terminal.quit()


def test_a_terminal_that_is_gone_ends_devgate_and_its_services(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text(TWO)
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(DEVGATE[0], [*DEVGATE, "up", "--port", "0"], environment(TERM="xterm-256color"))
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
    seen = b""
    while b"2/2" not in seen:
        seen += os.read(master, 65536)
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    os.close(master)  # the window is closed: SIGHUP, and every write fails

    def gone() -> bool:
        return not any(map(alive, family))

    try:
        wait_until(gone, "devgate and everything that it started are gone")
    finally:
        for one in family:
            if one.is_running():
                one.kill()
        os.waitpid(pid, 0)
