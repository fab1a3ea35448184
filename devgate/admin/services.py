"""What is asked of services and of devgate itself. An answer comes when the state is reached, or at once if nobody waits."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import web

from devgate.admin.answers import answer, bad_request, body, done, field
from devgate.errors import DevgateError
from devgate.model import wire
from devgate.model.status import Forced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devgate.control import Control
    from devgate.tasks import Scope

GLANCE_S: Final = 0.1
"""Whoever does not wait still hears of a refusal that comes this soon: an unknown name, a state that does not allow it."""


class Services:
    """Handlers of commands.

    Args:
        scope: where commands go on that nobody waits for.
    """

    def __init__(self, control: Control, scope: Scope) -> None:
        self._control = control
        self._scope = scope

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/services/{name}/start", self.start),
            web.post("/v1/services/{name}/stop", self.stop),
            web.post("/v1/services/{name}/restart", self.restart),
            web.post("/v1/services/{name}/kill", self.kill),
            web.post("/v1/services/{name}/adopt", self.adopt),
            web.post("/v1/services/{name}/take-port", self.take_port),
            web.post("/v1/services/{name}/input", self.type_into),
            web.post("/v1/services/{name}/size", self.resize),
            web.post("/v1/breakers/{name}/reset", self.reset_breaker),
            web.post("/v1/breakers/{name}/force", self.force_breaker),
            web.post("/v1/cache/clear", self.clear_cache),
            web.post("/v1/sync/check", self.check_sync),
            web.post("/v1/stop", self.stop_devgate),
        ]

    async def start(self, request: web.Request) -> web.Response:
        """Of start, stop and restart: `{"dependents": true}` for those that need it, too."""
        return await self._carry_out(
            request, partial(self._control.services.start, _name(request), dependents=await _dependents(request))
        )

    async def stop(self, request: web.Request) -> web.Response:
        return await self._carry_out(
            request, partial(self._control.services.stop, _name(request), dependents=await _dependents(request))
        )

    async def restart(self, request: web.Request) -> web.Response:
        return await self._carry_out(
            request, partial(self._control.services.restart, _name(request), dependents=await _dependents(request))
        )

    async def kill(self, request: web.Request) -> web.Response:
        return await self._carry_out(request, partial(self._control.services.kill, _name(request)))

    async def adopt(self, request: web.Request) -> web.Response:
        return await self._carry_out(request, partial(self._control.services.adopt, _name(request)))

    async def take_port(self, request: web.Request) -> web.Response:
        return await self._carry_out(request, partial(self._control.services.take_port, _name(request)))

    async def type_into(self, request: web.Request) -> web.Response:
        """The body, whatever its bytes are, is what was typed."""
        await self._control.services.type_into(_name(request), await request.read())
        return done()

    async def resize(self, request: web.Request) -> web.Response:
        """`{"columns": 120, "rows": 40}` of its terminal."""
        data = await body(request)
        columns, rows = (field(data, side, int, 0) for side in ("columns", "rows"))
        await self._control.services.resize(_name(request), columns, rows)
        return done()

    async def reset_breaker(self, request: web.Request) -> web.Response:
        return await self._carry_out(request, partial(self._control.gateway.reset_breaker, _name(request)))

    async def force_breaker(self, request: web.Request) -> web.Response:
        """`{"forced": "open"}`, or `closed`, `metrics_only`, `disabled`; a reset ends it."""
        try:
            forced = wire.decode(Forced, (await body(request)).get("forced"))
        except ValueError as error:
            raise bad_request(f"forced: {error}") from None
        await self._control.gateway.force_breaker(_name(request), forced)
        return done()

    async def clear_cache(self, request: web.Request) -> web.Response:
        """`{"prefix": "/api"}`: only what begins so."""
        prefix = field(await body(request), "prefix", str, "")
        return answer({"cleared": await self._control.gateway.clear_cache(prefix)})

    async def check_sync(self, request: web.Request) -> web.Response:
        return await self._carry_out(request, self._control.sync.check)

    async def stop_devgate(self, request: web.Request) -> web.Response:
        """`{"reason": "…", "now": true}`. Answered at once: when all is over there is nobody left to answer."""
        data = await body(request)
        reason, now = field(data, "reason", str, "api"), field(data, "now", bool, False)
        self._control.request_stop(reason, now=now)
        return answer({"stopping": True}, status=202)

    async def _carry_out(self, request: web.Request, command: Callable[[], Awaitable[None]]) -> web.Response:
        """With `{"wait": false}` the answer does not wait for the state."""
        if field(await body(request), "wait", bool, True):
            await command()
            return done()
        refused: list[DevgateError] = []

        async def go_on() -> None:
            try:
                await command()
            except DevgateError as error:  # shows as the service's state; no bug of ours
                refused.append(error)

        await asyncio.wait([self._scope.once(f"command {request.path}", go_on())], timeout=GLANCE_S)
        if refused:
            raise refused[0]
        return answer({"started": True}, status=202)


async def _dependents(request: web.Request) -> bool:
    wanted: bool = field(await body(request), "dependents", bool, False)
    return wanted


def _name(request: web.Request) -> str:
    return request.match_info["name"]
