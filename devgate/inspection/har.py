"""Finished requests as HTTP Archive 1.2 (the W3C web performance group's draft of 2012, which browsers and Charles read).

Every mandatory member is there; -1 stands for a size or time that is not known. What HAR has no place for travels in members
that begin with an underscore: the gateway's decisions (`_devgate`) and messages of a WebSocket (`_webSocketMessages`, as Chrome
writes them). It is made of redacted details, so an archive can be given away.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from devgate import __version__
from devgate.model.detail import first
from devgate.model.query import CLIENT_LEFT
from devgate.model.wire import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devgate.model.detail import Body, Field, Message, RequestDetail

_TIMINGS: Final = {
    "held": "blocked",
    "retried": "blocked",
    "connected": "connect",
    "waited": "wait",
    "answered": "receive",
}
"""Our phases, as HAR calls them."""


def archive(details: Iterable[RequestDetail]) -> dict[str, Any]:
    """A whole archive, oldest request first."""
    entries = [entry(detail) for detail in sorted(details, key=lambda one: one.row.at)]
    return {"log": {"version": "1.2", "creator": {"name": "devgate", "version": __version__}, "entries": entries}}


def entry(detail: RequestDetail) -> dict[str, Any]:
    """One request."""
    row = detail.row
    timings = _timings(detail)
    found: dict[str, Any] = {
        "startedDateTime": datetime.fromtimestamp(row.at, UTC).isoformat(timespec="milliseconds"),
        "time": sum(value for value in timings.values() if value >= 0),
        "request": _request(detail),
        "response": _response(detail),
        "cache": {},
        "timings": timings,
        "_devgate": {
            "requestId": row.request_id,
            "route": row.route,
            "service": row.service,
            "replica": row.replica,
            "error": row.error,
            "heldMs": row.held_ms,
            "decisions": [{"step": one.step, "text": one.text} for one in detail.decisions],
            "note": detail.note,
        },
    }
    if detail.peer:
        found["_clientIPAddress"] = detail.peer
    if row.kind == "websocket":
        found["_resourceType"] = "websocket"
        found["_webSocketMessages"] = [_message(one, row.at) for one in detail.messages]
    return found


def _timings(detail: RequestDetail) -> dict[str, float]:
    timings = {"blocked": -1.0, "dns": -1.0, "connect": -1.0, "send": 0.0, "wait": 0.0, "receive": 0.0, "ssl": -1.0}
    for phase in detail.phases:
        name = _TIMINGS[phase.name]
        timings[name] = max(timings[name], 0.0) + phase.took_ms
    if not detail.phases:
        timings["wait"] = detail.row.duration_ms
    return timings


def _request(detail: RequestDetail) -> dict[str, Any]:
    row, body = detail.row, detail.request_body
    query = detail.row.path.partition("?")[2].partition("#")[0]
    found: dict[str, Any] = {
        "method": row.method,
        "url": detail.target,
        "httpVersion": f"HTTP/{detail.http}",
        "cookies": _cookies(first(detail.request, "cookie").split(";")),
        "headers": _fields(detail.request),
        "queryString": [{"name": name, "value": value} for name, value in _pairs(query)],
        "headersSize": -1,
        "bodySize": body.size,
    }
    if body.size:
        found["postData"] = {"mimeType": body.type, "text": body.text, **_comment(body)}
    return found


def _response(detail: RequestDetail) -> dict[str, Any]:
    row, body = detail.row, detail.response_body
    unanswered = row.status == CLIENT_LEFT and row.error == "client-left"
    content: dict[str, Any] = {"size": body.size, "mimeType": body.type or "x-unknown", **_comment(body)}
    if body.text:
        content["text"] = body.text
    elif body.base64:
        content |= {"text": body.base64, "encoding": "base64"}
    return {
        "status": row.status,
        "statusText": "Client Closed Request" if unanswered else detail.reason,
        "httpVersion": "HTTP/1.1",
        "cookies": [
            cookie
            for field in detail.response
            if field.name.lower() == "set-cookie"
            for cookie in _cookies([field.value])
        ],
        "headers": _fields(detail.response),
        "content": content,
        "redirectURL": first(detail.response, "location"),
        "headersSize": -1,
        "bodySize": row.response_bytes,
        **({"comment": "no answer: the client left before one had begun"} if unanswered else {}),
    }


def _comment(body: Body) -> dict[str, str]:
    said = [body.note] if body.note else []
    if body.cut and not body.note:
        said.append("only the beginning was kept")
    return {"comment": "; ".join(said)} if said else {}


def _fields(fields: Sequence[Field]) -> list[dict[str, Any]]:
    return [plain(field) for field in fields]


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=1_000)
    except ValueError:
        return []


def _cookies(parts: Iterable[str]) -> list[dict[str, str]]:
    """Names and (masked) values; of a `Set-Cookie` the attributes are in its header."""
    found = []
    for part in parts:
        name, equals, value = part.partition(";")[0].partition("=")
        if equals:
            found.append({"name": name.strip(), "value": value.strip()})
    return found


def _message(message: Message, at: float) -> dict[str, Any]:
    opcode = {"text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}.get(message.kind, 1)
    # When each message passed is not remembered; the handshake's time is the least that is true.
    sent = "send" if message.sender == "client" else "receive"
    return {"type": sent, "time": at, "opcode": opcode, "data": message.text}
