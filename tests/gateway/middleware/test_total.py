"""Time limits of routes and services as requests meet them, the one over everything above all."""

import asyncio

import pytest

from devgate.model.status import ServiceState
from tests.deadline import DEADLINE_S
from tests.gateway.harness import OK, PAGE, Bench, Truncated, gateway
from tests.upstreams import Peer, answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")


async def deaf(peer: Peer) -> None:
    await peer.head()
    await peer.rest()


async def dripping(peer: Peer) -> None:
    """Never idle, never done."""
    await peer.head()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        peer.send(b"1\r\nx\r\n")
        await asyncio.sleep(0.02)


def route(**timeout: str) -> dict[str, object]:
    return {"path": "/*", "timeout": timeout}


async def gone(bench: Bench) -> None:
    """The service is rid of the request."""
    await bench.until(lambda: bench.entry().instances[0].in_flight == 0)


async def test_a_service_that_thinks_for_too_long():
    async with scripted(deaf) as service, gateway({"a": service}, routes=[route(total="100ms")]) as bench:
        answer = await bench.get("/", origin=PAGE)
        assert (answer.status, answer.problem["code"], answer.problem["stage"]) == (504, "response-timeout", "total")
        assert answer["proxy-status"].startswith("devgate; error=http_response_timeout")
        assert answer["access-control-allow-origin"] == PAGE
        await gone(bench)
        assert bench.gateway.breaker_row("a").failures == 0


async def test_an_answer_that_goes_on_for_too_long_is_broken_off():
    async with scripted(dripping) as service, gateway({"a": service}, routes=[route(total="200ms")]) as bench:
        with pytest.raises(Truncated):
            await bench.get("/")
        await gone(bench)
        row = bench.gateway.requests().rows[0]
        assert (row.status, row.error) == (200, "response-timeout")


async def test_all_attempts_together():
    spec = {**route(total="150ms", response="50ms"), "retry": {"attempts": 10, "pause": "40ms", "per_try": "50ms"}}
    async with scripted(deaf) as service, gateway({"a": service}, routes=[spec]) as bench:
        answer = await bench.get("/")
        assert (answer.status, answer.problem["code"]) == (504, "response-timeout")
        await gone(bench)


async def test_holding_counts():
    async with gateway({"a": None}, routes=[route(total="100ms")]) as bench:
        bench.move("a", ServiceState.STARTING)
        answer = await bench.get("/")
        assert (answer.status, answer.problem["stage"]) == (504, "total")
        assert bench.gateway.service_traffic("a").held == 0


async def test_a_request_that_does_not_come_is_the_clients_fault():
    async with scripted(deaf) as service, gateway({"a": service}, routes=[route(total="100ms")]) as bench:
        answer = await bench.ask(b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 10\r\n\r\nhalf")
        assert (answer.status, answer.problem["stage"], answer["connection"]) == (408, "total", "close")
        await gone(bench)


async def test_what_is_in_time_is_left_alone():
    async with scripted(answering(OK)) as service, gateway({"a": service}, routes=[route(total="10s")]) as bench:
        client = await bench.connect()
        for _ in range(3):
            client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
            assert (await client.answer()).body == b"ok"


async def test_an_event_stream_has_no_end_that_could_be_late():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await asyncio.sleep(0.5)
        peer.send(b"data: 2\n\n")
        peer.end()

    async with scripted(script) as service, gateway({"a": service}, routes=[route(total="100ms")]) as bench:
        assert (await bench.get("/")).body == b"data: 1\n\ndata: 2\n\n"


async def test_a_services_own_limits_and_a_routes_over_them():
    routes = [{"path": "/slow", "timeout": "10s"}, {"path": "/*"}]
    specs = {"a": {"timeout": {"response": "50ms"}}}

    async def script(peer: Peer) -> None:
        await peer.head()
        await asyncio.sleep(0.7)
        peer.send(OK)

    async with scripted(script) as service, gateway({"a": service}, routes=routes, specs=specs) as bench:
        quick, slow = await asyncio.gather(bench.get("/"), bench.get("/slow"))
        assert (quick.status, quick.problem["stage"]) == (504, "head")
        assert slow.status == 200


async def test_a_service_that_steps_in_has_its_own():
    async def script(peer: Peer) -> None:
        await peer.head()
        await asyncio.sleep(0.7)
        peer.send(OK)

    routes = [{"path": "/*", "service": "a", "fallback": {"services": ["b"]}, "hold": "0s"}]
    specs = {"a": {"timeout": "50ms"}, "b": {"timeout": "off"}}
    async with scripted(script) as service, gateway({"a": service, "b": service}, routes=routes, specs=specs) as bench:
        answer = await bench.get("/")
        assert (answer.status, answer["x-devgate-fallback"]) == (200, "peer")


async def test_off_means_off():
    async def script(peer: Peer) -> None:
        await peer.head()
        await asyncio.sleep(0.6)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        await asyncio.sleep(0.6)
        peer.send(b"k")

    off = {"response": "off", "idle": "off", "connect": "off"}
    timeouts = {"response": "50ms", "idle": "50ms", "connect": "50ms"}
    async with (
        scripted(script) as service,
        gateway({"a": service}, routes=[{"path": "/*", "timeout": off}], timeouts=timeouts) as bench,
        asyncio.timeout(DEADLINE_S),
    ):
        assert (await bench.get("/")).body == b"ok"
