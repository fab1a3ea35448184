"""What the gateway answers when it is not the service that answers (SEMANTICS 3.15).

A `Failure` is raised wherever a request cannot go on, and rendered here, once: `application/problem+json` (RFC 9457) for
programs, the same facts as a page for a navigating browser. Every answer says that it is devgate's (`X-Devgate-Error`), carries
the request id, and the CORS lines without which page code would see nothing but a network error.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal

from devgate.errors import DevgateError
from devgate.gateway.headers import SECURITY_LINES

if TYPE_CHECKING:
    from collections.abc import Mapping


Category = Literal[
    "authentication",
    "circuit_open",
    "connection",
    "internal",
    "protocol",
    "rate_limit",
    "service_discovery",
    "timeout",
    "upstream_error",
    "validation",
]
"""What went wrong, in the few words that programs decide by (SEMANTICS 3.13)."""

Recovery = Literal["none", "immediate", "delayed", "manual"]
"""What helps: nothing, for the same request fails again; sending it again; sending it again later; or somebody has to act first,
and until then no repetition helps."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One line of the catalogue."""

    status: int
    title: str
    category: Category
    recovery: Recovery
    proxy_error: str = ""
    """Error type of `Proxy-Status` (RFC 9209 2.3); empty where nothing was proxied."""


_BAD: Final = ("validation", "none", "http_request_error")
_DENIED: Final = ("authentication", "none", "http_request_denied")
_AWAY: Final = ("service_discovery", "delayed", "destination_unavailable")
_DOWN: Final = ("service_discovery", "manual", "destination_unavailable")

CATALOGUE: Final[Mapping[str, Kind]] = {
    "bad-request": Kind(400, "The request is malformed", *_BAD),
    "origin-not-allowed": Kind(403, "This origin may not talk to the gateway", *_DENIED),
    "host-not-allowed": Kind(403, "This host name is not the gateway's", *_DENIED),
    "no-route": Kind(404, "No route matches", "service_discovery", "none"),
    "method-not-allowed": Kind(405, "The method is not allowed here", "validation", "none"),
    "request-timeout": Kind(408, "The request took too long to arrive", "timeout", "immediate", "http_request_error"),
    "body-too-large": Kind(413, "The request's body is too large", *_BAD),
    "uri-too-long": Kind(414, "The request target is too long", *_BAD),
    "headers-too-large": Kind(431, "The request's header fields are too large", *_BAD),
    "quota-exceeded": Kind(429, "Too many requests", "rate_limit", "delayed"),
    "internal": Kind(500, "The gateway has a bug", "internal", "none", "proxy_internal_error"),
    "connect-refused": Kind(502, "The service refused the connection", "connection", "delayed", "connection_refused"),
    "reset": Kind(502, "The service broke the connection", "connection", "immediate", "connection_terminated"),
    "dns": Kind(502, "The service's host name cannot be resolved", "connection", "manual", "dns_error"),
    "tls": Kind(502, "The service's TLS cannot be trusted", "connection", "manual", "tls_certificate_error"),
    "bad-response": Kind(502, "The service's answer is malformed", "protocol", "manual", "http_protocol_error"),
    "truncated": Kind(502, "The service's answer ended too early", "protocol", "immediate", "http_response_incomplete"),
    "target-prohibited": Kind(
        502, "The service is at an address that may not be used", "connection", "manual", "destination_ip_prohibited"
    ),
    "upgrade-failed": Kind(
        502,
        "The service agreed to an upgrade, but to none that was asked for",
        "protocol",
        "manual",
        "http_upgrade_failed",
    ),
    "circuit-open": Kind(
        503, "The service keeps failing and is given a pause", "circuit_open", "delayed", "destination_unavailable"
    ),
    "no-healthy-instance": Kind(503, "No instance of the service can answer", *_AWAY),
    "hold-timeout": Kind(503, "The service did not come back in time", *_AWAY),
    "stopped": Kind(503, "The service is stopped", *_DOWN),
    "blocked": Kind(503, "The service cannot be started", *_DOWN),
    "crashed": Kind(503, "The service has crashed", *_DOWN),
    "draining": Kind(503, "The gateway is shutting down", *_AWAY),
    "overloaded": Kind(
        503, "Too many requests wait for the service", "connection", "delayed", "connection_limit_reached"
    ),
    "connect-timeout": Kind(
        504, "The service did not accept the connection in time", "timeout", "delayed", "connection_timeout"
    ),
    "response-timeout": Kind(504, "The service did not answer in time", "timeout", "delayed", "http_response_timeout"),
    "not-kept": Kind(504, "Only a kept answer was asked for, and none is there", "validation", "none"),
    "fault": Kind(503, "Something goes wrong here on purpose", "upstream_error", "manual"),
    "loop": Kind(508, "The request has come round in a circle", "protocol", "manual", "proxy_loop_detected"),
}
"""Slug to what it means. The slug is the stable part: `code`, `type`, `X-Devgate-Error`."""


_IN_TEXT: Final = frozenset({"title", "status", "detail", "error"})
"""Members that a page has in its heading and its sentence."""


class Failure(DevgateError):
    """A request that the gateway answers itself.

    Args:
        code: a slug of `CATALOGUE`.
        detail: what happened to this request, as one sentence.
        hint: what to do about it; may be empty.
        stage: which step of the pipeline said so.
        retry_after_s: when another try makes sense; rounded up to whole seconds, at least one, which is also what a 503 says
            where nobody knows better.
        lines: further header lines, each with CRLF.
        cors: whether the answer carries the CORS lines; not where the name or the origin itself was refused.
        facts: further members of the problem.
        status: in place of the usual one.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        hint: str = "",
        stage: str = "",
        retry_after_s: float | None = None,
        lines: bytes = b"",
        cors: bool = True,
        facts: Mapping[str, Any] | None = None,
        status: int = 0,
    ) -> None:
        self.kind = CATALOGUE[code]
        super().__init__(detail, hint=hint, code=code, status=status or self.kind.status)
        self.stage = stage
        if retry_after_s is None and self.status == 503:
            retry_after_s = 1
        self.retry_after = None if retry_after_s is None else max(1, math.ceil(retry_after_s))
        self.lines = lines
        self.cors = cors
        self.facts = facts or {}


@dataclass(frozen=True, slots=True)
class Scene:
    """The request that failed, as far as its answer tells of it."""

    request_id: str
    path: bytes
    """Raw, without the query, which may hold secrets."""
    wall: float
    """Seconds since the epoch."""
    service: str = ""
    route: str = ""
    cors: bytes = b""
    """Lines for the request's origin, each with CRLF."""
    html: bool = False
    attempts: int = 0
    """How often a service was asked in vain."""


def mishap(error: str, received: int = 0) -> bytes:
    """What went wrong with a service, as a parameter of `Proxy-Status` (RFC 9209 2.1): that, or what it answered.

    Args:
        error: a slug of `CATALOGUE`.
        received: the status, if it has answered.
    """
    if received:
        return b"received-status=%d" % received
    return b"error=%b" % (CATALOGUE[error].proxy_error or "destination_unavailable").encode()


def fallback_status(mishap: bytes, step: str, service: str = "") -> bytes:
    """`Proxy-Status` of an answer that comes from elsewhere.

    Args:
        step: of the fallback: `peer`, `stale` or `static`.
        service: that answers instead.
    """
    hop = b'; next-hop="%b"' % service.encode() if service else b""
    return b'devgate; %b%b; details="fallback %b"' % (mishap, hop, step.encode())


def wants_page(accept: bytes, destination: bytes) -> bool:
    """Whether a browser navigates: then a person reads the answer."""
    return destination == b"document" and b"text/html" in accept


def reason(status: int) -> bytes:
    """The reason phrase of a status."""
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b"Unknown"


def render(failure: Failure, scene: Scene) -> tuple[bytes, bytes]:
    """Header lines (without `Content-Length`) and body of the answer."""
    problem = _problem(failure, scene)
    body = _page(problem) if scene.html else json.dumps(problem, ensure_ascii=False).encode("utf-8", "replace")
    lines = [
        b"Content-Type: %b\r\n" % (b"text/html; charset=utf-8" if scene.html else b"application/problem+json"),
        b"Cache-Control: no-store\r\n",
        b"X-Devgate-Error: %b\r\n" % failure.code.encode(),
        b"X-Request-ID: %b\r\n" % scene.request_id.encode() if scene.request_id else b"",
        b"Proxy-Status: devgate; error=%b\r\n" % failure.kind.proxy_error.encode() if failure.kind.proxy_error else b"",
        b"Retry-After: %d\r\n" % failure.retry_after if failure.retry_after is not None else b"",
        b"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n" if scene.html else b"",
        SECURITY_LINES,
        scene.cors if failure.cors else b"Vary: Origin\r\n",
        failure.lines,
    ]
    return b"".join(lines), body


def _problem(failure: Failure, scene: Scene) -> dict[str, Any]:
    detail = f"{failure.message} {failure.hint[:1].upper()}{failure.hint[1:]}." if failure.hint else failure.message
    members: dict[str, Any] = {
        "type": f"urn:devgate:problem:{failure.code}",
        "title": failure.kind.title,
        "status": failure.status,
        "detail": detail,
        "instance": scene.path.decode("utf-8", "replace"),
        "code": failure.code,
        "error": failure.kind.title,  # what clients of the reference gateways read
        "request_id": scene.request_id,
        "timestamp": datetime.fromtimestamp(scene.wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "stage": failure.stage,
        "service": scene.service,
        "route": scene.route,
        "retry_after": failure.retry_after,
        "attempts": scene.attempts or None,
        "category": failure.kind.category,
        "recovery": failure.kind.recovery,
        **failure.facts,
    }
    return {name: value for name, value in members.items() if value not in ("", None)}


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _page(problem: Mapping[str, Any]) -> bytes:
    rows = "".join(
        f"<dt>{escape(name.replace('_', ' '))}</dt><dd>{escape(_told(value))}</dd>"
        for name, value in problem.items()
        if name not in _IN_TEXT
    )
    title = escape(f"{problem['status']} {problem['title']}")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><meta name="viewport" content="width=device-width">
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 44rem; margin: 12vh auto; padding: 0 1.5rem }}
h1 {{ font-size: 1.4rem }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; font: .9rem/1.6 ui-monospace, monospace }}
dt {{ opacity: .6 }} dd {{ margin: 0; overflow-wrap: anywhere }}
</style></head><body><h1>{title}</h1><p>{escape(str(problem["detail"]))}</p><dl>{rows}</dl>
<p>This is devgate speaking, not the service.</p></body></html>
""".encode("utf-8", "replace")
