"""A control API in front of any `Control`, and raw questions to it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devgate.admin.app import ControlApi
from devgate.bus import Bus
from tests.deadline import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devgate.control import Control

TOKEN = "a-token-of-this-test"


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """A running control API."""

    def __init__(self, api: ControlApi, bus: Bus) -> None:
        self.api = api
        self.bus = bus
        self.port = int(api.url.rpartition(":")[2])

    async def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        raw: bytes = b"",
        version: str = "1.0",
    ) -> Reply:
        """One request; `headers` go over the ones that an honest client sends, an empty value takes one away."""
        sent = {"Host": f"127.0.0.1:{self.port}", "Authorization": f"Bearer {TOKEN}", "Content-Length": str(len(body))}
        sent |= headers or {}
        head = f"{method} {target} HTTP/{version}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in sent.items() if v)
        return await self.send(head.encode("utf-8") + raw + b"\r\n" + body)

    async def send(self, data: bytes) -> Reply:
        """Any bytes, and what comes back until the end."""
        async with asyncio.timeout(DEADLINE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(data)
                answer = await reader.read()
            finally:
                writer.close()
        head_bytes, _, content = answer.partition(b"\r\n\r\n")
        first, *lines = head_bytes.decode("latin-1").split("\r\n")
        fields = (line.partition(": ") for line in lines)
        return Reply(int(first.split()[1]), {name.lower(): value for name, _, value in fields}, content)


@asynccontextmanager
async def serving(control: Control) -> AsyncIterator[Api]:
    bus = Bus()
    api = ControlApi(control, bus, TOKEN)
    await api.start()
    try:
        yield Api(api, bus)
    finally:
        async with asyncio.timeout(DEADLINE_S):
            await api.aclose()
