"""What is asked of services and of devgate itself. An answer comes when the state is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from devgate.admin.answers import answer, body, done, field

if TYPE_CHECKING:
    from devgate.control import Control


class Services:
    def __init__(self, control: Control) -> None:
        self._control = control

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/services/{name}/start", self.start),
            web.post("/v1/services/{name}/stop", self.stop),
            web.post("/v1/services/{name}/restart", self.restart),
            web.post("/v1/services/{name}/kill", self.kill),
            web.post("/v1/breakers/{name}/reset", self.reset_breaker),
            web.post("/v1/sync/check", self.check_sync),
            web.post("/v1/stop", self.stop_devgate),
        ]

    async def start(self, request: web.Request) -> web.Response:
        await self._control.services.start(request.match_info["name"])
        return done()

    async def stop(self, request: web.Request) -> web.Response:
        await self._control.services.stop(request.match_info["name"])
        return done()

    async def restart(self, request: web.Request) -> web.Response:
        """`{"dependents": true}`: those that need it, too."""
        dependents = field(await body(request), "dependents", bool, False)
        await self._control.services.restart(request.match_info["name"], dependents=dependents)
        return done()

    async def kill(self, request: web.Request) -> web.Response:
        await self._control.services.kill(request.match_info["name"])
        return done()

    async def reset_breaker(self, request: web.Request) -> web.Response:
        await self._control.gateway.reset_breaker(request.match_info["name"])
        return done()

    async def check_sync(self, request: web.Request) -> web.Response:
        await self._control.sync.check()
        return done()

    async def stop_devgate(self, request: web.Request) -> web.Response:
        """`{"reason": "…", "now": true}`. Answered at once: when all is over there is nobody left to answer."""
        data = await body(request)
        reason, now = field(data, "reason", str, "api"), field(data, "now", bool, False)
        self._control.request_stop(reason, now=now)
        return answer({"stopping": True}, status=202)
