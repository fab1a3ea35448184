"""A fault on demand as it happens to requests: late, failed, cut or slow, whatever their kind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devgate.gateway.failures import Failure
from devgate.gateway.middleware.chain import Passing
from devgate.gateway.middleware.outlet import Outlet
from devgate.policy.breaker import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.clock import Clock
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.middleware.chain import Filter, Serve, Step
    from devgate.gateway.relay import Relay
    from devgate.gateway.upstream.sink import Sink
    from devgate.model.fault import Fault

CAUSE: Final = "fault on demand"


def faulty(fault: Fault, clock: Clock, draw: Callable[[], float]) -> tuple[Step, tuple[Filter, ...]]:
    """What a route with this fault does to its requests.

    Args:
        draw: gives numbers in [0, 1).
    """
    told = b"X-Devgate-Fault: %b\r\n" % fault.words.encode()

    async def step(exchange: Exchange, serve: Serve) -> None:
        if draw() >= fault.share:
            exchange.traced().note("fault", f"spared this time: {fault.words}")
            await serve(exchange)
            return
        exchange.extra += told
        exchange.traced().note("fault", f"on demand: {fault.words}", "warn")
        if fault.latency_s:
            await asyncio.sleep(fault.latency_s)
        if fault.status and (not fault.count or _strikes(exchange, fault.status)):
            raise Failure(
                "fault",
                f"{fault.status} is what was asked for.",
                hint="`devgate faults clear` lets the requests be",
                stage="faults",
                status=fault.status,
            )
        if fault.cut_bytes is None and not fault.throttle:
            await serve(exchange)
            return
        exchange.client = outlet = Outlet(exchange, fault.throttle, clock.now, fault.cut_bytes)
        try:
            await serve(exchange)
            await outlet.drained()
        finally:
            outlet.close()
        if outlet.doomed:
            exchange.error = "fault"
            await exchange.client.reset()

    def cutting(sink: Sink, relay: Relay) -> Sink:
        outlet = relay.exchange.client
        return _Cut(sink, relay, outlet, fault) if isinstance(outlet, Outlet) else sink

    return step, (cutting,) if fault.cut_bytes is not None else ()


def _strikes(exchange: Exchange, status: int) -> bool:
    """Tell the breaker of a failure that it shall take for the service's. False if it does not let the request through: then it
    goes the way of all requests to a service that fails."""
    assert exchange.lane is not None
    fuse = exchange.lane.backend.fuse
    admission = fuse.admit()
    if not admission.admitted:
        return False
    fuse.record(admission, fuse.breaker.judge(status), f"status {status}, {CAUSE}", exchange.request_id)
    return True


class _Cut(Passing):
    """Lets so many bytes of the body pass, and then breaks off as a service does that dies."""

    __slots__ = ("_fault", "_left", "_outlet", "_over", "_relay")

    def __init__(self, sink: Sink, relay: Relay, outlet: Outlet, fault: Fault) -> None:
        super().__init__(sink)
        self._relay = relay
        self._outlet = outlet
        self._outlet.cut = None
        self._fault = fault
        self._left = fault.cut_bytes or 0
        self._over = False

    def on_body(self, data: bytes) -> None:
        if self._over:
            return
        if len(data) <= self._left:
            self._left -= len(data)
            super().on_body(data)
            return
        if self._left:
            super().on_body(data[: self._left])
        self._over = self._outlet.doomed = True
        super().on_flush()
        self._relay.cast(Outcome.FAILURE if self._fault.count else Outcome.IGNORED, CAUSE)
        self._relay.break_off(CAUSE)
