"""A command as an argument vector, and whether it is there. Every shell text is also given to a real shell."""

import os
import subprocess
from pathlib import Path

import pytest

from devgate.supervisor.command import argv, missing

ENV = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("cargo run --bin x", "exec cargo run --bin x"),
        ("env 'a b' \"c\"", "exec env 'a b' \"c\""),
        ("A=1 B=2 env", "A=1 B=2 exec env"),
        ("echo $HOME `date` 'a;b'", "exec echo $HOME `date` 'a;b'"),
        ("cd server && cargo run", "cd server && cargo run"),
        ("a | b", "a | b"),
        ("a; b", "a; b"),
        ("a & wait", "a & wait"),
        ("a > file", "a > file"),
        ("(a)", "(a)"),
        ("if true; then a; fi", "if true; then a; fi"),
        ("exec a", "exec a"),
        (". ./env.sh", ". ./env.sh"),
        ("A='x y' env", "A='x y' env"),
        ("A=1", "A=1"),
        ("echo 'open", "echo 'open"),
        ("one\ntwo", "one\ntwo"),
        ("", ""),
    ],
)
def test_exec_stands_in_front_of_one_simple_command(command: str, script: str) -> None:
    assert argv(command) == ["/bin/sh", "-c", script]


def test_a_list_needs_no_shell() -> None:
    assert argv(("echo", "$HOME; rm")) == ["echo", "$HOME; rm"]


@pytest.mark.parametrize(
    "command", ["echo a  b", "A=1 B=2 sh -c 'echo $A$B'", "printf '%s|' 'x y' \"z\"", "echo $$ >/dev/null; echo c"]
)
def test_the_shell_says_the_same_with_and_without(command: str) -> None:
    ours = subprocess.run(argv(command), capture_output=True, check=True)
    plain = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True)
    assert ours.stdout == plain.stdout


def test_the_service_itself_is_the_child() -> None:
    run = subprocess.run(argv("sh -c 'echo $PPID'"), capture_output=True, text=True, check=True)
    assert int(run.stdout) == os.getpid()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "data").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("sh -c true", ""),
        ("no-such-thing --flag", "no-such-thing"),
        ("A=1 no-such-thing", "no-such-thing"),
        ("cd somewhere && no-such-thing", "no-such-thing"),
        ("true && sh && no-such-thing | cat", "no-such-thing"),
        ("cd elsewhere && ./perhaps-there", ""),
        ("$TOOL run", ""),
        ("./run", ""),
        ("./gone", "./gone"),
        ("./data", "./data"),
        ("echo 'no-such-thing; x'", ""),
        ("if true; then no-such-thing; fi", "no-such-thing"),
        ("exec no-such-thing", "no-such-thing"),
        ("while sleep 1; do echo; done", ""),
        (("sh", "no-such-thing"), ""),
        (("no-such-thing",), "no-such-thing"),
        (("./run",), ""),
        (("run",), "run"),
    ],
)
def test_tells_what_is_not_on_this_machine(folder: Path, command: str | tuple[str, ...], program: str) -> None:
    assert missing(command, cwd=folder, env=ENV) == program


def test_looks_on_the_path_of_the_service(folder: Path) -> None:
    assert missing("run", cwd=folder, env={"PATH": str(folder)}) == ""
    assert missing("sh", cwd=folder, env={"PATH": str(folder)}) == "sh"
