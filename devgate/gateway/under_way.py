"""Requests that are not finished, as rows: read off the exchanges when somebody looks, so that nothing is noted for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.gateway.record import shown_path
from devgate.model.query import RequestRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devgate.gateway.exchange import Exchange
    from devgate.model.query import RequestState

MOST: Final = 200
"""Rows given. Of more, those that have come last: the oldest are connections that stay open."""


def rows(exchanges: Iterable[Exchange], now: float, wall: float) -> tuple[RequestRow, ...]:
    """The oldest first, at `now` monotonic and `wall` seconds since the epoch."""
    found = sorted(exchanges, key=lambda exchange: exchange.arrived)[-MOST:]
    return tuple(row_of(exchange, now, wall) for exchange in found)


def row_of(exchange: Exchange, now: float, wall: float) -> RequestRow:
    """One of them; its `seq` is 0."""
    route, lane, instance = exchange.route, exchange.lane, exchange.instance
    took_s = max(now - exchange.arrived, 0.0)
    doing = exchange.trace.doing if exchange.trace is not None else None
    held_s = exchange.held_s
    if doing is not None and doing[0] == "held":
        held_s += max(now - doing[1], 0.0)
    return RequestRow(
        seq=0,
        at=wall - took_s,
        request_id=exchange.request_id,
        method=exchange.method,
        path=shown_path(exchange.target),
        status=exchange.status,
        route="" if route is None else route.id,
        service=lane.backend.name if lane is not None else "" if route is None else route.spec.service,
        replica=-1 if instance is None or doing is not None else instance.replica,
        duration_ms=took_s * 1000,
        held_ms=held_s * 1000,
        request_bytes=exchange.received,
        response_bytes=exchange.sent,
        error=exchange.error,
        kind=exchange.kind,
        state=state_of(exchange),
    )


def state_of(exchange: Exchange) -> RequestState:
    """How far it is."""
    if exchange.trace is not None and exchange.trace.doing is not None:
        return exchange.trace.doing[0]
    if exchange.started:
        return "answering"
    return "gateway" if exchange.instance is None else "waiting"
