"""Which profiles there are, what changing to one would do, and doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from devgate.admin.answers import answer, bad_request, body, field
from devgate.model import wire
from devgate.model.plan import Plan

if TYPE_CHECKING:
    from devgate.control import Control


class Profiles:
    def __init__(self, control: Control) -> None:
        self._control = control

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/profiles", self.available),
            web.get("/v1/services/{name}", self.anatomy),
            web.post("/v1/profiles/propose", self.propose),
            web.post("/v1/profiles/apply", self.apply),
        ]

    async def available(self, request: web.Request) -> web.Response:
        return answer({"profiles": list(self._control.profiles.list())})

    async def anatomy(self, request: web.Request) -> web.Response:
        """One service's part of the running profile, and what its process runs with."""
        return answer(await self._control.profiles.anatomy(request.match_info["name"]))

    async def propose(self, request: web.Request) -> web.Response:
        """`{"source": "fechatter/ha"}`, or no source to read the running one again."""
        source = field(await body(request), "source", str, None)
        return answer(await self._control.profiles.propose(source))

    async def apply(self, request: web.Request) -> web.Response:
        """`{"plan": …, "by": "…"}` with a plan that `propose` gave. Where that has something `unapproved`, `"agreed": true` says
        that somebody has seen it: to know the token is no agreement to new commands."""
        data = await body(request)
        try:
            plan = wire.decode(Plan, data.get("plan"))
        except ValueError as error:
            raise bad_request(f"plan: {error}", hint="send back what propose answered") from None
        by, agreed = field(data, "by", str, "api"), field(data, "agreed", bool, False)
        return answer(await self._control.profiles.apply(plan, by=by, agreed=agreed))
