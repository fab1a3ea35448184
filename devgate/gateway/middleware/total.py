"""The time that a request may take from its arrival to the end of its answer, whatever it is spent on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devgate.gateway.failures import Failure
from devgate.model.units import format_duration

if TYPE_CHECKING:
    from devgate.clock import Clock
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.middleware.chain import Serve, Step


def limited(total_s: float, clock: Clock) -> Step:
    """What turns into an event stream or a WebSocket has no end that could be late, and is left alone. The breaker hears nothing:
    the limit is the route's, and may be shorter than what the service is given for its answer."""

    async def step(exchange: Exchange, serve: Serve) -> None:
        def expire() -> None:
            if exchange.kind == "http":
                limit.reschedule(0.0)

        try:
            async with asyncio.timeout(None) as limit:
                left_s = exchange.arrived + total_s - clock.now()
                timer = asyncio.get_running_loop().call_later(left_s, expire)
                try:
                    await serve(exchange)
                finally:
                    timer.cancel()
        except TimeoutError:
            if not limit.expired():
                raise
            raise _late(exchange, total_s) from None

    return step


def _late(exchange: Exchange, total_s: float) -> Failure:
    span = format_duration(total_s)
    if exchange.body is not None and not exchange.body.is_eof():
        exchange.close = True
        return Failure("request-timeout", f"The request was not all there within {span}.", stage="total")
    return Failure(
        "response-timeout",
        f"The request was not answered to its end within {span}.",
        hint="the route's timeout.total says how long everything together may take",
        stage="total",
    )
