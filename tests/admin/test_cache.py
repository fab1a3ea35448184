"""The cache over the control API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.running import Api, serving
from tests.tui.fake_control import FakeControl, sample

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def control() -> FakeControl:
    return FakeControl(sample())


@pytest.fixture
async def api(control: FakeControl) -> AsyncIterator[Api]:
    async with serving(control) as one:
        yield one


async def test_clear(api: Api, control: FakeControl) -> None:
    assert (await api.ask("POST", "/v1/cache/clear", b'{"prefix": "/api"}')).json() == {"cleared": 3}
    assert (await api.ask("POST", "/v1/cache/clear")).status == 200
    assert control.asked == [("clear cache", "/api"), ("clear cache", "")]
    assert (await api.ask("POST", "/v1/cache/clear", b'{"prefix": 1}')).status == 400
    assert len(control.asked) == 2
