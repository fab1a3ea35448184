"""What every handler reads and writes with: parameters, JSON bodies, JSON answers, problem+json (RFC 9457)."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from devgate.errors import CommandError, DevgateError, Exit, ProfileError
from devgate.model import wire
from devgate.model.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

_KINDS: Final = {str: "text", bool: "true or false", int: "a whole number"}

HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""On every answer: nothing here is for a cache or for a guess."""


def answer(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, text=wire.encode(value), content_type="application/json", headers={**HEADERS, **(headers or {})}
    )


def done() -> web.Response:
    """The command is carried out and there is nothing to tell."""
    return web.Response(status=204, headers=HEADERS)


def problem(error: DevgateError) -> web.Response:
    """An expected failure with all that its reader needs to raise it again."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }
    if isinstance(error, ProfileError):
        document["problems"] = [str(one) for one in error.problems]
    headers = {**HEADERS, "X-Devgate-Error": error.code}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="devgate"'
    return web.Response(
        status=error.status, text=wire.encode(document), content_type="application/problem+json", headers=headers
    )


def internal_error(request: web.Request, error: Exception) -> web.Response:
    """A bug: its traceback goes to the log, its kind to the client, its text to nobody."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem(
        DevgateError(
            f"a bug in devgate: {type(error).__name__}", hint="the traceback is in devgate's log", code="internal-error"
        )
    )


def bad_request(message: str, hint: str = "") -> CommandError:
    return CommandError(message, hint=hint, code="bad-request", status=400, exit_code=Exit.USAGE)


async def body(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request; an empty body is an empty object, and the content type does not matter.

    Raises:
        CommandError: it is something else.
    """
    text = await request.read()
    if not text.strip():
        return {}
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise bad_request("the body must be a JSON object")
    return data


def field(data: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    """One value of a body.

    Raises:
        CommandError: it is of another kind.
    """
    value = data.get(name, default)
    if type(value) is not kind and value is not default:
        raise bad_request(f"{name} must be {_KINDS[kind]}")
    return value


def number(request: web.Request, name: str, default: int, largest: int) -> int:
    """A whole number of the query, from 0; more than `largest` is cut to it.

    Raises:
        CommandError: it is not one.
    """
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 20):
        raise bad_request(f"{name} must be a whole number from 0")
    return min(int(text), largest)


def duration(request: web.Request, name: str, longest_s: float) -> float:
    """A duration of the query in seconds, at most `longest_s`; 0 if there is none.

    Raises:
        CommandError: it is not one.
    """
    try:
        return min(parse_duration(request.query.get(name, "0s")), longest_s)
    except ValueError as error:
        raise bad_request(f"{name}: {error}") from None
