"""Requests that are not finished, seen from outside while services do what each test wants."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from devgate.model.status import ServiceState
from tests.gateway.harness import OK, gateway
from tests.upstreams import answering, scripted

if TYPE_CHECKING:
    from devgate.model.query import RequestRow
    from tests.gateway.harness import Bench
    from tests.upstreams import Peer

pytestmark = pytest.mark.usefixtures("nothing_left")


def under_way(bench: Bench) -> tuple[RequestRow, ...]:
    return bench.gateway.requests(under_way=True).under_way


async def one(bench: Bench, state: str) -> RequestRow:
    await bench.until(lambda: [row.state for row in under_way(bench)] == [state])
    return under_way(bench)[0]


async def test_a_held_request_is_seen_with_how_long_it_waits_already():
    async with scripted(answering(OK)) as service, gateway({"a": None}) as bench:
        bench.move("a", ServiceState.STARTING)
        request = asyncio.create_task(bench.get("/slow?token=secret"))
        row = await one(bench, "held")
        assert (row.seq, row.method, row.path, row.status) == (0, "GET", "/slow?token=***", 0)
        assert (row.service, row.replica) == ("a", -1)
        await bench.until(lambda: under_way(bench)[0].held_ms > row.held_ms)
        assert 0 < row.held_ms <= row.duration_ms
        assert bench.gateway.requests().under_way == ()
        bench.serve("a", service.port)
        await request
        done = bench.gateway.requests(under_way=True)
        assert done.under_way == ()
        assert (done.rows[0].request_id, done.rows[0].state) == (row.request_id, "done")
        assert abs(done.rows[0].at - row.at) < 0.1


async def test_a_request_waits_for_its_answer_and_then_the_answer_is_on_its_way():
    begin, end = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await begin.wait()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await end.wait()
        peer.send(b"cd")

    async with scripted(script) as service, gateway({"a": service}) as bench:
        request = asyncio.create_task(bench.get("/"))
        row = await one(bench, "waiting")
        assert (row.service, row.replica, row.status) == ("a", 0, 0)
        begin.set()
        row = await one(bench, "answering")
        assert (row.status, row.response_bytes) == (200, 2)
        end.set()
        assert (await request).body == b"abcd"


async def test_the_oldest_come_first_and_of_very_many_the_newest_are_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("devgate.gateway.under_way.MOST", 2)
    async with gateway({"a": None}) as bench:
        bench.move("a", ServiceState.STARTING)
        requests = []
        for number in range(3):
            requests.append(asyncio.create_task(bench.get(f"/{number}")))
            await bench.until(lambda: bench.gateway.service_traffic("a").held == len(requests))
        assert [row.path for row in under_way(bench)] == ["/1", "/2"]
        bench.move("a", ServiceState.CRASHED)
        await asyncio.gather(*requests)
        assert under_way(bench) == ()
