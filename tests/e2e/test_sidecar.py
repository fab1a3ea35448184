"""As a desktop app's sidecar: ends with the app, and never waits for its reader."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.deadline import DEADLINE_S, wait_until
from tests.e2e.harness import DEVGATE, Up, environment, request, run, survivors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e


class Sidecar:
    """`devgate up --json` with pipes at both ends, as the shell plugin starts it."""

    def __init__(self, folder: Path, *args: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*DEVGATE, "up", "--json", "--port", "0", *args],
            cwd=folder, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def wait_for(self, event: str) -> dict[str, object]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found: dict[str, object] = json.loads(line)
            if found["event"] == event:
                return found
        raise AssertionError(f"ended without {event}")

    def url(self) -> str:
        """From the run file, for those who do not read the output."""
        file = self.folder / ".devgate" / "run.json"
        return str(json.loads(wait_until(lambda: file.exists() and file.read_text(), "the run file"))["url"])


@pytest.fixture
def started() -> Iterator[list[Sidecar]]:
    sidecars: list[Sidecar] = []
    yield sidecars
    for sidecar in sidecars:
        process = sidecar.process
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None and not stream.closed:
                stream.close()


def test_the_end_of_stdin_is_an_orderly_stop(two: Path, started: list[Sidecar]) -> None:
    started.append(sidecar := Sidecar(two, "--watch-stdin"))
    sidecar.wait_for("ready")
    family = psutil.Process(sidecar.process.pid).children(recursive=True)
    assert sidecar.process.stdin is not None
    sidecar.process.stdin.close()
    assert sidecar.wait_for("stopped")["reason"] == "stdin closed"
    assert sidecar.process.wait(DEADLINE_S) == 0
    assert not survivors(family)
    assert not (two / ".devgate" / "run.json").exists()


def test_shutdown_on_stdin_is_an_orderly_stop(two: Path, started: list[Sidecar]) -> None:
    started.append(sidecar := Sidecar(two, "--watch-stdin"))
    sidecar.wait_for("ready")
    assert sidecar.process.stdin is not None
    sidecar.process.stdin.write(b"hello\nshut")
    sidecar.process.stdin.flush()
    assert request(sidecar.url(), "GET", "/api/x").status == 200
    sidecar.process.stdin.write(b"down\r\n")
    sidecar.process.stdin.flush()
    assert sidecar.process.wait(DEADLINE_S) == 0


def test_without_the_option_stdin_says_nothing(two: Path) -> None:
    with Up(("--port", "0"), two) as up:  # its stdin is at its end from the start
        url = up.ready()
        assert request(url, "GET", "/api/x").status == 200


def test_it_ends_with_the_process_it_was_told(two: Path, started: list[Sidecar]) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as parent:
        started.append(sidecar := Sidecar(two, "--parent-pid", str(parent.pid)))
        sidecar.wait_for("ready")
        parent.kill()
    assert "ended" in str(sidecar.wait_for("stopped")["reason"])
    assert sidecar.process.wait(DEADLINE_S) == 0


def test_a_parent_that_is_no_process_is_refused(two: Path) -> None:
    done = run("up", "--json", "--port", "0", "--parent-pid", "4194303", cwd=two, check=2)
    assert "4194303" in done.stderr
    assert not (two / ".devgate" / "run.json").exists()


def test_a_reader_that_never_reads_stops_nobody(tmp_path: Path, started: list[Sidecar]) -> None:
    """More output than pipe and queue hold, and nobody takes any of it, on stdout or stderr."""
    noise = "import sys, time\nwhile True:\n    print('x' * 200, flush=True); time.sleep(0)\n"
    (tmp_path / "noise.py").write_text(noise)
    (tmp_path / "devgate.yaml").write_text(
        f"services:\n  api: {{stub: true, port: auto}}\n  noise: {{command: ['{sys.executable}', noise.py]}}\n"
        "routes:\n  - {path: /api/*, service: api}\n"
    )
    process = subprocess.Popen(
        [*DEVGATE, "up", "--no-tui", "--trust", "--port", "0"],
        cwd=tmp_path, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    sidecar = Sidecar.__new__(Sidecar)
    sidecar.folder, sidecar.process = tmp_path, process
    started.append(sidecar)
    url = sidecar.url()
    log = tmp_path / ".devgate" / "logs"
    wait_until(lambda: sum(file.stat().st_size for file in log.glob("noise.log*")) > 2_000_000, "a flood")
    for _ in range(20):
        assert request(url, "GET", "/api/x").status == 200
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 143
    assert not survivors(family)


def test_a_reader_that_is_gone_does_not_skip_the_clean_up(two: Path, started: list[Sidecar]) -> None:
    started.append(sidecar := Sidecar(two))
    sidecar.wait_for("ready")
    family = psutil.Process(sidecar.process.pid).children(recursive=True)
    for stream in (sidecar.process.stdout, sidecar.process.stderr):
        assert stream is not None
        stream.close()
    sidecar.process.send_signal(signal.SIGTERM)
    assert sidecar.process.wait(DEADLINE_S) == 143
    assert not survivors(family)
    assert not (two / ".devgate" / "run.json").exists()


def test_one_ctrl_c_that_arrives_twice_is_one(tmp_path: Path) -> None:
    """A one-file bundle passes on what the terminal has sent already; a second one that is meant kills."""
    farewell = tmp_path / "farewell"
    code = (
        "import signal, sys, time\n"
        f"def leave(*_):\n    time.sleep(1)\n    open({str(farewell)!r}, 'w').close()\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, leave)\nprint('here', flush=True)\nwhile True: time.sleep(0.1)\n"
    )
    (tmp_path / "slow.py").write_text(code)
    (tmp_path / "devgate.yaml").write_text(
        f"services: {{slow: {{command: ['{sys.executable}', slow.py], ready: {{log: here}}}}}}\n"
    )
    with Up(("--port", "0", "--trust"), tmp_path) as up:
        up.ready()
        os.kill(up.process.pid, signal.SIGINT)
        os.kill(up.process.pid, signal.SIGINT)
        assert up.process.wait(DEADLINE_S) == 130
    assert farewell.exists()
    farewell.unlink()
    with Up(("--port", "0", "--trust"), tmp_path) as up:
        up.ready()
        os.kill(up.process.pid, signal.SIGINT)
        up.next_event("service_changed", lambda event: event["new"] == "stopping")
        wait_until(lambda: _sent_again(up), "the second one counts")
        assert up.process.wait(DEADLINE_S) == 130


def _sent_again(up: Up) -> bool:
    if up.process.poll() is None:
        os.kill(up.process.pid, signal.SIGINT)
    return up.process.poll() is not None
