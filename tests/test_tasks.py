import asyncio
import logging

import pytest

from devgate import tasks
from devgate.model.events import ComponentFailed, Event
from tests.deadline import DEADLINE_S


async def test_leaving_a_scope_cancels_and_awaits_what_still_runs() -> None:
    ended = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async with tasks.Scope("s", lambda event: None) as scope:
        task = scope.fatal("f", forever())
        assert task.get_name() == "s.f"
        await asyncio.sleep(0)
    assert ended == [True]


async def test_a_fatal_failure_ends_the_scope_and_its_body() -> None:
    async def fall() -> None:
        raise LookupError("gone")

    async def enter() -> None:
        async with tasks.Scope("s", lambda event: None) as scope:
            scope.fatal("f", fall())
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as caught:
        await enter()
    assert caught.group_contains(LookupError)


async def test_a_guarded_task_is_reported_and_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tasks, "FIRST_PAUSE_S", 0.0)
    events: list[Event] = []
    runs = []

    async def work() -> None:
        runs.append(1)
        if len(runs) < 3:
            raise ValueError("bug")

    with caplog.at_level(logging.ERROR):
        async with asyncio.timeout(DEADLINE_S), tasks.Scope("s", events.append) as scope:
            await scope.guarded("w", work)
    assert len(runs) == 3
    assert events == [ComponentFailed("s.w", "ValueError: bug")] * 2


async def test_a_task_that_runs_once_is_reported_and_stays_down(caplog: pytest.LogCaptureFixture) -> None:
    events: list[Event] = []

    async def work() -> None:
        raise ValueError("bug")

    async with asyncio.timeout(DEADLINE_S), tasks.Scope("s", events.append) as scope:
        await scope.once("w", work())
    assert events == [ComponentFailed("s.w", "ValueError: bug")]
