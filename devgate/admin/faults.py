"""Faults on demand: which are on, another one, none any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from devgate.admin.answers import answer, bad_request, body, done, field
from devgate.model import wire
from devgate.model.fault import LASTS_S, Fault

if TYPE_CHECKING:
    from devgate.control import Control


class Faults:
    def __init__(self, control: Control) -> None:
        self._control = control

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/faults", self.active),
            web.post("/v1/faults", self.set),
            web.post("/v1/faults/clear", self.clear),
        ]

    async def active(self, request: web.Request) -> web.Response:
        return answer({"faults": self._control.snapshot().faults})

    async def set(self, request: web.Request) -> web.Response:
        """`{"route": "/api/*", "fault": {"latency_s": 0.3, "status": 503, "share": 0.5}, "lasts_s": 60}`; without `lasts_s`
        it ends after ten minutes."""
        data = await body(request)
        try:
            fault = wire.decode(Fault, data.get("fault"))
            lasts_s = wire.decode(float, data.get("lasts_s", LASTS_S))
        except ValueError as error:
            raise bad_request(f"fault: {error}") from None
        await self._control.gateway.set_fault(field(data, "route", str, ""), fault, lasts_s)
        return done()

    async def clear(self, request: web.Request) -> web.Response:
        """`{"route": "/api/*"}`, or no route for all."""
        await self._control.gateway.clear_faults(field(await body(request), "route", str, None))
        return done()
