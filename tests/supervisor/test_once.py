"""A command beside a service, waited for."""

import asyncio
import os
from pathlib import Path

import pytest

from devgate import processes
from devgate.model.profile import Profile
from devgate.supervisor.launch import Launch
from devgate.supervisor.once import run_once
from tests.deadline import DEADLINE_S
from tests.samples import command


@pytest.fixture
def beside(tmp_path: Path) -> Launch:
    env = {"PATH": os.environ["PATH"], "A": "1", processes.MARK: f"once{os.getpid()}:x#0;"}
    return Launch(("unused",), env, tmp_path, 4000, stub=False, seen=Profile())


def left() -> list[int]:
    return [
        pid for pid, p in processes.table().items() if not p.zombie and processes.carries(pid, f"once{os.getpid()}:")
    ]


async def test_its_code_and_its_last_line(beside: Launch) -> None:
    assert await run_once("echo one; echo two $A; exit 3", beside, 10) == (3, "two 1")
    assert await run_once("printf 'no end'", beside, 10) == (0, "no end")
    assert await run_once("true", beside, 10) == (0, "")


async def test_it_runs_in_the_services_folder(beside: Launch, tmp_path: Path) -> None:
    assert await run_once("pwd", beside, 10) == (0, str(tmp_path))


async def test_what_cannot_run_is_127(beside: Launch) -> None:
    code, reason = await run_once(("no-such-program",), beside, 10)
    assert (code, reason) == (127, "no-such-program is not on this machine")


async def test_what_takes_too_long_is_ended_with_its_children(beside: Launch) -> None:
    code, _ = await run_once(tuple(command("family", "child", "deaf")), beside, 0.3)
    assert code is None
    async with asyncio.timeout(DEADLINE_S):
        while left():  # killed, and on a busy machine not gone yet
            await asyncio.sleep(0.01)


async def test_a_waiter_that_gives_up_leaves_nothing(beside: Launch) -> None:
    task = asyncio.create_task(run_once("sleep 600", beside, 600))
    async with asyncio.timeout(DEADLINE_S):
        while not left():
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left() == []
