"""Single requests: one in detail, also while it is under way; one sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from devgate.admin.answers import answer, bad_request, body, field

if TYPE_CHECKING:
    from devgate.control import Control

_DIGITS: Final = 18


class Requests:
    """Handlers of single requests.

    Replay is a POST: it has the effects that the request had (SEMANTICS 4, threat 21).
    """

    def __init__(self, control: Control) -> None:
        self._control = control

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/requests/{seq}", self.show),
            web.get("/v1/request", self.show_called),
            web.post("/v1/requests/{seq}/replay", self.replay),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Everything that is known of a finished request, without secrets."""
        return answer(await self._control.gateway.request(_seq(request)))

    async def show_called(self, request: web.Request) -> web.Response:
        """The same, named by `id`: so far, while it is under way."""
        return answer(await self._control.gateway.request(request.query.get("id", "")))

    async def replay(self, request: web.Request) -> web.Response:
        """Send it again, through the gateway: as it was, or as `text` has it, which `draft` wrote."""
        text = field(await body(request), "text", str, None)
        return answer(await self._control.gateway.replay(_seq(request), text))


def _seq(request: web.Request) -> int:
    text = request.match_info["seq"]
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise bad_request("a request is named by its number")
    return int(text)
