"""`devgate run -- CMD`, and the options by which CI ends a devgate."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.deadline import DEADLINE_S, wait_until
from tests.e2e.harness import DEVGATE, TWO, Up, alive, environment, free_ports, request, run, survivors

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

BOTH = """
import os, sys, urllib.request
for name in ("DEVGATE_URL", "API_URL", "EVENTS_URL"):
    print(name, urllib.request.urlopen(os.environ[name] + "/api/x").status)
print(os.environ["EXTRA"])
sys.exit(7)
"""


def test_the_command_finds_everything_ready_and_its_code_is_ours(two: Path) -> None:
    (two / "both.py").write_text(BOTH)
    done = run("run", "--port", "0", "-e", "EXTRA=more", "--", sys.executable, "both.py", cwd=two, check=7)
    assert done.stdout.split("\n") == ["DEVGATE_URL 200", "API_URL 200", "EVENTS_URL 200", "more", ""]
    assert done.stderr == ""
    run("status", cwd=two, check=5)


def test_options_after_the_dashes_are_the_commands(two: Path) -> None:
    done = run("run", "--port", "0", "--", sys.executable, "-c", "import sys; print(sys.argv)", "--port", "-x", cwd=two)
    assert "['-c', '--port', '-x']" in done.stdout


def test_a_command_that_is_not_there(two: Path) -> None:
    assert "no-such" in run("run", "--port", "0", "--", "no-such-command", cwd=two, check=127).stderr
    assert "Missing argument" in run("run", "--port", "0", cwd=two, check=2).stderr


def test_what_does_not_start_is_named_and_the_command_not_run(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text("services: {a: {command: [no-such-program]}}\n")
    done = run("run", "--trust", "--port", "0", "--", "touch", "ran", cwd=tmp_path, check=4)
    assert "a is blocked" in done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_command_then_the_services(two: Path, sig: signal.Signals) -> None:
    code = (
        "import os, signal, sys, time, urllib.request\n"
        "def leave(*_):\n"
        "    print(urllib.request.urlopen(os.environ['API_URL']).status, flush=True)\n"
        "    sys.exit(3)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "signal.signal(signal.SIGINT, leave)\n"
        "print('here', flush=True)\nwhile True: time.sleep(0.1)\n"
    )
    process = subprocess.Popen(
        [*DEVGATE, "run", "--port", "0", "--", sys.executable, "-c", code],
        cwd=two, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(sig)
        assert process.stdout.readline() == "200\n"
        assert process.wait(DEADLINE_S) == 3


def test_down_ends_the_command_with_its_children(two: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    process = subprocess.Popen(
        [*DEVGATE, "run", "--port", "0", "--", sys.executable, "-c", code],
        cwd=two, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        family = psutil.Process(process.pid).children(recursive=True)
        run("down", cwd=two)
        assert process.wait(DEADLINE_S) == 0
        assert not survivors(family)


def test_a_killed_run_leaves_no_command(two: Path) -> None:
    process = subprocess.Popen(
        [*DEVGATE, "run", "--port", "0", "--", sys.executable, "-c", "print(1, flush=True); input()"],
        cwd=two, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        wait_until(lambda: not any(map(alive, family)), "all gone")


def test_a_service_that_fails_ends_everything_if_asked(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text(
        "services: {good: {stub: true, port: auto}, bad: {command: 'exit 9', restart: 'no'}}\n"
    )
    with Up(("--port", "0", "--trust", "--exit-on-fail"), tmp_path) as up:
        assert up.next_event("stopped")["reason"] == "bad crashed"
        assert up.process.wait(DEADLINE_S) == 1


@pytest.mark.parametrize(("command", "code"), [("exit 9", 9), ("exit 0", 0), ("kill -9 $$", 137)])
def test_the_exit_code_of_a_service(tmp_path: Path, command: str, code: int) -> None:
    (tmp_path / "devgate.yaml").write_text(
        f"services: {{good: {{stub: true, port: auto}}, test: {{command: '{command}', depends_on: [good]}}}}\n"
    )
    with Up(("--port", "0", "--trust", "--exit-code-from", "test"), tmp_path) as up:
        assert up.process.wait(DEADLINE_S) == code
    assert "did you mean" in run("up", "--exit-code-from", "tes", cwd=tmp_path, check=2).stderr


def test_detached_and_waiting_it_tells_blocked_from_crashed(tmp_path: Path) -> None:
    for command, code in (("[no-such-program]", 4), ("'exit 3', restart: 'no'", 1)):
        (tmp_path / "devgate.yaml").write_text(f"services: {{a: {{command: {command}}}}}\n")
        try:
            done = run("up", "-d", "--wait", "--trust", "--port", "0", cwd=tmp_path, check=code)
            assert "a is " in done.stderr
        finally:
            run("down", cwd=tmp_path)


def test_a_variable_is_in_no_command_line_that_stays(tmp_path: Path) -> None:
    """Those can be read by every user of the machine."""
    (tmp_path / "devgate.yaml").write_text("services: {a: {command: [sleep, '600']}}\n")
    try:
        run("up", "-d", "--wait", "--trust", "--port", "0", "-e", "API_TOKEN=s3cret", cwd=tmp_path)
        devgate = psutil.Process(json.loads((tmp_path / ".devgate" / "run.json").read_text())["pid"])
        (service,) = (one for one in devgate.children() if one.cmdline() == ["sleep", "600"])
        assert service.environ()["API_TOKEN"] == "s3cret"
        assert "DEVGATE_VARIABLES" not in service.environ()
        assert "s3cret" not in " ".join(devgate.cmdline())
    finally:
        run("down", cwd=tmp_path)


def test_two_starts_at_once_are_one(two: Path) -> None:
    port = str(next(free_ports(1)))
    both = [
        subprocess.Popen(
            [*DEVGATE, "up", "--json", "--port", port],
            cwd=two, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        wait_until(lambda: any(one.poll() is not None for one in both), "one gives way")
        loser = next(one for one in both if one.poll() is not None)
        assert loser.returncode == 6, loser.stderr and loser.stderr.read()
        assert request(f"http://127.0.0.1:{port}", "GET", "/api/x").status == 200
    finally:
        for one in both:
            if one.poll() is None:
                os.kill(one.pid, signal.SIGTERM)
            one.communicate(timeout=DEADLINE_S)


def test_a_switch_to_another_port_moves_the_gateway(two: Path) -> None:
    first, second = free_ports(2)
    (two / "devgate.yaml").write_text(f"gateway: {{port: {first}}}\n{TWO}")
    (two / "other.yaml").write_text(f"gateway: {{port: {second}}}\n{TWO}".replace("name: two", "name: other"))
    (two / "taken.yaml").write_text((two / "other.yaml").read_text().replace(str(second), str(first)))
    with Up((), two) as up:
        up.ready()
        pid = up.service("api")["pid"]
        up.cli("switch", "other.yaml", "--yes")
        status = up.status()
        assert status["url"] == f"http://127.0.0.1:{second}"
        assert request(status["url"], "GET", "/api/x").status == 200
        with pytest.raises(OSError, match="refused"):
            request(f"http://127.0.0.1:{first}")
        assert up.service("api")["pid"] == pid
        assert f"127.0.0.1:{second}" in run("up", "--no-tui", cwd=two, check=6).stderr
        with socket.create_server(("127.0.0.1", first)):
            refused = up.cli("switch", "taken.yaml", "--yes", check=3)
            assert str(first) in refused.stderr
        assert up.status()["profile"] == "other"
        assert request(status["url"], "GET", "/api/x").status == 200


def test_a_dry_run_says_what_would_be_blocked(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "devgate.yaml").write_text(
            f"services:\n  web: {{command: sh, port: {port}}}\n  gone: {{command: nonesuch-x}}\n"
            "  off: {command: nonesuch-y, autostart: false}\n"
        )

        def blocked(*options: str) -> list[str]:
            lines = run("up", "--dry-run", *options, cwd=tmp_path).stdout.splitlines()
            return [line.split(": ")[1] for line in lines if line.startswith("would be blocked: ")]

        assert (
            f"would be blocked: web: port {port} is taken by pid {os.getpid()} ("
            in run("up", "--dry-run", cwd=tmp_path).stdout
        )
        assert blocked() == ["web", "gone"]
        assert blocked("--take-port") == blocked("--auto-ports") == ["gone"]
        assert blocked("--stub") == ["web"]
        assert blocked("--only", "gone") == ["gone"]
    assert blocked() == ["gone"]


def test_a_dry_run_starts_nothing(two: Path) -> None:
    done = run("up", "--dry-run", cwd=two)
    assert done.stdout.split("\n")[1:3] == ["  1. api", "  2. events  (needs api)"]
    assert "not started: events" in run("up", "--dry-run", "--only", "api", cwd=two).stdout
    assert "needed by events" in run("up", "--dry-run", "--except", "api", cwd=two, check=2).stderr
    assert "not started: api" in run("up", "--dry-run", "--except", "api", "--no-deps", cwd=two).stdout
    assert not (two / ".devgate").exists()


def test_a_profile_that_does_not_load_has_a_fallback(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text("services: [\n")
    done = run("up", "--dry-run", "--fallback", "demo", cwd=tmp_path)
    assert "demo would listen" in done.stdout
    assert "devgate.yaml:" in done.stderr
    (tmp_path / "devgate.yaml").unlink()
    assert "this is the demo" in run("up", "--dry-run", cwd=tmp_path).stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_and_completes(tmp_path: Path, shell: str) -> None:
    assert "_DEVGATE_COMPLETE" in run("completion", shell, cwd=tmp_path).stdout
    words = {"COMP_WORDS": "devgate sta", "COMP_CWORD": "1", "_DEVGATE_COMPLETE": f"{shell}_complete"}
    words["COMP_CWORD"] = "sta" if shell == "fish" else "1"
    done = run(cwd=tmp_path, **words)
    assert "status" in done.stdout
