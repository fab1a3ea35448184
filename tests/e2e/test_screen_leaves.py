"""Programs that take the terminal over, and a log that is faster than any eye, in a real terminal with real services."""

from __future__ import annotations

import stat
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.harness import run
from tests.e2e.terminal import Terminal
from tests.e2e.test_screen import assert_restored

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e


def program(file: Path, text: str) -> str:
    file.write_text(f"#!{sys.executable}\n{text}")
    file.chmod(stat.S_IRWXU)
    return str(file)


@pytest.fixture
def chatty(tmp_path: Path) -> Path:
    (tmp_path / "chatty.py").write_text(
        "import time\nprint('a first line', flush=True)\nprint('an ERROR line', flush=True)\ntime.sleep(600)\n"
    )
    (tmp_path / "devgate.yaml").write_text(f"services:\n  chatty: {{command: [{sys.executable}, chatty.py]}}\n")
    return tmp_path


def test_a_log_is_read_in_the_pager_which_ctrl_c_and_ctrl_z_do_not_leave(chatty: Path) -> None:
    pager = program(
        chatty / "pager",
        "import signal, sys\nfrom pathlib import Path\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "text = Path(sys.argv[-1]).read_text()\n"
        "greeting = f'the pager has {text.count(\"line\")} lines\\n'\n"
        "while True:\n"
        "    try:\n        sys.stdout.write(greeting)\n        greeting = ''\n        sys.stdout.flush()\n"
        "        print('you typed', sys.stdin.readline().strip(), flush=True)\n        break\n"
        "    except KeyboardInterrupt:\n        print('the pager was interrupted', flush=True)\n",
    )
    with Terminal(("up", "--port", "0", "--trust"), chatty, PAGER=pager) as terminal:
        terminal.wait_for("a first line")  # in the log itself; the last error also stands above it
        terminal.press("3")
        terminal.wait_for("3 logs")
        offset = terminal.press("v")
        terminal.wait_for("the pager has 2 lines", after=offset)
        offset = terminal.press("\x03")
        terminal.wait_for("the pager was interrupted", after=offset)
        terminal.press("\x1a")
        offset = terminal.press("hello\n")
        terminal.wait_for("you typed hello", after=offset)
        terminal.wait_for("chatty", after=offset)
        assert "chatty" in run("status", cwd=chatty).stdout
        terminal.quit()
        assert_restored(terminal)


def test_a_pager_that_is_not_there_is_said(chatty: Path) -> None:
    with Terminal(("up", "--port", "0", "--trust"), chatty, PAGER="no-such-pager") as terminal:
        terminal.wait_for("a first line")  # in the log itself; the last error also stands above it
        terminal.press("v")
        terminal.wait_for("no-such-pager does not start")
        terminal.quit()


def test_devgate_ends_under_an_open_pager(chatty: Path) -> None:
    pager = program(chatty / "pager", "import time\nprint('the pager is here', flush=True)\ntime.sleep(600)\n")
    with Terminal(("up", "--port", "0", "--trust"), chatty, PAGER=pager) as terminal:
        terminal.wait_for("a first line")  # in the log itself; the last error also stands above it
        offset = terminal.press("v")
        terminal.wait_for("the pager is here", after=offset)
        run("down", cwd=chatty)
        assert terminal.wait() == 0
        assert_restored(terminal)


def test_a_burst_of_lines_stalls_neither_the_service_nor_the_keys(tmp_path: Path) -> None:
    (tmp_path / "burst.py").write_text(
        "import time\nfrom pathlib import Path\n"
        "while not Path('go').exists():\n    time.sleep(0.01)\n"
        "for number in range(100000):\n    print('line', number)\n"
        "print('the last line', flush=True)\nPath('done').touch()\ntime.sleep(600)\n"
    )
    (tmp_path / "devgate.yaml").write_text(f"services:\n  burst: {{command: [{sys.executable}, burst.py]}}\n")
    with Terminal(("up", "--port", "0", "--trust"), tmp_path) as terminal:
        terminal.wait_for("1/1")
        terminal.press("3")
        terminal.wait_for("3 logs")
        (tmp_path / "go").touch()
        terminal.wait_for("the last line")
        assert (tmp_path / "done").exists()
        offset = terminal.press("/")
        terminal.wait_for("clear", after=offset)
        offset = terminal.press("skipped\r")
        terminal.wait_for("skipped here; full in the log file", after=offset)
        terminal.quit()


def test_a_profile_is_edited_at_its_first_problem_and_read_again(tmp_path: Path) -> None:
    profile = tmp_path / "devgate.yaml"
    profile.write_text("services:\n  api: {stub: true, port: auto}\n")
    editor = program(
        tmp_path / "nano",
        "import sys\nfrom pathlib import Path\nprint('the editor was told', *sys.argv[1:], flush=True)\n"
        "sys.stdin.readline()\nPath(sys.argv[-1]).write_text('services:\\n  api: {stub: true, port: auto}\\n')\n",
    )
    with Terminal(("up", "--port", "0", "--trust"), tmp_path, EDITOR=editor, VISUAL="") as terminal:
        terminal.wait_for("1/1")
        profile.write_text("services:\n  api: {stub: true, prot: auto}\n")
        terminal.wait_for("config error")
        terminal.press("5")
        terminal.wait_for("did you mean")
        offset = terminal.press("v")
        terminal.wait_for("the editor was told +2 ", after=offset)
        offset = terminal.press("\r")
        terminal.wait_for("nothing to do", after=offset)
        terminal.quit()
