"""How a request's bytes get to a service: at once where they are all there, else as they come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devgate.gateway.capture import KEPT
from devgate.gateway.exchange import BadBody
from devgate.gateway.failures import Failure
from devgate.gateway.headers import request_trailers
from devgate.gateway.upstream.line import CHUNKED

if TYPE_CHECKING:
    from devgate.errors import DevgateError
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.relay import Relay
    from devgate.gateway.upstream.line import Line
    from devgate.gateway.ways import Way


def take_whole(exchange: Exchange) -> bool:
    """Whether the request is all there, its body included, which is then taken in: small ones usually come with their head."""
    body = exchange.body
    if body is None or exchange.whole_body is not None:
        return True
    if not body.is_eof():
        return False
    exchange.whole_body = body.read_nowait()
    exchange.received = len(exchange.whole_body)
    return True


def request(exchange: Exchange, way: Way) -> bytes:
    """What is sent: the head for this service, and the body if it is there as a whole, framed as the head announces."""
    before, after = exchange.head
    body = exchange.whole_body
    lane = exchange.lane
    assert lane is not None
    host_line = way.host_line
    if lane.host is not None and (called := lane.host or exchange.host):
        host_line = b"Host: %b\r\n" % called
    if body is None:
        return b"%b%b%b" % (before, host_line, after)
    if b"transfer-encoding" in exchange.greeting.noted:
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        body = b"%b0\r\n%b\r\n" % (chunk, request_trailers(exchange.trailers))
    return b"%b%b%b%b" % (before, host_line, after, body)


async def stream(relay: Relay, line: Line, way: Way, ended: asyncio.Future[DevgateError | None]) -> DevgateError | None:
    """An attempt whose body is still arriving: pass it on, and listen to the answer meanwhile."""
    exchange = relay.exchange
    noted = exchange.greeting.noted
    length = CHUNKED if b"transfer-encoding" in noted else int(noted[b"content-length"])
    relay.send(line, request(exchange, way), way.origins, body=length)
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(_send_body(relay, line), name=f"body of {exchange.request_id}")
        how = await ended
        early = not sending.done() and exchange.body is not None and not exchange.body.is_eof()
        sending.cancel()
    if early and how is None:
        had = f"{exchange.received} bytes of whose body had come"
        exchange.traced().note("request", f"{relay.instance.service} answered before it had the whole request, {had}")
    return how


async def _send_body(relay: Relay, line: Line) -> None:
    """Pass the body on as fast as the service takes it, until it ends or nobody wants the rest."""
    exchange = relay.exchange
    body = exchange.body
    assert body is not None
    try:
        while data := await body.readany():
            if exchange.received < KEPT:
                exchange.traced().uploaded.append(data)
            exchange.received += len(data)
            relay.expect_body()
            if not line.write_body(data) or not await line.drained():
                return
    except BadBody as fault:
        line.abort()
        exchange.close = True
        relay.end(Failure(fault.code, fault.sentence, stage="request"))
        return
    line.end_body(request_trailers(exchange.trailers))
    relay.expect_answer()
