"""What every test with a running gateway has to leave behind: nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from devgate.gateway.upstream import dial
from tests.deadline import DEADLINE_S


@pytest.fixture
async def nothing_left(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """No task outlives the test, and nothing was logged as an error that the test did not expect."""
    yield
    await asyncio.sleep(0)
    assert not asyncio.all_tasks() - {asyncio.current_task()}
    assert [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


@pytest.fixture
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """For crowds: gateway, services and clients share one loop here; no service on this machine has to wait like that."""
    monkeypatch.setattr(dial, "LOOPBACK_TIMEOUT_S", DEADLINE_S)
