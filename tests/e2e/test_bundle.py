"""The bundle that `make bundle` builds: everything that a checkout can do, without Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from devgate import __version__
from tests.deadline import wait_until
from tests.e2e.harness import Up, alive, environment, request, run, survivors
from tests.e2e.terminal import Terminal
from tests.tools import lack, require_tool

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]  # the first test waits for the build

ROOT = Path(__file__).parents[2]
BUILD_S = 300
USERS_LIBRARIES = "/usr/local/some lib"

Command = tuple[str, ...]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The one-folder bundle's program, in a folder whose name needs quoting."""
    require_tool("objcopy")
    folder = tmp_path_factory.mktemp("bundle")
    dist = folder / "pro grams ü"
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR"]
    command += ["--distpath", str(dist), "--workpath", str(folder / "build"), "devgate.spec"]
    built = subprocess.run(
        command, cwd=ROOT, env=environment(PYINSTALLER_CONFIG_DIR=str(folder / "cache")), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=BUILD_S, check=False,
    )  # fmt: skip
    if "PythonLibraryNotFoundError" in built.stderr:
        lack("Python's shared library is not installed, which a bundle carries")
    assert built.returncode == 0, built.stderr
    return (str(dist / "devgate" / "devgate"),)


def test_it_needs_no_python_and_obeys_none_of_its_variables(bundle: Command, tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise SystemExit('taken from the working folder')")
    env = {"PATH": "/nowhere", "PYTHONHOME": "/nowhere", "PYTHONPATH": str(tmp_path)}
    version = run("--version", cwd=tmp_path, command=bundle, **env)
    assert (version.stdout, version.stderr) == (f"devgate {__version__}\n", "")
    assert "Start the services" in run("--help", cwd=tmp_path, command=bundle, **env).stdout


def test_profiles_are_found_checked_and_explained(bundle: Command, tmp_path: Path) -> None:
    for name in ("demo", "fechatter/development", "fechatter/production", "fechatter/ha"):
        assert "is good" in run("check", name, cwd=tmp_path, command=bundle).stdout
    assert "search-service" in run("config", "demo", cwd=tmp_path, command=bundle).stdout
    (tmp_path / "devgate.yaml").write_text("services:\n  api: {comand: x}\n")
    assert "did you mean command?" in run("check", cwd=tmp_path, command=bundle, check=2).stderr


@pytest.mark.parametrize("arguments", [("schema",), ("schema", "--markdown")], ids=" ".join)
def test_the_schema_is_that_of_the_checkout(bundle: Command, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ours = run(*arguments, cwd=tmp_path, command=bundle).stdout
    assert ours == run(*arguments, cwd=tmp_path).stdout


def test_without_a_profile_the_demo_runs_from_the_bundle_alone(bundle: Command, tmp_path: Path) -> None:
    with Up(("--port", "0", "--auto-ports"), tmp_path, command=bundle) as up:
        listening = up.next_event("listening")
        assert (listening["pid"], listening["profile"]) == (up.process.pid, "demo")
        url = up.ready()
        answer = request(url, "GET", "/api/workspace/chats")
        assert (answer.status, answer.headers["x-stub-service"]) == (200, "fechatter-server")
        assert [chat["name"] for chat in answer.json()] == ["general", "random"]
        assert {row["state"] for row in up.status()["services"]} == {"ready"}
        family = up.family()
        services = {row["name"] for row in up.status()["services"]}
        assert {tuple(process.cmdline()) for process in family} == {
            (*bundle, "__guardian"),
            *((*bundle, "stub", name) for name in services),
        }
        assert up.stop() == 143
        assert not survivors(family)


def test_killed_it_leaves_no_process(bundle: Command, two: Path) -> None:
    with Up(("--port", "0"), two, command=bundle) as up:
        up.ready()
        family = up.family()
        assert len(family) == 3
        up.process.kill()
        wait_until(lambda: not any(map(alive, family)), "everything is gone")


@pytest.fixture(params=[None, USERS_LIBRARIES], ids=["no library path", "the user's library path"])
def printing(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A project with a service that prints its environment as JSON, and the environment to start it in."""
    script = "import json, os, time; print('env', json.dumps(dict(os.environ))); time.sleep(1000)"
    service = {"command": [sys.executable, "-c", script], "ready": {"log": "^env"}}
    (tmp_path / "devgate.yaml").write_text(json.dumps({"services": {"printing": service}}))
    env = {} if request.param is None else {"LD_LIBRARY_PATH": request.param}
    return tmp_path, env


def printed(text: str) -> dict[str, str]:
    (line,) = (line for line in text.splitlines() if "env {" in line)
    found: dict[str, str] = json.loads(line.partition("env ")[2])
    return found


def assert_untouched(seen: dict[str, str], env: dict[str, str]) -> None:
    """A service sees the user's environment, what devgate tells it, and nothing of the bundle."""
    before = environment(**env)
    for name in ("LD_LIBRARY_PATH", "LD_LIBRARY_PATH_ORIG"):
        assert seen.get(name) == before.get(name)
    added = {name for name in seen.keys() - before.keys() if name not in ("LC_CTYPE",)}
    assert added <= {"DEVGATE_MARK", "DEVGATE_SERVICE", "DEVGATE_URL", "FORCE_COLOR", "PYTHONUNBUFFERED"}


def test_services_see_nothing_of_the_bundle(bundle: Command, printing: tuple[Path, dict[str, str]]) -> None:
    folder, env = printing
    with Up(("--port", "0", "--trust"), folder, env, bundle) as up:
        up.ready()
        assert_untouched(printed(up.cli("logs", "printing").stdout), env)


def test_in_the_background_it_runs_until_down(bundle: Command, printing: tuple[Path, dict[str, str]]) -> None:
    folder, env = printing
    run("up", "-d", "--wait", "--port", "0", "--trust", cwd=folder, command=bundle, **env)
    try:
        status: dict[str, Any] = json.loads(run("status", "--json", cwd=folder, command=bundle).stdout)
        assert_untouched(printed(run("logs", "printing", cwd=folder, command=bundle).stdout), env)
    finally:
        run("down", cwd=folder, command=bundle)
    (service,) = status["services"]
    assert not psutil.pid_exists(service["pid"])
    assert (folder / ".devgate" / "devgate.log").read_text() == ""


def test_the_screen_shows_services_and_q_ends_everything(bundle: Command, two: Path) -> None:
    with Terminal(("up", "--port", "0"), two, command=bundle) as terminal:
        terminal.wait_for("2/2")
        for word in ("api", "events", "ready"):
            assert word in terminal.text
        family = psutil.Process(terminal.devgate).children(recursive=True)
        assert len(family) == 3
        terminal.quit()
        assert not survivors(family)
    assert not os.path.exists(two / ".devgate" / "run.json")
