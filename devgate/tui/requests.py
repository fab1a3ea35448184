"""Requests as rows and as facts: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.model.query import CLIENT_LEFT
from devgate.tui import format as fmt
from devgate.tui.columns import Column, Row
from devgate.tui.rows import status

if TYPE_CHECKING:
    from devgate.model.query import RequestName, RequestRow, RequestState
    from devgate.tui.ink import Run, Runs

COLUMNS: Final = (
    Column("at", "Time", fmt.CLOCK),
    Column("method", "Method", 7),
    Column("status", "Status", 6, right=True),
    Column("took", "Took", fmt.MILLISECONDS, right=True),
    Column("path", "Path", 24, grow=2),
    Column("service", "Service", 18, drop=1),
    Column("size", "Size", fmt.SIZE, right=True, drop=3),
    Column("held", "Held", fmt.MILLISECONDS, right=True, drop=4),
    Column("error", "Error", 20, grow=1, most=32, drop=2),
)
SLOW_MS: Final = 1000.0
"""From this time a request that is not a stream stands out."""
_STATES: Final[dict[RequestState, tuple[str, Run]]] = {
    "gateway": ("begun", ("held up by devgate", "warn")),
    "held": ("held", ("service not ready", "warn")),
    "queued": ("queued", ("no free connection", "warn")),
    "waiting": ("waits", ("no answer yet", "info")),
    "answering": ("", ("answer arrives", "info")),
}
"""How far a request is: instead of its status while there is none, and in a sentence instead of its error."""
_OPEN: Final[Run] = "open", "info"
BROKEN_OFF: Final = frozenset({"client-left", "cut", "truncated", "reset", "response-timeout"})
"""Slugs of what can end an answer that the service had begun: its status is the service's."""
_LEFT_BEFORE: Final = ", which nobody was sent: the client left before it had an answer"
_LEFT_WITHIN: Final = ", but the client left before its end"
_KINDS: Final = {"sse": "event stream", "websocket": "WebSocket"}


def row(request: RequestRow) -> Row:
    """One of a list. What is under way has a key of its own, and counts whole seconds: nobody reads ten changes a second."""
    done = request.state == "done"
    slow = request.kind == "http" and request.duration_ms >= SLOW_MS
    path: Runs = ((request.path, "plain"),)
    if request.kind != "http":
        path = (*path, (f" {_KINDS.get(request.kind, request.kind)}", "info"))
    return Row(
        str(request.seq) if done else key_under_way(request.request_id),
        {
            "at": ((fmt.clock(request.at), "muted"),),
            "method": ((request.method, "muted" if request.method in ("OPTIONS", "HEAD") else "strong"),),
            "status": (status(request.status) if done else _far(request),),
            "took": (
                (fmt.milliseconds(request.duration_ms), "warn" if slow else "plain") if done else _so_far(request),
            ),
            "path": path,
            "service": ((request.service or fmt.NONE, "plain" if request.service else "muted"),),
            "size": ((fmt.size(request.response_bytes), "muted"),),
            "held": ((fmt.milliseconds(request.held_ms), "warn") if request.held_ms else ("", "plain"),),
            "error": (_ended(request) if done else _doing(request),),
        },
    )


def _ended(request: RequestRow) -> Run:
    """How a client ends a stream is no fault: there is no other end."""
    return request.error, "muted" if ended_by_client(request) else "bad-soft"


def ended_by_client(request: RequestRow) -> bool:
    """Whether it is a stream that was open until its client had enough."""
    return request.kind != "http" and request.error == "client-left"


def key_under_way(request_id: str) -> str:
    """Of a row, until its request has a number."""
    return f"~{request_id}"


def named(key: str) -> RequestName:
    """The request of a row."""
    return int(key) if key.isdecimal() else key.removeprefix("~")


def _far(request: RequestRow) -> Run:
    word, (_, colour) = _STATES[request.state]
    return (f"{request.status}…" if request.status else word), colour


def _so_far(request: RequestRow) -> Run:
    if request.duration_ms < SLOW_MS:
        return "…", "muted"
    return fmt.span(request.duration_ms / 1000), "warn" if request.kind == "http" else "info"


def _doing(request: RequestRow) -> Run:
    return _OPEN if request.kind != "http" and request.state == "answering" else _STATES[request.state][1]


def details(request: RequestRow) -> list[Runs]:
    """Everything known about one request."""
    replica = f" #{request.replica}" if request.replica > 0 else ""
    where = f"{request.route or 'no route'} → {request.service or 'nobody'}{replica}"
    facts = [
        ("request", f"{request.method} {request.path}"),
        ("id", request.request_id),
        ("route", where),
        (
            "received",
            f"{fmt.clock(request.at)}, {fmt.size(request.request_bytes)} in, {fmt.size(request.response_bytes)} out",
        ),
        (
            "took",
            fmt.milliseconds(request.duration_ms) + ("" if request.state == "done" else " so far") + _held(request),
        ),
    ]
    lines: list[Runs] = [((f"{name:<9}", "muted"), (text, "plain")) for name, text in facts]
    lines.insert(1, (("status   ", "muted"), *_said(request)))
    return lines


def _said(request: RequestRow) -> Runs:
    """Who answered with which status, and how it ended or how far it is."""
    broken = request.error in BROKEN_OFF and 0 < request.status < 500  # what devgate answers itself is 502 and more
    asked = request.replica >= 0  # else it is a kept answer, or one that stands in the profile
    answer = "devgate" if (request.error and not broken) or not asked else request.service
    answered: Runs = (status(request.status), (f" from {answer}", "plain"))
    if request.state != "done":
        word, ink = _doing(request)
        return (*(answered if request.status else ()), (f"{', ' if request.status else ''}under way: {word}", ink))
    if ended_by_client(request):
        return (*answered, (", until the client ended it", "plain"))
    if request.status == CLIENT_LEFT and request.error == "client-left":
        return (answered[0], (_LEFT_BEFORE, "warn"))
    if request.error == "client-left":
        return (*answered, (_LEFT_WITHIN, "warn"))
    return (*answered, (f": {request.error}", "bad")) if request.error else answered


def _held(request: RequestRow) -> str:
    if not request.held_ms:
        return ""
    return f", of which {fmt.milliseconds(request.held_ms)} waiting for {request.service or 'the service'} to come back"
