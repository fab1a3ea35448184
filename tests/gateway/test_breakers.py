"""Breakers in a running gateway: how they count, and what is decided over their heads."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from devgate.model.status import BreakerState
from tests.gateway.harness import OK, gateway
from tests.upstreams import scripted

if TYPE_CHECKING:
    from tests.upstreams import Peer

FAIL = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


async def test_by_rate_a_service_that_fails_every_other_time_opens_its_breaker():
    answers = cycle((OK, OK, FAIL, FAIL))

    async def service(peer: Peer) -> None:
        while True:
            await peer.head()
            peer.send(next(answers))

    breaker = {"mode": "rate", "window": "60s", "min_calls": 8, "ratio": 0.5, "open": "20s"}
    async with scripted(service) as upstream, gateway({"a": upstream}, specs={"a": {"breaker": breaker}}) as bench:
        statuses = [(await bench.get("/")).status for _ in range(8)]
        assert statuses == [200, 200, 503, 503] * 2
        answer = await bench.get("/")
        assert answer.problem["code"] == "circuit-open"
        why = "4 of 8 failed in the last 60 s, last: status 503"
        assert answer.problem["detail"].startswith(f"The circuit breaker of a is open: {why}. ")
        row = bench.gateway.breaker_row("a")
        assert (row.state, row.why, len(row.causes)) == (BreakerState.OPEN, why, 4)
        assert (row.totals.success, row.totals.failure, row.totals.rejected) == (4, 4, 1)
        bench.gateway.reset_breaker("a")
        assert (await bench.get("/")).status == 200
        assert bench.gateway.breaker_row("a").counted == "0 of 1 failed in the last 60 s"
