"""The command line, and what comes from where."""

import os
import subprocess
import sys

import pytest

from tests.deadline import DEADLINE_S
from tests.stub.process import ROOT, StubProcess, clean_environment

# What would cost a stub its quick start. `devgate` itself is only its version.
FORBIDDEN = {
    "pydantic",
    "textual",
    "rich",
    "aiohttp",
    "click",
    "yaml",
    "jwt",
    "psutil",
    "watchdog",
    "wsproto",
    "h11",
    "uvloop",
}


def run(*flags: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "devgate.stub", *flags]
    return subprocess.run(
        command, cwd=ROOT, env=clean_environment(**environment), capture_output=True, text=True, timeout=DEADLINE_S
    )


def test_help_says_what_there_is():
    answer = run("--help")
    assert (answer.returncode, answer.stderr) == (0, "")
    for word in ("NAME", "--port", "--latency", "DEVGATE_STUB", "/_stub", "/events", "responses"):
        assert word in answer.stdout
    assert max(map(len, answer.stdout.splitlines())) <= 110


def test_the_version():
    from devgate import __version__

    assert run("--version").stdout == f"devgate stub {__version__}\n"


@pytest.mark.parametrize(
    ("flags", "environment", "message"),
    [
        ((), {}, "stub: name: missing"),
        (("a b",), {}, "stub: name: expected"),
        (("a", "--port", "70000"), {}, "stub: port: expected"),
        (("a", "--latency", "soon"), {}, "stub: latency: expected"),
        (("a", "--fail", "2"), {}, "stub: fail: expected"),
        (("a",), {"PORT": "x\x1b"}, "stub: PORT: expected"),
        (("a",), {"DEVGATE_STUB": "{"}, "stub: DEVGATE_STUB: not valid JSON"),
        ((), {"DEVGATE_STUB": '{"name": "a", "responses": [{"path": 3}]}'}, "stub: responses[0].path: expected"),
        ((), {"DEVGATE_STUB": '{"name": "a", "\\u001b[2J": 3}'}, "stub: \\u001b[2J: unknown"),
    ],
)
def test_what_cannot_be_used_is_named(flags: tuple[str, ...], environment: dict[str, str], message: str):
    answer = run(*flags, **environment)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(message)
    assert answer.stderr.rstrip("\n").isprintable()


@pytest.mark.parametrize("flags", [("a", "--nonsense"), ("a", "b"), ("a", "--port", "x"), ("a", "--exit", "3")])
def test_wrong_usage(flags: tuple[str, ...]):
    answer = run(*flags)
    assert answer.returncode == 2
    assert answer.stderr.startswith("usage: devgate stub")


def test_flags_win_over_the_variable():
    flags = [
        "other",
        "--knowledge-version",
        "3.0.0",
        "--health",
        "/h",
        "--fail",
        "0.5",
        "--fail-status",
        "418",
        "--exit-code",
        "0",
    ]
    with StubProcess(*flags, version="1.0.0", health="/v", fail_status=500, latency=0.01) as stub:
        assert stub.lines[0].startswith("other: ")
        assert stub.ask("/h")[2]["sharedKnowledgeVersion"] == "3.0.0"
        shown = stub.ask("/_stub")[2]
    assert {key: shown[key] for key in ("latency", "fail", "fail_status", "exit_code")} == {
        "latency": 0.01,
        "fail": 0.5,
        "fail_status": 418,
        "exit_code": 0,
    }


def test_the_port_comes_from_the_flag_then_the_variable_then_the_environment():
    from devgate.stub.__main__ import _configure, _parser

    def port(*flags: str, **environ: str) -> int:
        return _configure(_parser().parse_args(["a", *flags]), environ).port

    assert port() == 0
    assert port(PORT="6001") == 6001
    assert port(PORT="6001", DEVGATE_STUB='{"port": null}') == 6001
    assert port(PORT="6001", DEVGATE_STUB='{"port": 6002}') == 6002
    assert port("--port", "6003", PORT="6001", DEVGATE_STUB='{"port": 6002}') == 6003


def loaded(code: str) -> set[str]:
    """Modules that a process has loaded after `code`."""
    program = f"import sys\n{code}\nprint(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert answer.returncode == 0, answer.stderr
    return set(answer.stdout.split())


def test_a_stub_loads_nothing_heavy():
    modules = loaded("import devgate.stub.__main__, devgate.stub.server")
    assert "devgate.stub.connection" in modules
    assert not {name.partition(".")[0] for name in modules} & FORBIDDEN
    own = {name for name in modules if name.startswith("devgate") and not name.startswith("devgate.stub")}
    assert own == {"devgate"}


def test_help_and_bad_settings_need_no_loop():
    assert not {"asyncio", "ssl", "httptools"} & loaded("import devgate.stub.__main__")


def test_a_running_stub_loads_nothing_heavy_until_the_first_websocket():
    """The real process, as the interpreter itself lists what it imports."""
    environment = clean_environment(PYTHONPROFILEIMPORTTIME="1")
    command = [sys.executable, "-m", "devgate.stub", "demo", "--port", "0", "--crash-after", "1ms", "--exit-code", "0"]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=DEADLINE_S)
    assert answer.returncode == os.EX_OK
    names = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines() if line.startswith("import time:")}
    assert {"asyncio", "httptools", "devgate.stub.connection"} <= names
    assert not {name.partition(".")[0] for name in names} & FORBIDDEN
