"""The run file: found from below, believed only when its process lives, and never another's secret."""

import json
import os
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from devgate import processes, runfile
from devgate.errors import Exit, StartError
from devgate.runfile import RunFile

posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners are POSIX")


def a_run(**changes: object) -> RunFile:
    run = RunFile.here(
        control_url="http://127.0.0.1:1",
        token="t0ken-of-this-run",
        url="http://127.0.0.1:8080",
        profile="demo",
        started_at=1.5,
    )
    return replace(run, **changes)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return runfile.state_folder(tmp_path)


@pytest.fixture
def dead() -> RunFile:
    """The run file of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        birth = processes.birth(process.pid)
        assert birth is not None
        process.communicate(b"\n")
    return a_run(pid=process.pid, birth=birth)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_is_read_as_it_was_written(state: Path) -> None:
    run = a_run(mark="abc")
    assert runfile.claim(state, run) is None
    assert runfile.read(state) == run
    assert run.alive


def test_is_found_from_folders_below(state: Path, tmp_path: Path) -> None:
    run = a_run()
    runfile.claim(state, run)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert runfile.find(below) == run
    assert runfile.search(below) == (state, run)


def test_nothing_is_found_where_nothing_runs(tmp_path: Path) -> None:
    assert runfile.find(tmp_path / "does" / "not" / "exist") is None


def test_a_dead_one_hides_no_live_one_above(state: Path, tmp_path: Path, dead: RunFile) -> None:
    run = a_run()
    runfile.claim(state, run)
    below = tmp_path / "part"
    below.mkdir()
    runfile.claim(runfile.state_folder(below), dead)
    assert runfile.find(below) == run


def test_a_dead_one_is_told_from_none(state: Path, tmp_path: Path, dead: RunFile) -> None:
    runfile.claim(state, dead)
    assert runfile.find(tmp_path) is None
    assert runfile.search(tmp_path) == (state, dead)


def test_a_used_again_pid_is_not_believed(state: Path, tmp_path: Path) -> None:
    run = a_run()
    runfile.claim(state, replace(run, birth=run.birth - 1))
    assert runfile.find(tmp_path) is None


def test_a_birth_of_another_boot_is_not_believed() -> None:
    assert not a_run(boot="another").alive


def test_a_second_one_is_refused_with_the_address_of_the_first(state: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        birth = processes.birth(other.pid)
        assert birth is not None
        runfile.claim(state, a_run(pid=other.pid, birth=birth))
        with pytest.raises(StartError, match=r"http://127\.0\.0\.1:8080") as refused:
            runfile.claim(state, a_run())
        other.communicate(b"\n")
    assert refused.value.exit_code == Exit.OTHER_RUNNING
    assert refused.value.code == "already-running"


def test_a_dead_one_is_replaced_and_handed_over(state: Path, dead: RunFile) -> None:
    runfile.claim(state, dead)
    run = a_run()
    assert runfile.claim(state, run) == dead
    assert runfile.read(state) == run


def test_only_its_own_is_released(state: Path, dead: RunFile) -> None:
    run = a_run()
    runfile.claim(state, run)
    runfile.release(state, dead)
    assert runfile.read(state) == run
    runfile.release(state, run)
    assert runfile.read(state) is None
    runfile.release(state, run)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 60_000,
        b'{"pid": 1}',
        json.dumps({"pid": 1, "extra": 1}).encode(),
    ],
)
def test_nonsense_is_no_run_file(state: Path, text: bytes) -> None:
    (state / "run.json").write_bytes(text)
    (state / "run.json").chmod(0o600)
    assert runfile.read(state) is None
    runfile.claim(state, a_run())
    assert runfile.read(state) is not None


@pytest.mark.parametrize(("name", "value"), [("pid", "1"), ("pid", -1), ("birth", None), ("token", 5), ("url", ["x"])])
def test_a_wrong_kind_of_value_is_no_run_file(state: Path, name: str, value: object) -> None:
    runfile.claim(state, a_run())
    data = json.loads((state / "run.json").read_text())
    (state / "run.json").write_text(json.dumps({**data, name: value}))
    assert runfile.read(state) is None


def test_a_huge_file_is_not_read(state: Path) -> None:
    runfile.claim(state, a_run())
    with (state / "run.json").open("a") as file:
        file.write(" " * 100_000)
    assert runfile.read(state) is None


def test_the_token_is_not_in_the_repr() -> None:
    assert "t0ken" not in repr(a_run())


def test_git_ignores_the_folder(state: Path) -> None:
    assert (state / ".gitignore").read_text() == "*\n"


def test_a_project_that_cannot_hold_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".devgate").write_text("")
    with pytest.raises(StartError, match="cannot use") as refused:
        runfile.state_folder(tmp_path)
    assert "--project" in refused.value.hint


@posix
def test_only_the_owner_may_read(state: Path) -> None:
    old = os.umask(0)
    try:
        runfile.claim(state, a_run())
    finally:
        os.umask(old)
    assert mode(state) == 0o700
    assert mode(state / "run.json") == 0o600
    assert mode(state / "lock") == 0o600


@posix
def test_an_open_folder_is_closed(tmp_path: Path) -> None:
    (tmp_path / ".devgate").mkdir(mode=0o755)
    assert mode(runfile.state_folder(tmp_path)) == 0o700


@posix
def test_a_file_that_others_can_read_is_not_believed(state: Path) -> None:
    runfile.claim(state, a_run())
    (state / "run.json").chmod(0o644)
    assert runfile.read(state) is None


@posix
def test_links_are_not_followed(state: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = runfile.state_folder(elsewhere)
    runfile.claim(other, a_run())
    (state / "run.json").symlink_to(other / "run.json")
    assert runfile.read(state) is None
    runfile.claim(state, a_run(profile="mine"))
    assert not (state / "run.json").is_symlink()
    there = runfile.read(other)
    assert there is not None
    assert there.profile == "demo"


@posix
def test_a_linked_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / ".devgate").symlink_to("real")
    with pytest.raises(StartError, match="link"):
        runfile.state_folder(tmp_path)


@posix
@pytest.mark.parametrize("name", [".gitignore", "profile", "devgate.log", "lock", "starting", "logs"])
def test_a_repository_that_brings_the_folder_cannot_write_through_it(tmp_path: Path, name: str) -> None:
    """A link in it would have us write over a file of its choice, and be ours for all that we can tell."""
    (tmp_path / "precious").mkdir()
    (tmp_path / ".devgate").mkdir()
    (tmp_path / ".devgate" / name).symlink_to("../precious/new")
    with pytest.raises(StartError, match=f"{name} is a link") as refused:
        runfile.state_folder(tmp_path)
    assert refused.value.code == "unsafe-state-folder"
    assert list((tmp_path / "precious").iterdir()) == []


@posix
def test_a_pipe_in_the_folder_blocks_nobody(tmp_path: Path) -> None:
    (tmp_path / ".devgate").mkdir()
    os.mkfifo(tmp_path / ".devgate" / "profile")
    with pytest.raises(StartError, match="profile is a link or no plain file"):
        runfile.state_folder(tmp_path)


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_is_as_good_as_none(state: Path) -> None:
    runfile.claim(state, a_run())
    os.chown(state / "run.json", 12345, 12345)
    assert runfile.read(state) is None


@posix
def test_a_pipe_in_its_place_blocks_nobody(state: Path) -> None:
    os.mkfifo(state / "run.json", 0o600)
    assert runfile.read(state) is None


# A start that fails


def test_a_failed_start_leaves_no_folder_behind(tmp_path: Path) -> None:
    state = runfile.state_folder(tmp_path)
    with pytest.raises(StartError), runfile.starting(state):
        raise StartError("the port is taken")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_start_takes_nothing_that_somebody_may_want(tmp_path: Path) -> None:
    state = runfile.state_folder(tmp_path)
    (state / "last").write_text("demo")
    with pytest.raises(StartError), runfile.starting(state):
        raise StartError("the port is taken")
    assert {entry.name for entry in state.iterdir()} == {"last", "starting", ".gitignore"}


def test_a_start_that_is_found_or_succeeds_leaves_the_folder(tmp_path: Path) -> None:
    state = runfile.state_folder(tmp_path)
    with pytest.raises(StartError), runfile.starting(state) as started:  # noqa: PT012 - what is raised within is the point
        started()
        raise StartError("one runs here already")
    with runfile.starting(state):
        pass
    assert (state / ".gitignore").exists()


def test_a_start_where_another_one_has_just_failed(tmp_path: Path) -> None:
    state = runfile.state_folder(tmp_path)
    runfile.vacate(state)
    assert not state.exists()
    with runfile.starting(state):
        assert (state / ".gitignore").exists()


@posix
def test_who_waits_for_a_start_that_fails_starts_in_a_new_folder(tmp_path: Path) -> None:
    """The lock was in the folder that is gone: to hold that one would keep nobody out."""
    state = runfile.state_folder(tmp_path)
    code = (
        "import sys, pathlib; from devgate import runfile\n"
        "with runfile.starting(pathlib.Path(sys.argv[1])): print((pathlib.Path(sys.argv[1]) / '.gitignore').exists(), flush=True)"
    )
    with pytest.raises(StartError), runfile.starting(state):  # noqa: PT012 - what is raised within is the point
        waiting = subprocess.Popen([sys.executable, "-c", code, str(state)], stdout=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 20
        while not any(one.path == str(state / "starting") for one in psutil.Process(waiting.pid).open_files()):
            assert time.monotonic() < deadline
        raise StartError("the port is taken")
    assert waiting.communicate(timeout=20)[0] == "True\n"
    assert waiting.returncode == 0
