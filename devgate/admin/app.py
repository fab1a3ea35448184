"""The listener of the control API: bound to a free loopback port, guarded, closed without waiting for those who wait."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

from aiohttp import web

from devgate.admin.answers import internal_error, problem
from devgate.admin.events import Events
from devgate.admin.faults import Faults
from devgate.admin.guard import Guard
from devgate.admin.observe import Observe
from devgate.admin.profiles import Profiles
from devgate.admin.requests import Requests
from devgate.admin.services import Services
from devgate.admin.strictness import Runner
from devgate.errors import CommandError, DevgateError
from devgate.tasks import Scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devgate.bus import Bus
    from devgate.control import Control

HOST: Final = "127.0.0.1"
LARGEST_BODY: Final = 2**20
GOODBYE_S: Final = 1.0
"""How long answers under way may take when the listener ends; by then all services are gone and nothing is left to wait for."""


class ControlApi:
    """`control` over HTTP under `/v1`, for whoever has the token."""

    def __init__(self, control: Control, bus: Bus, token: str) -> None:
        self._control = control
        self._token = token
        self._closing = asyncio.Event()
        self._events = Events(bus)
        self._scope = Scope("admin", bus.publish)
        self._runner: web.AppRunner | None = None
        self.url = ""
        """Where it answers, once started."""

    async def start(self) -> str:
        """Bind and serve; returns the address. To be closed by the task that started it."""
        listener = socket.create_server((HOST, 0))
        try:
            port = listener.getsockname()[1]
            app = self._application(Guard(HOST, port, self._token))
            self._runner = Runner(app, handle_signals=False, shutdown_timeout=GOODBYE_S)
            await self._runner.setup()
            await web.SockSite(self._runner, listener).start()
            await self._scope.__aenter__()
        except BaseException:
            listener.close()
            raise
        self.url = f"http://{HOST}:{port}"
        return self.url

    async def aclose(self) -> None:
        """Answer those who wait, then end."""
        self._closing.set()
        self._events.close()
        if self._runner is not None:
            await self._runner.cleanup()
            await self._scope.__aexit__(None, None, None)

    def _application(self, guard: Guard) -> web.Application:
        @web.middleware
        async def guarded(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            try:
                guard.check(request.method, request.raw_path, request.headers)
                return await handler(request)
            except DevgateError as error:
                return problem(error)
            except web.HTTPException as error:
                return problem(_translated(error, request))
            except ConnectionError:
                raise
            except Exception as error:
                return internal_error(request, error)

        app = web.Application(middlewares=[guarded], client_max_size=LARGEST_BODY)
        nouns = (
            Observe(self._control, self._closing),
            Services(self._control, self._scope),
            Faults(self._control),
            Profiles(self._control),
            Requests(self._control),
            self._events,
        )
        for noun in nouns:
            app.add_routes(noun.routes())
        return app


def _translated(error: web.HTTPException, request: web.Request) -> CommandError:
    """What aiohttp refuses by itself: no such path, another method, too large a body."""
    code = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}.get(error.status, "bad-request")
    return CommandError(f"{request.method} {request.path}: {error.reason}", code=code, status=error.status)
