"""What the control API says to bytes that are no request: a problem like any other, and nothing of the bytes.

aiohttp quotes what it could not parse, to whoever sent it as text that a browser may take for a page, and to the log with a
traceback. Both are open to every process of the machine, as no token is asked for before there is a request; so nobody could
trust the log. Relied upon beyond documented API, held by `tests/admin/test_app.py`: `Server` makes a `RequestHandler` for each
connection by being called, and that hands a head or a body that does not parse to `handle_error`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from devgate.admin.answers import bad_request, problem
from devgate.gateway.refusals import FIELD_LIMIT, FIELDS_LIMIT, TARGET_LIMIT, told

if TYPE_CHECKING:
    from aiohttp.web_request import BaseRequest

IDLE_S: Final = 75.0
"""How long a connection may be silent, or leave a head unfinished. Our own clients keep none."""


class Runner(web.AppRunner):
    """Serves an application to strangers."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(
            made.request_handler,
            request_factory=made.request_factory,
            access_log=None,
            keepalive_timeout=IDLE_S,
            max_line_size=TARGET_LIMIT,
            max_field_size=FIELD_LIMIT,
            max_headers=FIELDS_LIMIT,
        )


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        refused = problem(bad_request(told(exc)[1]))
        refused.force_close()
        return refused
