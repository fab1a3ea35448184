"""What the record says of a client that leaves before it has its answer: 499 where none had begun, and how far it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devgate.gateway.upstream.pool import Limits
from devgate.model.status import BreakerState, ServiceState
from tests.gateway.harness import OK, Client, gateway
from tests.gateway.test_inspector import newest
from tests.upstreams import answering, scripted

if TYPE_CHECKING:
    from devgate.model.detail import RequestDetail
    from tests.gateway.harness import Bench
    from tests.upstreams import Peer

pytestmark = pytest.mark.usefixtures("nothing_left")

GET = b"GET / HTTP/1.1\r\nHost: HOST\r\n\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 100\r\n\r\n0123456789"


async def thinking(peer: Peer) -> None:
    await peer.head()
    await peer.rest()


async def taking(peer: Peer) -> None:
    await peer.head()
    await peer.read(10)
    await peer.rest()


async def asked(bench: Bench, request: bytes = GET) -> Client:
    client = await bench.connect()
    client.send(request.replace(b"HOST", bench.host))
    return client


async def left(bench: Bench, client: Client, *, politely: bool = False) -> RequestDetail:
    """The record of the only request, after its client has gone."""
    if politely:
        client.writer.close()
    else:
        client.reset()
    await bench.until(lambda: bench.gateway.requests().rows)
    assert bench.gateway.breaker_row("a").failures == 0
    return await newest(bench)


def told(detail: RequestDetail) -> tuple[int, str]:
    """The status, and the last word about it."""
    assert detail.row.error == "client-left"
    last = detail.decisions[-1]
    assert last.mood == "warn"
    return detail.row.status, last.text


def state(bench: Bench) -> str:
    rows = bench.gateway.requests(under_way=True).under_way
    return rows[0].state if rows else ""


@pytest.mark.parametrize("politely", [False, True])
async def test_while_the_service_thinks(*, politely: bool):
    async with scripted(thinking) as service, gateway({"a": service}) as bench:
        client = await asked(bench)
        await bench.until(lambda: service.peers and service.peers[0].received)
        detail = await left(bench, client, politely=politely)
        assert told(detail) == (499, "client-left: The client left before a had begun to answer.")
        assert detail.sent_line == "GET / HTTP/1.1"
        assert (detail.response, detail.reason) == ((), "")


@pytest.mark.parametrize("politely", [False, True])
async def test_in_the_middle_of_its_own_upload(*, politely: bool):
    async with scripted(taking) as service, gateway({"a": service}) as bench:
        client = await asked(bench, UPLOAD)
        await bench.until(lambda: service.peers and b"0123456789" in service.peers[0].received)
        detail = await left(bench, client, politely=politely)
        assert told(detail) == (
            499,
            "client-left: The client left in the middle of its own upload, after 10 of 100 bytes.",
        )
        assert detail.decisions[-1].step == "request"


async def test_in_the_middle_of_an_upload_that_says_no_length():
    async with scripted(thinking) as service, gateway({"a": service}) as bench:
        client = await asked(bench, b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await bench.until(lambda: state(bench) == "waiting" and service.peers)
        await bench.until(lambda: bench.gateway.requests(under_way=True).under_way[0].request_bytes == 3)
        detail = await left(bench, client)
        assert told(detail) == (499, "client-left: The client left in the middle of its own upload, after 3 bytes.")


async def test_in_the_middle_of_the_answer():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabcde")
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await asked(bench)
        await client.head()
        assert await client.reader.readexactly(5) == b"abcde"
        detail = await left(bench, client)
        assert told(detail) == (200, "client-left: The client left in the middle of the answer, after 5 of 1000 bytes.")
        assert detail.reason == "OK"


async def test_a_stream_has_no_other_end():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await asked(bench)
        await client.head()
        client.reset()
        await bench.until(lambda: bench.gateway.requests().rows)
        detail = await newest(bench)
        assert (detail.row.status, detail.decisions[-1].mood) == (200, "plain")
        assert detail.decisions[-1].text == "200 from a, until the client ended it"


@pytest.mark.parametrize("request_", [GET, UPLOAD])
async def test_while_it_is_held(request_: bytes):
    async with gateway({"a": None}) as bench:
        bench.move("a", ServiceState.STARTING)
        client = await asked(bench, request_)
        await bench.until(
            lambda: [row.held_ms > 2 for row in bench.gateway.requests(under_way=True).under_way] == [True]
        )
        detail = await left(bench, client)
        assert told(detail) == (499, "client-left: The client left while it was held until a is ready.")
        assert detail.sent_line == ""
        assert [one.text for one in detail.decisions if one.text.startswith("held for")] == [
            f"held for {detail.row.held_ms:,.0f} ms, and a did not come back in that time"
        ]


async def test_while_it_waits_for_a_connection():
    def states() -> set[str]:
        return {row.state for row in bench.gateway.requests(under_way=True).under_way}

    async with scripted(thinking) as service, gateway({"a": service}) as bench:
        for _ in range(Limits().per_origin):
            await asked(bench)
        await bench.until(lambda: len(service.peers) == Limits().per_origin and states() == {"waiting"})
        client = await asked(bench)
        await bench.until(lambda: states() == {"waiting", "queued"})
        detail = await left(bench, client)
        assert told(detail) == (499, "client-left: The client left while it waited for a connection to a.")
        assert detail.sent_line == ""
        assert "attempt" not in [one.step for one in detail.decisions]


async def test_while_devgate_delays_it():
    routes = [{"path": "/*", "fault": {"latency": "1h"}}]
    async with scripted(thinking) as service, gateway({"a": service}, routes=routes) as bench:
        client = await asked(bench)
        await bench.until(lambda: state(bench) == "gateway")
        detail = await left(bench, client)
        assert told(detail) == (499, "client-left: The client left while devgate was busy with it: fault.")


async def test_while_devgate_takes_its_body_in():
    routes = [{"path": "/*", "retry": {"attempts": 1, "any_method": True}}]
    async with scripted(thinking) as service, gateway({"a": service}, routes=routes) as bench:
        client = await asked(bench, UPLOAD)
        await bench.until(lambda: state(bench) == "gateway")
        detail = await left(bench, client)
        status, text = told(detail)
        assert (status, text[:64]) == (499, "client-left: The client left in the middle of its own upload, af")


async def test_a_probe_that_is_left_in_its_upload_gives_its_place_back():
    scripts = iter([taking, answering(OK)])

    async def script(peer: Peer) -> None:
        await next(scripts)(peer)

    specs = {"a": {"breaker": {"open": "1h"}}}  # a place that is not given back stays taken so long
    async with scripted(script) as service, gateway({"a": service}, specs=specs) as bench:
        bench.move("a", ServiceState.CRASHED)
        bench.serve("a", service.port)
        assert bench.gateway.breaker_row("a").state is BreakerState.HALF_OPEN
        client = await asked(bench, UPLOAD)
        await bench.until(lambda: service.peers and b"0123456789" in service.peers[0].received)
        client.reset()
        await bench.until(lambda: bench.gateway.requests().total == 1)
        assert (await bench.get()).status == 200
