"""What every test of the screen needs: one time zone, colours whatever the environment says, and no contained bug unseen."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from devgate.admin import observe
from devgate.remote import control as remote
from devgate.tui import format as fmt
from tests.tui import driving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    fmt._clock.cache_clear()
    yield
    monkeypatch.undo()
    time.tzset()
    fmt._clock.cache_clear()


@pytest.fixture(autouse=True)
def no_waiting_for_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's pilot sleeps until the process is idle, 50 ms a key. It also waits until every widget has handled its messages,
    which is all that our tests need, and does not depend on how busy the machine is."""

    async def turns(*_: float) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    monkeypatch.setattr("textual.app.wait_for_idle", turns)
    monkeypatch.setattr("textual.pilot.wait_for_idle", turns)


@pytest.fixture(params=["here", "attached"])
def from_both_sides(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test runs twice: over the `Control` itself, and over the same one seen through the control API."""
    if request.param == "attached":
        monkeypatch.setattr(driving, "reach", driving.over_the_api)
        for pace in ((observe, "LOOK_S"), (remote, "PAUSE_S")):  # a quarter of a second a picture is for eyes
            monkeypatch.setattr(*pace, 0.005)


@pytest.fixture(autouse=True)
def no_contained_bug(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A view contains what goes wrong while it draws and logs it; a test must not overlook that."""
    yield
    bugs = [
        record for record in caplog.get_records("call") if record.name.startswith("devgate.tui") and record.exc_info
    ]
    assert not bugs, bugs[0].exc_text
