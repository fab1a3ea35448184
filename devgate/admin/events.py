"""Facts as they happen, as server-sent events (HTML standard, 9.2). What a slow reader loses it is told as `lagged`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiohttp import web

from devgate.admin.answers import HEADERS
from devgate.model import wire

if TYPE_CHECKING:
    from devgate.bus import Bus, Subscription

HEARTBEAT_S: Final = 15.0
"""A comment after this long without an event, so that a reader that is gone is noticed."""


class Events:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._open: set[Subscription] = set()

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/events", self.stream)]

    def close(self) -> None:
        """End every stream after what is queued in it."""
        for subscription in tuple(self._open):
            subscription.close()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """From now on; take a snapshot after the first line, and nothing falls between."""
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        subscription = self._bus.subscribe()
        self._open.add(subscription)
        try:
            await response.prepare(request)
            await response.write(b": from now on\n\n")
            while True:
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        event = await anext(subscription)
                except TimeoutError:
                    await response.write(b":\n\n")
                    continue
                document = wire.event_document(event)
                await response.write(f"event: {document['event']}\ndata: {wire.encode(document)}\n\n".encode())
        except (StopAsyncIteration, ConnectionError):
            pass
        finally:
            self._open.discard(subscription)
            subscription.close()
        return response
