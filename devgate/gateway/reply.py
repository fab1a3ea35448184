"""A service's heads as its client gets them: pure, bytes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.gateway.headers import (
    SECURITY_KEYS,
    SECURITY_LINES,
    cors_fields,
    missing_security,
    read_response,
    rewritten_location,
)
from devgate.gateway.upstream.response import Framing

if TYPE_CHECKING:
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.headers import Fields
    from devgate.gateway.lane import Lane
    from devgate.gateway.upstream.response import ResponseHead

_EVENT_STREAM: Final = b"text/event-stream"


def is_event_stream(noted: dict[bytes, bytes]) -> bool:
    """Whether an answer is server-sent events, which have no natural end."""
    return noted.get(b"content-type", b"")[: len(_EVENT_STREAM)].lower() == _EVENT_STREAM


def answer_head(
    exchange: Exchange, lane: Lane, head: ResponseHead, fields: Fields, origins: tuple[bytes, ...], *, chunked: bool
) -> bytes:
    """The head of a final answer. Decides whether the client's connection outlives it.

    Args:
        fields: of `head`, as `read_response` gives them.
        origins: what the service may call itself in a `Location`.
        chunked: the body goes out in chunks.
    """
    noted, lines = fields.noted, fields.lines
    cors, verdict = lane.cors, exchange.cors
    assert verdict is not None
    if b"location" in noted:
        ours = b"http://%b" % exchange.host if exchange.host else b""
        if lane.host:  # what we call it, it may call itself
            origins = (*origins, b"%b://%b" % (origins[0].partition(b":")[0], lane.host.lower()))
        location = rewritten_location(noted[b"location"], origins, ours + lane.route.prefix)
        lines.append(b"Location: %b\r\n" % location)
    if b"date" not in noted:  # RFC 9110 6.6.1
        lines.append(exchange.client.date_line())
    if exchange.kind == "sse" and b"x-accel-buffering" not in noted:
        lines.append(b"X-Accel-Buffering: no\r\n")
    if exchange.held_s:
        lines.append(b"Server-Timing: hold;dur=%.1f\r\n" % (exchange.held_s * 1000))
    security = b""
    if lane.security:
        security = SECURITY_LINES if SECURITY_KEYS.isdisjoint(noted) else missing_security(noted)
    return b"HTTP/1.1 %d %b\r\n%b%bX-Request-ID: %b\r\nVia: 1.1 devgate\r\n%b%b%b%b\r\n" % (
        head.status,
        head.reason,
        b"".join(lines),
        b"Transfer-Encoding: chunked\r\n" if chunked else _length_line(exchange, head),
        exchange.id,
        security,
        exchange.extra,
        cors.complete(verdict, cors_fields(noted)) if cors.keeps_upstream else verdict.lines,
        exchange.connection_line(),
    )


def interim_head(head: ResponseHead) -> bytes:
    """A 1xx, relayed."""
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (head.status, head.reason, b"".join(read_response(head.headers).lines))


def switch_head(exchange: Exchange, head: ResponseHead) -> bytes:
    """A 101: everything that belongs to the handshake passes."""
    return (
        b"HTTP/1.1 101 %b\r\n%bConnection: Upgrade\r\nUpgrade: websocket\r\nX-Request-ID: %b\r\nVia: 1.1 devgate\r\n%b\r\n"
        % (
            head.reason,
            b"".join(read_response(head.headers).lines),
            exchange.id,
            exchange.extra,
        )
    )


def _length_line(exchange: Exchange, head: ResponseHead) -> bytes:
    """How the client is told where a body ends that goes out as it comes."""
    if head.framing is Framing.LENGTH:
        return b"Content-Length: %d\r\n" % (head.length or 0)
    if head.framing is Framing.NONE:
        # Of a body that does not follow the length is still told (HEAD, 304), but never with 204 (RFC 9110 8.6).
        return b"Content-Length: %d\r\n" % head.length if head.length is not None and head.status != 204 else b""
    exchange.close = True  # only the end of the connection can tell a client of HTTP/1.0
    return b""
