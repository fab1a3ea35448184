"""`devgate doctor` and `devgate prune`: what they see of real ports and real leftovers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from devgate import processes, runfile
from devgate.cli import examination
from devgate.errors import Exit
from devgate.runfile import RunFile
from devgate.supervisor import ports
from devgate.supervisor.kinship import new_mark
from tests.deadline import DEADLINE_S
from tests.samples import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Cli

LEFT = f"{os.getpid()}-1-00ff"
"""The mark of a devgate that is gone: this pid was born at another time."""


@pytest.fixture
def port() -> int:
    with ports.reserve() as held:
        return int(held.getsockname()[1])


def write(folder: Path, port: int, services: str) -> None:
    (folder / "devgate.yaml").write_text(
        f"version: 1\nname: mine\ngateway: {{port: {port}}}\nservices:\n{services}routes: [{{path: /*, service: a}}]\n"
    )


def look(cli: Cli, *args: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and the last finding for each thing."""
    result = cli("doctor", "--json", *args)
    document = result.json()
    assert document["ok"] is (result.code == 0)
    return result.code, {one["what"]: one for one in document["findings"]}


def test_everything_is_well(cli: Cli, tmp_path: Path, port: int) -> None:
    write(tmp_path, port, "  a: {command: 'true', port: auto}\n  b: {stub: true}\n")
    code, found = look(cli)
    assert code == 0
    assert (found["gateway"]["verdict"], found["gateway"]["text"]) == ("good", f"port {port} is free")
    assert found["a"] == {"what": "a", "verdict": "good", "text": "can be started, port auto", "hint": ""}
    assert found["b"]["text"] == "runs as a stand-in"
    assert found["profile"]["text"] == "devgate.yaml: 2 services, 1 route"
    assert not (tmp_path / ".devgate").exists(), "it changes nothing"


def test_pages_of_the_internet_meet_a_question_of_the_browser(cli: Cli, tmp_path: Path, port: int) -> None:
    write(tmp_path, port, "  a: {command: 'true', port: auto}\n")
    assert "pages" not in look(cli)[1]
    profile = tmp_path / "devgate.yaml"
    origins = (
        "['https://*.example.test', 'http://10.1.1.1', 'tauri://localhost', 'http://[::1]:1', 'http://a.localhost']"
    )
    profile.write_text(profile.read_text().replace("gateway: {", f"gateway: {{cors: {{origins: {origins}}}, "))
    code, found = look(cli)
    assert code == 0
    assert found["pages"]["text"].startswith("Chrome asks the user before https://*.example.test, http://10.1.1.1 ")


def test_limits_of_each_client_count_one_here(cli: Cli, tmp_path: Path, port: int) -> None:
    write(tmp_path, port, "  a: {command: 'true', port: auto}\n")
    assert "quotas" not in look(cli)[1]
    profile = tmp_path / "devgate.yaml"
    written = profile.read_text()
    rules = "limits: {rules: [{by: ip, limit: 9}, {by: global, limit: 9}]}"
    profile.write_text(written.replace("gateway: {", f"gateway: {{{rules}, "))
    code, found = look(cli)
    assert code == 0
    assert found["quotas"]["text"] == "per_ip: all that comes from this machine counts as one client"
    profile.write_text(written.replace("gateway: {", f"gateway: {{{rules}, trusted_proxies: [127.0.0.1], "))
    assert "quotas" not in look(cli)[1]


def test_taken_ports_name_their_owner(cli: Cli, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        first, second = one.getsockname()[1], two.getsockname()[1]
        write(tmp_path, first, f"  a: {{command: 'true', port: {second}}}\n")
        code, found = look(cli)
    assert code == 1
    for name, number in (("gateway", first), ("a", second)):
        assert found[name]["verdict"] == "bad"
        assert found[name]["text"].startswith(f"port {number} is taken by pid {os.getpid()} (")
        assert "--take-port" in found[name]["hint"]


def test_what_is_not_here(cli: Cli, tmp_path: Path, port: int) -> None:
    with ports.reserve([port]) as held:
        other = held.getsockname()[1]
    write(
        tmp_path, port,
        "  a: {command: nonesuch-x --y, port: auto}\n"
        "  b: {command: nonesuch-x, autostart: false}\n"
        "  c: {command: nonesuch-x, missing: stub}\n"
        "  d: {command: 'true', cwd: nowhere}\n"
        f"  e: {{url: 'http://127.0.0.1:{other}'}}\n",
    )  # fmt: skip
    code, found = look(cli)
    assert code == 1
    verdicts = {name: found[name]["verdict"] for name in "abcde"}
    assert verdicts == {"a": "bad", "b": "warning", "c": "good", "d": "bad", "e": "warning"}
    assert "nonesuch-x is not on this machine" in found["a"]["text"]
    assert "its command is not on this machine" in found["c"]["text"]
    assert "refused" in found["e"]["text"]


def test_a_profile_that_does_not_load(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text("services: {a: {commmand: x}}\n")
    code, found = look(cli)
    assert code == 1
    assert found["profile"]["verdict"] == "bad"
    assert "commmand" in found["profile"]["text"]
    assert "\n" not in found["profile"]["text"]
    assert look(cli, "no-such")[1]["profile"]["text"] == "there is no profile 'no-such'"


def test_as_text_hints_stand_below(cli: Cli, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, port, "  a: {command: nonesuch-x, port: auto}\n")
    monkeypatch.setenv("http_proxy", "\x1b[2J")
    monkeypatch.setenv("TERM", "\x1b[2J")
    result = cli("doctor")
    assert result.code == 1
    lines = result.out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("✖ a "))
    assert lines[at + 1].strip().startswith("install it")
    assert "\x1b" not in result.out


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"http_proxy": "http://proxy:3128"}, "http_proxy is set"),
        ({"http_proxy": "http://proxy:3128", "no_proxy": "x,127.0.0.1"}, ""),
        ({"ALL_PROXY": "socks5://proxy", "NO_PROXY": "*"}, ""),
        ({"DEVGATE_PROFILE": "demo"}, "DEVGATE_PROFILE chooses demo"),
    ],
)
def test_variables_that_lead_elsewhere(environ: dict[str, str], text: str) -> None:
    found = [one.text for one in examination.system(environ) if one.what == "environment"]
    assert [text in one for one in found] == [True] * bool(text)


@pytest.fixture
def left() -> Iterator[subprocess.Popen[bytes]]:
    """What a devgate has left behind that is gone."""
    popen = subprocess.Popen(["sleep", "600"], env={**os.environ, processes.MARK: f"{LEFT}:web#0;"})
    yield popen
    popen.kill()
    popen.wait()


linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the mark")


@linux
@pytest.mark.usefixtures("alone_with_leftovers")
def test_leftovers_are_seen_and_ended(cli: Cli, tmp_path: Path, left: subprocess.Popen[bytes]) -> None:
    run = RunFile.here(control_url="", token="", url="", profile="", started_at=0.0, mark=LEFT)
    runfile.claim(state := runfile.state_folder(tmp_path), run)
    text = (state / runfile.FILE).read_text()
    (state / runfile.FILE).write_text(text.replace(f'"birth": {run.birth}', '"birth": 1'))
    _, found = look(cli, "demo")
    assert f"pid {left.pid} (web)" in found["leftovers"]["text"]
    assert "ended without clearing up" in found["devgate"]["text"]

    planned = cli("prune", "--dry-run")
    assert (planned.code, left.poll()) == (0, None)
    assert f"would end what the devgate with pid {os.getpid()} has left" in planned.out
    assert runfile.read(state) is not None

    pruned = cli("prune", "--json")
    assert pruned.code == 0
    assert left.wait(DEADLINE_S) != 0
    mine = next(one for one in pruned.json()["devgates"] if one["devgate"] == os.getpid())
    assert mine["processes"] == [{"pid": left.pid, "service": "web", "ended": True}]
    assert pruned.json()["run_file"] == os.getpid()
    assert runfile.read(state) is None
    assert f"pid {left.pid}" not in cli("prune").out


@linux
@pytest.mark.usefixtures("alone_with_leftovers")
def test_a_port_that_a_leftover_holds_is_no_obstacle(cli: Cli, tmp_path: Path, port: int) -> None:
    with ports.reserve([port]) as held:
        mine = held.getsockname()[1]
    write(tmp_path, port, f"  a: {{command: 'true', port: {mine}}}\n")
    thief = subprocess.Popen(
        command("thief", mine), env={**os.environ, processes.MARK: f"{LEFT}:old#0;"}, stdout=subprocess.PIPE
    )
    try:
        assert thief.stdout is not None
        thief.stdout.readline()
        code, found = look(cli)
        assert (code, found["a"]["verdict"]) == (0, "warning")
        assert found["a"]["text"].endswith(f"left behind by a devgate that is gone (pid {os.getpid()}, service old)")
        assert "`devgate up` ends it" in found["a"]["hint"]
        assert thief.poll() is None
    finally:
        thief.kill()
        thief.communicate()


@linux
@pytest.mark.usefixtures("alone_with_leftovers")
def test_what_belongs_to_a_running_devgate_stays(cli: Cli, tmp_path: Path) -> None:
    run = RunFile.here(control_url="", token="", url="", profile="", started_at=0.0)
    runfile.claim(state := runfile.state_folder(tmp_path), run)
    popen = subprocess.Popen(["sleep", "600"], env={**os.environ, processes.MARK: f"{new_mark()}:web#0;"})
    try:
        assert f"pid {popen.pid}" not in cli("prune").out
        assert popen.poll() is None
        assert runfile.read(state) == run
    finally:
        popen.kill()
        popen.wait()
        runfile.release(state, run)


def test_nothing_runs_in_a_folder_that_is_not_there(cli: Cli) -> None:
    assert cli("doctor", "--project", "nowhere").code == Exit.USAGE
