"""What holds for every test: it reads nothing of this user's, and it leaves nothing running."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import inspect
import os
import secrets
import signal
import tempfile
from asyncio.selector_events import BaseSelectorEventLoop
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Iterator

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell has started the suite in the background. Every program of a test would inherit that, and be deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "suite",
    deadline=None,  # how long an example takes is the machine's business
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="DEVGATE_REQUIRE_TOOLS" in os.environ,  # a gate asks the same each time, a developer something new
)
settings.load_profile("suite")

SESSION = "TESTS_OF_DEVGATE"
"""Has one value for each run of the suite; a process that carries it was started by this run, whoever its parent is now. The
tests take away every name that begins with DEVGATE_."""


@pytest.fixture(scope="session", autouse=True)
def a_user_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Agreement to profiles is noted in a folder of the suite, and none of the user's settings reaches a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DEVGATE_PROFILE", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
            patch.delenv(name, raising=False)
        for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_left_of_the_suite(a_user_of_its_own: None) -> Iterator[None]:
    """At the very end every process is looked at: what lost its parent on the way is found, with the test that started it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SESSION, mark := secrets.token_hex(8))
        yield
    left = [f"{process} of {started_by}" for process, started_by in _carriers(mark)]
    assert not left, f"left running: {left}"


@pytest.fixture(scope="session", autouse=True)
def no_connection_forgotten() -> Iterator[None]:
    """asyncio accepts a connection in one turn of its loop and gives it to the server in the next. Where the server is closed in
    between, nobody closes the connection until it is collected, and the warning is an error in whatever test runs then. devgate
    itself runs on uvloop, which does both in one turn."""
    accept = BaseSelectorEventLoop._accept_connection2  # type: ignore[attr-defined]

    async def accept_or_close(
        loop: object,
        factory: object,
        conn: socket.socket,
        extra: object,
        ssl: object,
        server: asyncio.Server,
        *more: Any,
    ) -> None:
        if server.sockets:
            await accept(loop, factory, conn, extra, ssl, server, *more)
        else:
            conn.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseSelectorEventLoop, "_accept_connection2", accept_or_close)
        yield


@pytest.fixture
def alone_with_leftovers() -> Iterator[None]:
    """For tests of what a killed devgate leaves behind: `devgate prune` ends all of it that this user has on this machine, also
    what another test, in another process, is about to look at."""
    with (Path(tempfile.gettempdir()) / f"tests-of-devgate-{os.getuid()}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(autouse=True)
def no_child_left() -> Iterator[None]:
    """Whatever a test starts it ends, and waits for: no new child, not even a zombie."""
    before = _children()
    yield
    left = _children() - before
    assert not left, f"left behind: {left}"


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """For every test that is a coroutine; for the others it would start a loop, which takes longer than most of them do."""
    yield
    await asyncio.sleep(0)  # what a fixture has cancelled ends now
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"still pending: {left}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.fixturenames.insert(0, no_task_left.__name__)  # the first to be set up is the last to look


def pytest_collection_finish() -> None:
    """The suite itself is a quarter of a million objects that stay: no collection need look at them again."""
    gc.collect()
    gc.freeze()


def _children() -> set[psutil.Process]:
    try:
        os.waitid(
            os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT
        )  # a call, where a list is a walk through all processes
    except ChildProcessError:
        return set()
    return set(psutil.Process().children())


def _carriers(mark: str) -> Iterator[tuple[psutil.Process, str]]:
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:
            continue
        if environment.get(SESSION) == mark and process.pid != os.getpid():
            yield process, environment.get("PYTEST_CURRENT_TEST", "no test")
