"""What is pulled: the whole picture, log lines, requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiohttp import web

from devgate.admin.answers import HEADERS, answer, duration, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.control import Control
    from devgate.model.snapshot import Snapshot

LONGEST_WAIT_S: Final = 30.0
LOOK_S: Final = 0.05
"""Between two looks at `control.seq` while somebody waits: a sum of counters, cheap enough to be asked."""
SETTLE_S: Final = 1.0
"""How long a picture may lag behind what has happened."""
MOST_LINES: Final = 10_000
MOST_REQUESTS: Final = 10_000
LARGEST_SEQ: Final = 2**63


class Observe:
    """Handlers of what is pulled.

    Args:
        closing: set when the listener ends; whoever waits is answered then.
    """

    def __init__(self, control: Control, closing: asyncio.Event) -> None:
        self._control = control
        self._closing = closing

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/snapshot", self.snapshot),
            web.get("/v1/logs", self.logs),
            web.get("/v1/requests", self.requests),
        ]

    async def snapshot(self, request: web.Request) -> web.Response:
        """The whole picture, as new as the question: after a command it shows the effect. With `after=SEQ&wait=20s` the answer
        waits until there is another one than SEQ, and may be as old as pictures are allowed to be."""
        after = number(request, "after", -1, LARGEST_SEQ)
        wait_s = duration(request, "wait", LONGEST_WAIT_S)
        if after >= 0:
            snapshot = await self._until(lambda one: one.seq != after, wait_s)
        else:
            now = self._control.seq
            snapshot = await self._until(lambda one: one.seq >= now, SETTLE_S)
        tag = f'"{snapshot.seq}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={**HEADERS, "ETag": tag})
        return answer(snapshot, headers={"ETag": tag})

    async def _until(self, wanted: Callable[[Snapshot], bool], wait_s: float) -> Snapshot:
        """The first picture that is `wanted`, or the one there is after `wait_s`."""
        snapshot = self._control.snapshot()
        try:
            async with asyncio.timeout(wait_s):
                while not wanted(snapshot) and not self._closing.is_set():
                    await asyncio.sleep(LOOK_S)
                    if self._control.seq != snapshot.seq:
                        snapshot = self._control.snapshot()
        except TimeoutError:
            pass
        return snapshot

    async def logs(self, request: web.Request) -> web.Response:
        """Lines of `service` (several times for several; none for all) after `after`, at most the newest `limit`."""
        return answer(
            await self._control.services.logs(
                request.query.getall("service", []),
                after=number(request, "after", 0, LARGEST_SEQ),
                limit=number(request, "limit", 1000, MOST_LINES),
            )
        )

    async def requests(self, request: web.Request) -> web.Response:
        """Finished requests after `after`, at most the newest `limit`; with `under_way=1` those as well."""
        return answer(
            await self._control.gateway.requests(
                after=number(request, "after", 0, LARGEST_SEQ),
                limit=number(request, "limit", 100, MOST_REQUESTS),
                under_way=number(request, "under_way", 0, 1) == 1,
            )
        )
