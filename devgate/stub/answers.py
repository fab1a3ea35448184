"""What a request gets: a value that the connection then carries out. No IO, no clock.

Order: `/_stub`; 503 until ready; health and version, which faults never touch; then the stood-in service itself, where the
switches decide first (crash, failure, latency), and the answer is a WebSocket if one is asked for, the first canned answer that
matches, the event stream, or the echo.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.stub import events, websocket
from devgate.stub.behaviour import Behaviour, Verdict
from devgate.stub.config import ConfigError, parse_document
from devgate.stub.request import KEPT_BODY_LIMIT

if TYPE_CHECKING:
    from devgate.stub.request import Request

CONTROL_PATH: Final = "/_stub"
EVENTS_PATH: Final = "/events"
VERSION_PATH: Final = "/api/shared-knowledge/status"

_JSON: Final = ("Content-Type", "application/json")
_NO_STORE: Final = ("Cache-Control", "no-store")
_READING: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is complete."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delay: float = 0.0
    """Seconds to wait first."""
    close: bool = False
    """The connection ends with it."""
    is_probe: bool = False
    """It told about the stub's health or version: not worth a log line each time."""
    crash: str | None = None
    """The process ends once it is sent, for this reason."""


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that goes on."""

    feed: events.Feed
    headers: tuple[tuple[str, str], ...]
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Upgrade:
    """From here on a WebSocket."""

    headers: tuple[tuple[str, str], ...]
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Crash:
    """No answer: the process ends."""

    reason: str


Answer = Reply | Stream | Upgrade | Crash


def keeps_body(method: str, path: str) -> bool:
    """Whether this request's body is read. All others are only counted and hashed."""
    return method == "POST" and path == CONTROL_PATH


def decide(request: Request, stub: Behaviour, now: float) -> Answer:
    """What `request` gets. Counts it, and carries out what it asks of `/_stub`."""
    path, reading = request.path, request.method in _READING
    if path == CONTROL_PATH:
        return _control(request, stub, now)
    if not stub.is_ready(now):
        starting = {"status": "starting", "service": stub.config.name}
        is_probe = path in (stub.config.health, VERSION_PATH)
        return _json(503, starting, ("Retry-After", "1"), is_probe=is_probe, close=request.upgrade)
    if reading and not request.upgrade:
        if path == stub.config.health:
            return _health(stub)
        if path == VERSION_PATH:
            version = {"version": stub.switches.version, "lastUpdated": _timestamp(stub.version_set())}
            return _json(200, version, _NO_STORE, is_probe=True)
    match stub.admit():
        case Verdict.CRASH:
            return Crash(f"crash_after_requests: {stub.requests} answered")
        case Verdict.FAIL:
            problem = {"error": "failing as told", "service": stub.config.name}
            return _json(stub.switches.fail_status, problem, delay=stub.switches.latency, close=request.upgrade)
        case Verdict.PASS:
            return _serve(request, stub, path)


def _serve(request: Request, stub: Behaviour, path: str) -> Answer:
    """The stood-in service's own answer."""
    delay = stub.switches.latency
    if request.upgrade:
        return _upgrade(request, delay)
    for canned in stub.config.responses:
        if canned.matches(request.method, path):
            return Reply(canned.status, canned.headers, canned.body, delay=delay + canned.latency)
    if path == EVENTS_PATH and request.method in _READING:
        last = request.values("last-event-id")
        try:
            feed = events.read_feed(request.query, last[-1] if last else None)
        except ValueError as error:
            return _json(400, {"error": str(error)}, delay=delay)
        kind = ("Content-Type", "text/event-stream; charset=utf-8")
        # nginx and its like hold back what they proxy unless told so.
        return Stream(feed, (kind, _NO_STORE, ("X-Accel-Buffering", "no")), delay=delay)
    return _echo(request, stub, path, delay)


def _echo(request: Request, stub: Behaviour, path: str, delay: float) -> Reply:
    facts: dict[str, object] = {
        "service": stub.config.name,
        "port": stub.port,
        "pid": stub.pid,
        "method": request.method,
        "path": path,
        "query": request.query,
        "target": request.target,
        "headers": request.headers,
        "body_bytes": request.body_bytes,
        "body_sha256": request.body_sha256,
    }
    if request.trailers:
        facts["trailers"] = request.trailers
    return _json(200, facts, delay=delay)


def _upgrade(request: Request, delay: float) -> Answer:
    try:
        return Upgrade(websocket.accept(request), delay=delay)
    except websocket.HandshakeError as error:
        hint = (("Sec-WebSocket-Version", "13"),) if error.status == 426 else ()
        return _json(error.status, {"error": str(error)}, *hint, delay=delay, close=True)


def _health(stub: Behaviour) -> Reply:
    word = stub.switches.health
    body = {"status": word, "service": stub.config.name, "sharedKnowledgeVersion": stub.switches.version}
    return _json(503 if word == "unhealthy" else 200, body, _NO_STORE, is_probe=True)


def _control(request: Request, stub: Behaviour, now: float) -> Reply:
    if request.values("origin"):
        # A browser names the page's origin with every POST: no page may reach in here (SEMANTICS 4, threat 21).
        return _json(403, {"error": "not for pages: send it without Origin"})
    if request.method in _READING:
        return _json(200, stub.document(now), _NO_STORE)
    if request.method != "POST":
        return _json(405, {"error": "GET shows the switches, POST changes them"}, ("Allow", "GET, HEAD, POST"))
    if request.body_bytes > KEPT_BODY_LIMIT:
        return _json(413, {"error": f"more than {KEPT_BODY_LIMIT} bytes"})
    try:
        crash = stub.switch(parse_document(request.kept.decode("utf-8", "replace")), now)
    except ConfigError as error:
        return _json(400, {"error": str(error)})
    if crash:
        return _json(202, stub.document(now), crash="told so by /_stub", close=True)
    return _json(200, stub.document(now), _NO_STORE)


def _json(
    status: int,
    body: object,
    *fields: tuple[str, str],
    delay: float = 0.0,
    close: bool = False,
    is_probe: bool = False,
    crash: str | None = None,
) -> Reply:
    encoded = json.dumps(body).encode() + b"\n"
    return Reply(status, (_JSON, *fields), encoded, delay=delay, close=close, is_probe=is_probe, crash=crash)


def _timestamp(wall: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall))
