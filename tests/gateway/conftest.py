"""After each test: no task is left, no socket, and nothing was logged as an error that the test did not expect."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator

import pytest


@pytest.fixture(autouse=True)
async def nothing_left(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    yield
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    gc.collect()
    assert not left
    assert [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []
