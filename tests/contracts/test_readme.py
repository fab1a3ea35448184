"""The README is true: its profile is good, each of its commands is run, its tables hold what the code has."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from packaging.requirements import Requirement

from devgate.errors import Exit
from devgate.tui import bindings
from tests.deadline import DEADLINE_S
from tests.e2e.harness import Up, environment, free_ports, request, survivors
from tests.e2e.terminal import Terminal
from tests.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
PROSE = BLOCK.sub("", README)
PROGRAMS = ("devgate ", "make ", "pip ", "pipx ", "python ")
FREE_PORTS = ("--port", "0", "--auto-ports")
"""What is added to a command that starts a devgate: 8080 may be somebody else's here."""


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCK.findall(README) if name == language]


def commands() -> list[str]:
    """The lines of the console blocks, what their comments offer instead, and what stands as a command in the text; each once."""
    found = []
    for line in "".join(blocks("console")).splitlines():
        assert line.startswith("$ "), line
        command, _, comment = line.removeprefix("$ ").partition(" # ")
        found.append(command.strip())
        found += re.findall(r"or: (.+)", comment)
    spans = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", PROSE))
    return list(dict.fromkeys([*found, *(span for span in spans if span.startswith(PROGRAMS))]))


def table(header: str) -> list[list[str]]:
    """The cells of the README's table that begins with this header, without its head."""
    lines = README.partition(header)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


class Reader:
    """Somebody who has put the README's profile into a folder, and the programs that it speaks of on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (profile,) = blocks("yaml")
        ports = free_ports(profile.count("port: "))  # `take-port` must not end somebody who is not ours
        (folder / "devgate.yaml").write_text(re.sub(r"port: \d+", lambda _: f"port: {next(ports)}", profile))
        (folder / ".env").touch()
        programs = folder / "programs"
        programs.mkdir()
        (programs / "npm").write_text('#!/bin/sh\necho "npm $1 at $DEVGATE_URL"\n')
        (programs / "npm").chmod(0o755)
        self.path = os.pathsep.join([str(Path(sys.executable).parent), str(programs), os.environ["PATH"]])

    def types(self, line: str, cwd: Path | None = None, *, exits: int = 0) -> str:
        """Run a line in a shell, as it stands; what it wrote to stdout."""
        done = subprocess.run(
            ["sh", "-c", line], cwd=cwd or self.folder, env=environment(PATH=self.path), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=DEADLINE_S * 2, check=False,
        )  # fmt: skip
        assert done.returncode == exits, f"{line}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(tmp_path_factory.mktemp("reader"))


@pytest.fixture(scope="module")
def running(reader: Reader) -> Iterator[Up]:
    """The reader's devgate, which the client verbs talk to; nothing of the profile's commands is on this machine."""
    with Up((*FREE_PORTS, "--stub", "--trust"), reader.folder) as up:
        up.ready()
        yield up


@pytest.fixture
def elsewhere(tmp_path: Path) -> Reader:
    """A reader who runs nothing yet."""
    return Reader(tmp_path)


# How a command is run: each of these takes pytest's request, for the fixtures that it needs, and the line.


def says(text: str, request: pytest.FixtureRequest, line: str) -> None:
    """In the reader's folder, where devgate runs."""
    assert text in request.getfixturevalue("reader").types(line)


def starts(profile: str, request: pytest.FixtureRequest, line: str) -> None:
    """Until every service is ready."""
    _, up, *arguments = shlex.split(line)
    assert up == "up"
    with Up((*arguments, *FREE_PORTS), request.getfixturevalue("tmp_path")) as devgate:
        assert devgate.next_event("listening")["profile"] == profile
        devgate.ready()


def is_running(request: pytest.FixtureRequest, line: str) -> None:
    """`devgate up` where the profile is: that is what runs for all the others."""
    assert line == "devgate up"
    assert request.getfixturevalue("running").status()["profile"] == "development"


def follows(request: pytest.FixtureRequest, line: str) -> None:
    running, reader = request.getfixturevalue("running"), request.getfixturevalue("reader")
    process = subprocess.Popen(
        ["sh", "-c", f"exec {line}"], cwd=reader.folder, env=environment(PATH=reader.path), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert any("run 1" in text for text in process.stdout), "what was there before"
        assert request_through(running, "/api/followed") == 200
        assert any("/api/followed" in text for text in process.stdout), "the new line came"
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == Exit.INTERRUPTED


def request_through(running: Up, path: str) -> int:
    return request(running.status()["url"], "GET", path).status


def switches(request: pytest.FixtureRequest, line: str) -> None:
    """With somebody there to answer the question, and back again."""
    running, reader = request.getfixturevalue("running"), request.getfixturevalue("reader")
    _, *arguments = shlex.split(line)
    with Terminal(tuple(arguments), reader.folder) as terminal:
        terminal.wait_for("start 5")
        terminal.wait_for("Apply it?")
        terminal.press("y\r")
        assert terminal.wait() == 0
    assert running.status()["profile"] == arguments[-1]
    reader.types("devgate switch devgate.yaml --yes && devgate wait")


def writes_a_profile(request: pytest.FixtureRequest, line: str) -> None:
    folder = request.getfixturevalue("tmp_path")
    assert "wrote " in request.getfixturevalue("reader").types(line, folder)
    assert "is good" in request.getfixturevalue("reader").types("devgate check", folder)


def examines(request: pytest.FixtureRequest, line: str) -> None:
    """What it says of this machine's ports is this machine's business."""
    found = json.loads(request.getfixturevalue("reader").types(f"{line} --json || true"))["findings"]
    assert {"python", "terminal", "devgate", "profile", "gateway", "chat", "postgres"} <= {one["what"] for one in found}


def takes_the_port(request: pytest.FixtureRequest, line: str) -> None:
    """Nobody holds it: then it is a start."""
    assert "chat is up" in request.getfixturevalue("reader").types(f"devgate stop chat && {line}")


def overrules(request: pytest.FixtureRequest, line: str) -> None:
    running, reader = request.getfixturevalue("running"), request.getfixturevalue("reader")
    assert "chat: refuses every request" in reader.types(line)
    assert request_through(running, "/api/refused") == 503
    assert reader.types("devgate breakers reset chat") == "chat: closed\n"
    assert request_through(running, "/api/passes") == 200


def prunes(request: pytest.FixtureRequest, line: str) -> None:
    request.getfixturevalue("alone_with_leftovers")
    says("", request, line)


def opens(request: pytest.FixtureRequest, line: str) -> None:
    running, reader = request.getfixturevalue("running"), request.getfixturevalue("reader")
    browser = reader.folder / "programs" / "browser"
    browser.write_text('#!/bin/sh\necho "$1" > opened\n')
    browser.chmod(0o755)
    reader.types(f"BROWSER=browser {line}")
    assert (reader.folder / "opened").read_text() == running.status()["url"] + line.rpartition(" ")[2] + "\n"


def archives(request: pytest.FixtureRequest, line: str) -> None:
    running, reader = request.getfixturevalue("running"), request.getfixturevalue("reader")
    assert request_through(running, "/api/archived") == 200
    assert "written to" in reader.types(line)
    archive = json.loads((reader.folder / line.rpartition(" ")[2]).read_text())
    assert any("/api/archived" in entry["request"]["url"] for entry in archive["log"]["entries"])


def ends(request: pytest.FixtureRequest, line: str) -> None:
    """Start in the background, then end: each of the two lines needs the other."""
    elsewhere = request.getfixturevalue("elsewhere")
    said = elsewhere.types(f"devgate up -d --wait --stub --trust {shlex.join(FREE_PORTS)}")
    assert "every service is ready" in said
    assert "are gone" in elsewhere.types("devgate down")
    elsewhere.types("devgate status", exits=Exit.NOT_RUNNING)


def runs(request: pytest.FixtureRequest, line: str) -> None:
    begin, dashes, job = line.partition(" -- ")
    said = request.getfixturevalue("elsewhere").types(f"{begin} --stub --trust {shlex.join(FREE_PORTS)}{dashes}{job}")
    assert "npm test at http://127.0.0.1:" in said


def serves_an_app(request: pytest.FixtureRequest, line: str) -> None:
    elsewhere = request.getfixturevalue("elsewhere")
    process = subprocess.Popen(
        ["sh", "-c", f"exec {line} --stub --trust {shlex.join(FREE_PORTS)}"], cwd=elsewhere.folder, text=True,
        env=environment(PATH=elsewhere.path), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert (first["event"], first["pid"]) == ("listening", process.pid)
        assert any(json.loads(text)["event"] == "ready" for text in process.stdout)
        family = psutil.Process(process.pid).children(recursive=True)
        process.stdin.close()  # the app is gone
        assert all(json.loads(text) for text in process.stdout)
        assert process.wait(DEADLINE_S) == 0
    assert not survivors(family)


def writes_the_schema(request: pytest.FixtureRequest, line: str) -> None:
    reader = request.getfixturevalue("reader")
    assert reader.types(line) == ""
    assert json.loads((reader.folder / line.rpartition("> ")[2]).read_text())["title"] == "devgate profile"


def prints(text: str, request: pytest.FixtureRequest, line: str) -> None:
    assert text in request.getfixturevalue("reader").types(line)


def installs(request: pytest.FixtureRequest, line: str) -> None:
    """Into a folder, from this checkout, without a registry; what is needed beside it is here already."""
    reader, site = request.getfixturevalue("reader"), request.getfixturevalue("tmp_path") / "site"
    options = f"--quiet --no-index --no-deps --no-build-isolation --target {shlex.quote(str(site))}"
    pip = f"{shlex.quote(sys.executable)} -m pip --disable-pip-version-check install {options}"
    reader.types(f"{pip} {shlex.quote(str(ROOT))}")
    there = f"PYTHONPATH={shlex.quote(str(site))} {shlex.quote(str(site / 'bin' / 'devgate'))}"
    assert "is good" in reader.types(f"cd / && {there} check demo")


def make(request: pytest.FixtureRequest, line: str, more: str = "") -> str:
    return request.getfixturevalue("reader").types(with_our_environment(line, more), ROOT)


def with_our_environment(line: str, more: str) -> str:
    """A line for make that takes the environment of this run for the one that it would set up first."""
    require_tool("make")
    done = " ".join(f"-o {shlex.quote(f'{sys.prefix}/{step}.stamp')}" for step in ("project", "dev"))
    return f"{line} VENV={shlex.quote(sys.prefix)} {done} {more}"


def makes_up(request: pytest.FixtureRequest, line: str) -> None:
    elsewhere = request.getfixturevalue("tmp_path")
    arguments = shlex.join(["--no-tui", "--json", "--project", str(elsewhere), *FREE_PORTS])
    process = subprocess.Popen(
        ["sh", "-c", with_our_environment(line, f"ARGS={shlex.quote(arguments)}")], cwd=ROOT, stdin=subprocess.DEVNULL,
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert (first["event"], first["profile"]) == ("listening", "demo")
        assert any(json.loads(text)["event"] == "ready" for text in process.stdout)
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C in a terminal
        assert [json.loads(text) for text in process.stdout][-1]["event"] == "stopped"
    assert not psutil.pid_exists(first["pid"])


def makes_tests(request: pytest.FixtureRequest, line: str) -> None:
    """A part of the suite; the checks before it are what the run has begun with that this test is in."""
    part = "" if "ARGS=" in line else "ARGS=tests/test_tools.py"
    assert " passed" in make(request, line, f"-o lint {part}")


def would_make(texts: tuple[str, ...], request: pytest.FixtureRequest, line: str) -> None:
    """What takes long is not run twice: `make test` has run the checks, tests/e2e/test_bundle.py builds a bundle."""
    said = make(request, line, "--dry-run")
    for text in texts:
        assert text in said


def measures(request: pytest.FixtureRequest, line: str) -> None:
    """It would measure; that each benchmark can be asked is enough here."""
    reader = request.getfixturevalue("reader")
    modules = re.findall(r"\w+", make(request, line, "--dry-run").partition("for what in ")[2].partition(";")[0])
    assert modules
    for module in modules:
        assert "--help" in reader.types(f"{shlex.quote(sys.executable)} -m benchmarks.{module} --help", ROOT)


RUNS: dict[str, Callable[[pytest.FixtureRequest, str], None]] = {
    "make up": makes_up,
    "make test": makes_tests,
    "make test ARGS=tests/policy": makes_tests,
    "make lint": partial(would_make, ("ruff check", "ruff format --check", "mypy", "lint-imports")),
    "make bench": measures,
    "make bundle": partial(would_make, ("pyinstaller", "devgate.spec")),
    "make bundle ONEFILE=1": partial(would_make, ("pyinstaller", "devgate.spec")),
    "pipx install .": installs,
    "pip install .": installs,
    "devgate up": is_running,
    "devgate up demo": partial(starts, "demo"),
    "devgate up fechatter/development": partial(starts, "fechatter/development"),
    "devgate up -d --wait": ends,
    "devgate up --no-tui --json --watch-stdin": serves_an_app,
    "devgate run -- npm test": runs,
    "devgate init": writes_a_profile,
    "devgate doctor": examines,
    "devgate health": partial(says, "4/4 ready"),
    "devgate take-port chat": takes_the_port,
    "devgate faults add '/api/*' --latency 300ms --for 1m": partial(says, "/api/*: 300ms late, for 1m"),
    "devgate breakers force chat open": overrules,
    "devgate cache clear /api": partial(says, "0 answers dropped"),
    "devgate routes verify": partial(says, "●  /api/*"),
    "devgate open /api/chats": opens,
    "devgate prune": prunes,
    "devgate check": partial(prints, "is good: 4 services, 2 routes, "),
    "devgate status": partial(says, "4/4 ready"),
    "devgate restart chat": partial(says, "chat is back"),
    "devgate logs -f chat": follows,
    "devgate requests status:5xx": partial(says, ""),
    "devgate requests --har traffic.har": archives,
    "devgate routes explain GET /api/chat/1/messages": partial(says, "/api/* -> chat"),
    "devgate switch fechatter/ha": switches,
    "devgate sync check": partial(says, "overall synced"),
    "devgate down": ends,
    "devgate schema > devgate.schema.json": writes_the_schema,
    "devgate schema --markdown": partial(prints, "# Profile reference"),
}
"""Every command of the README, and how it is run here."""


def test_the_table_has_the_readmes_commands_and_no_others() -> None:
    assert set(commands()) == set(RUNS)


@pytest.mark.e2e
@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("line", commands())
def test_the_command_does_what_it_says(request: pytest.FixtureRequest, line: str) -> None:
    RUNS[line](request, line)


def test_the_exit_codes_are_all_there() -> None:
    listed = {int(code) for cells in table("| code | meaning |") for code in cells[0].split(",")}
    assert listed == {value for name, value in vars(Exit).items() if name.isupper()}


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = (line for lines in project["optional-dependencies"].values() for line in lines)
    needed = {Requirement(line) for line in (*project["dependencies"], *extras)}
    listed = [name.strip() for cells in table("| for | library | why |") for name in cells[1].split(",")]
    assert sorted(listed) == sorted(f"{one.name}[{','.join(one.extras)}]" if one.extras else one.name for one in needed)


def test_the_keys_do_what_is_said_of_them() -> None:
    bound = [binding for keys in vars(bindings).values() if isinstance(keys, bindings.Keys) for binding in keys.table]
    (sentence,) = re.findall(r"On the screen: (.+?)\.", PROSE, re.DOTALL)
    named = re.findall(r"`(.)`\s+(\w+)", sentence)
    assert len(named) > 5
    for key, word in named:
        name = {"/": "slash", "?": "question_mark"}.get(key, key)
        texts = [f"{one.description} {one.tooltip}".lower() for one in bound if name in one.key.split(",")]
        assert any(word in text for text in texts), f"{key} {word}: {texts}"


def test_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", PROSE) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []
