"""The event stream: everything from now on, a slow reader told what it lost, an end without waiting."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from devgate.admin import events as events_module
from devgate.model.events import OperatorActed
from tests.admin.running import TOKEN, Api, serving
from tests.deadline import DEADLINE_S
from tests.tui.fake_control import FakeControl, sample


@asynccontextmanager
async def stream(api: Api):
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    try:
        writer.write(
            f"GET /v1/events HTTP/1.0\r\nHost: localhost:{api.port}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
        )
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE_S)
        assert b"text/event-stream" in head
        assert await block(reader) == ": from now on"
        yield reader
    finally:
        writer.close()


async def block(reader: asyncio.StreamReader) -> str:
    return (await asyncio.wait_for(reader.readuntil(b"\n\n"), DEADLINE_S)).decode().removesuffix("\n\n")


def acted(action: str) -> OperatorActed:
    return OperatorActed(action, "api", "test", 1.0)


async def test_events_arrive_as_they_happen() -> None:
    async with serving(FakeControl(sample())) as api, stream(api) as reader:
        api.bus.publish(acted("start"))
        name, data = (await block(reader)).split("\n")
        assert name == "event: operator_acted"
        assert json.loads(data.removeprefix("data: ")) == {
            "event": "operator_acted", "action": "start", "target": "api", "by": "test", "at": 1.0,
        }  # fmt: skip


async def test_text_cannot_forge_an_event() -> None:
    async with serving(FakeControl(sample())) as api, stream(api) as reader:
        api.bus.publish(acted("x\n\nevent: forged\r\rdata: {}\u2028"))
        assert (await block(reader)).count("\n") == 1


async def test_a_quiet_stream_shows_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "HEARTBEAT_S", 0.05)
    async with serving(FakeControl(sample())) as api, stream(api) as reader:
        assert await block(reader) == ":"
        api.bus.publish(acted("still here"))
        while (text := await block(reader)) == ":":
            pass
        assert "still here" in text


async def test_a_slow_reader_is_told_what_it_lost() -> None:
    async with serving(FakeControl(sample())) as api, stream(api) as reader:
        for number in range(1500):  # published at once: the stream's task has no chance to take any
            api.bus.publish(acted(str(number)))
        assert '"count":500' in await block(reader)
        assert '"action":"500"' in await block(reader)


async def test_the_stream_ends_with_the_api() -> None:
    async with serving(FakeControl(sample())) as api, stream(api) as reader:
        await asyncio.wait_for(api.api.aclose(), DEADLINE_S)
        assert await asyncio.wait_for(reader.read(), DEADLINE_S) == b""


async def test_a_reader_that_left_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "HEARTBEAT_S", 0.02)
    async with serving(FakeControl(sample())) as api:
        async with stream(api):
            assert api.bus._subscriptions
        async with asyncio.timeout(DEADLINE_S):
            while api.bus._subscriptions:
                await asyncio.sleep(0.02)
