"""Faults on demand on real connections: late, failed, cut and slow, for every kind of answer."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from devgate.model.fault import Fault
from devgate.model.status import BreakerState, ServiceState
from tests.deadline import DEADLINE_S
from tests.gateway.handlers.test_tunnel import SHAKE, SWITCH, echo
from tests.gateway.harness import OK, PAGE, Client, Truncated, gateway
from tests.upstreams import Peer, answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

MANY = answering(*[OK] * 50)
LARGE = b"x" * (1 << 20)


def route(**fault: Any) -> list[dict[str, Any]]:
    return [{"path": "/*", "fault": fault}]


def whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def chunked(*chunks: bytes) -> bytes:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % framed


async def until_reset(client: Client) -> bytes:
    """What came before the connection was reset; an orderly end is a failure."""
    data = b""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while part := await client.reader.read(65536):
                data += part
    except ConnectionResetError:
        return data
    raise AssertionError(f"ended in order after {data[-200:]!r}")


async def test_late() -> None:
    async with scripted(MANY) as service, gateway({"a": service}, routes=route(latency="300ms")) as bench:
        began = time.perf_counter()
        answer = await bench.get()
        assert time.perf_counter() - began >= 0.3
        assert (answer.status, answer.body) == (200, b"ok")
        assert answer["x-devgate-fault"] == "300ms late"


async def test_a_client_that_leaves_while_it_waits_is_forgotten() -> None:
    async with scripted(MANY) as service, gateway({"a": service}, routes=route(latency="1h")) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        await bench.until(lambda: bench.gateway.seq)
        client.reset()
        await bench.until(lambda: bench.gateway.requests().rows)
        assert bench.gateway.requests().rows[0].error == "client-left"
        assert not service.peers


async def test_failed_with_cors_and_counted_by_the_breaker() -> None:
    specs = {"a": {"breaker": {"failures": 3}}}
    async with (
        scripted(MANY) as service,
        gateway({"a": service}, routes=route(status=502), specs=specs, managed=False) as bench,
    ):
        answers = [await bench.get(origin=PAGE) for _ in range(4)]
        assert [one.problem["code"] for one in answers] == ["fault"] * 3 + ["circuit-open"]
        assert answers[0].status == 502
        assert answers[0].problem["stage"] == "faults"
        assert answers[0]["access-control-allow-origin"] == PAGE
        row = bench.gateway.breaker_row("a")
        assert (row.state, row.last_cause) == (BreakerState.OPEN, "status 502, fault on demand")
        assert not service.peers
        assert bench.gateway.requests().rows[0].error == "fault"


async def test_the_breaker_need_not_hear_of_it() -> None:
    async with (
        scripted(MANY) as service,
        gateway(
            {"a": service}, routes=route(status=503, count=False), specs={"a": {"breaker": {"failures": 1}}}
        ) as bench,
    ):
        assert [(await bench.get()).problem["code"] for _ in range(3)] == ["fault"] * 3
        assert bench.gateway.breaker_row("a").state is BreakerState.CLOSED


async def test_a_share_of_the_requests() -> None:
    async with (
        scripted(MANY) as service,
        gateway({"a": service}, routes=route(status=500, share=0.5, count=False)) as bench,
    ):
        found = {(await bench.get()).status for _ in range(40)}
        assert found == {200, 500}


@pytest.mark.parametrize("answer", [whole(LARGE), chunked(b"y" * 700, LARGE)], ids=["length", "chunked"])
@pytest.mark.parametrize("cut", [0, 1, 1000, 600_000])
async def test_cut_after_so_many_bytes_of_the_body(answer: bytes, cut: int) -> None:
    async with scripted(answering(answer)) as service, gateway({"a": service}, routes=route(cut=f"{cut}B")) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        head, _, body = (await until_reset(client)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert body.count(b"x") + body.count(b"y") == cut
        await bench.until(lambda: bench.gateway.requests().rows)
        row = bench.gateway.requests().rows[0]
        assert (row.status, row.response_bytes, row.error) == (200, cut, "fault")


async def test_a_kept_answer_is_cut_as_well() -> None:
    kept = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nCache-Control: max-age=60\r\n\r\n0123456789"
    routes = [{"path": "/*", "cache": True, "fault": {"cut": "4B"}}]
    async with scripted(answering(kept)) as service, gateway({"a": service}, routes=routes) as bench:
        bench.gateway.clear_faults()
        assert (await bench.get())["x-cache"] == "MISS"
        bench.gateway.set_fault("/*", Fault(cut_bytes=4), 60.0)
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        head, _, body = (await until_reset(client)).partition(b"\r\n\r\n")
        assert b"X-Cache: HIT" in head
        assert body == b"0123"
        await bench.until(lambda: len(bench.gateway.requests().rows) == 2)
        row = bench.gateway.requests().rows[-1]
        assert (row.response_bytes, row.error) == (4, "fault")
        bench.gateway.set_fault("/*", Fault(cut_bytes=10), 60.0)
        assert (await bench.get()).body == b"0123456789"


async def test_what_is_shorter_is_not_cut() -> None:
    async with scripted(MANY) as service, gateway({"a": service}, routes=route(cut="2B")) as bench:
        client = await bench.connect()
        for _ in range(2):
            client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
            assert (await client.answer()).body == b"ok"


async def test_a_cut_counts_as_the_service_s_failure_unless_it_is_said_not_to() -> None:
    specs = {"a": {"breaker": {"failures": 1}}}
    for count in (True, False):
        async with (
            scripted(answering(whole(b"long enough"))) as service,
            gateway({"a": service}, routes=route(cut="1B", count=count), specs=specs) as bench,
        ):
            with pytest.raises(Truncated):
                await bench.get()
            assert (bench.gateway.breaker_row("a").state is BreakerState.OPEN) is count


@pytest.mark.parametrize("answer", [whole(LARGE), chunked(*[LARGE[:100_000]] * 10, LARGE[:48_576])])
async def test_slow(answer: bytes) -> None:
    """No faster than asked for. That it is no slower either, on a machine that has time, is the `Pacer`'s to keep."""
    second = 0.95  # the loop's clock and this one
    async with scripted(answering(answer)) as service, gateway({"a": service}, routes=route(throttle="1MiB")) as bench:
        began = time.perf_counter()
        answered = await bench.get()
        assert time.perf_counter() - began > second
        assert answered.body == LARGE
        await bench.until(lambda: bench.gateway.requests().rows)
        assert bench.gateway.requests().rows[0].duration_ms > second * 1000


async def test_a_service_that_thinks_first_is_no_faster_for_it() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await asyncio.sleep(0.3)
        peer.send(whole(LARGE))
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}, routes=route(throttle="1MiB")) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        await client.head()
        began = time.perf_counter()
        assert await client.reader.readexactly(len(LARGE)) == LARGE
        assert time.perf_counter() - began > 0.95


async def test_a_slow_answer_holds_the_service_back_instead_of_filling_the_memory() -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
        while sent < 50_000_000:
            peer.send(b"x" * 100_000)
            sent += 100_000
            await peer.flush()

    async with scripted(script) as service, gateway({"a": service}, routes=route(throttle="100KiB")) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        await client.head()
        async with asyncio.timeout(DEADLINE_S):
            await client.reader.readexactly(100_000)
        assert sent < 25_000_000  # what two kernels' buffers hold
        client.reset()


async def test_requests_after_a_slow_one_go_on_by_the_same_connection() -> None:
    async with scripted(MANY) as service, gateway({"a": service}, routes=route(throttle="10KiB")) as bench:
        client = await bench.connect()
        for _ in range(3):
            client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
            assert (await client.answer()).body == b"ok"


@pytest.mark.parametrize("fault", [{"cut": "20B"}, {"throttle": "500B"}], ids=str)
async def test_events(fault: dict[str, Any]) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in range(100):
            peer.send(b"data: %03d\n\n" % number)
            await asyncio.sleep(0.001)
        await asyncio.Event().wait()

    async with scripted(script) as service, gateway({"a": service}, routes=route(**fault)) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        began = time.perf_counter()
        if "cut" in fault:
            body = (await until_reset(client)).partition(b"\r\n\r\n")[2]
            events = b"".join(body.split(b"\r\n")[1::2])
            assert events == b"data: 000\n\ndata: 001"[:20]
        else:
            async with asyncio.timeout(DEADLINE_S):
                await client.reader.readexactly(700)
            assert time.perf_counter() - began > 1
            client.reset()


async def test_websockets_are_late_slow_refused_and_cut() -> None:
    async with echo() as service, gateway({"a": service}, routes=route(latency="100ms", throttle="2KiB")) as bench:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{bench.port}/") as ws:
            began = time.perf_counter()
            await ws.send_bytes(b"x" * 2048)
            assert (await ws.receive_bytes(timeout=DEADLINE_S)) == b"x" * 2048
            assert time.perf_counter() - began > 0.9
        bench.gateway.set_fault("/*", Fault(status=503, count=False), 60.0)
        refused = await bench.ask(SHAKE % b"")
        assert refused.problem["code"] == "fault"

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(SWITCH + b"\r\n")
        peer.send(b"\x82\x64" + b"m" * 100)
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}, routes=route(cut="40B")) as bench:
        client = await bench.connect()
        client.send((SHAKE % b"").replace(b"HOST", bench.host))
        frames = (await until_reset(client)).partition(b"\r\n\r\n")[2]
        assert frames == b"\x82\x64" + b"m" * 38


async def test_set_and_cleared_while_it_runs() -> None:
    async with scripted(MANY) as service, gateway({"a": service}) as bench:
        assert (await bench.get()).status == 200
        bench.gateway.set_fault("/*", Fault(status=503, count=False), 60.0)
        assert (await bench.get()).problem["code"] == "fault"
        assert [row.words for row in bench.gateway.faults()] == ["503"]
        bench.gateway.apply(bench.profile)
        assert (await bench.get()).problem["code"] == "fault"
        bench.gateway.clear_faults()
        answer = await bench.get()
        assert answer.status == 200
        assert "x-devgate-fault" not in answer


async def test_it_ends_by_itself() -> None:
    async with scripted(MANY) as service, gateway({"a": service}, routes=route(status=503, lasts="1s")) as bench:
        assert (await bench.get()).status == 503
        await bench.until(lambda: not bench.gateway.faults())
        assert (await bench.get()).status == 200


async def test_what_is_held_is_late_as_well() -> None:
    """A service that comes back while the fault's latency runs."""
    async with scripted(MANY) as service, gateway({"a": None}, routes=route(latency="200ms")) as bench:
        bench.move("a", ServiceState.STARTING)
        asked = asyncio.create_task(bench.get())
        await bench.until(lambda: bench.gateway.seq)
        bench.serve("a", service.port)
        assert (await asked).status == 200


async def test_the_latency_does_not_use_up_the_time_for_holding() -> None:
    routes = [{"path": "/*", "hold": "300ms", "fault": {"latency": "400ms"}}]
    async with scripted(MANY) as service, gateway({"a": None}, routes=routes) as bench:
        bench.move("a", ServiceState.STARTING)
        asked = asyncio.create_task(bench.get())
        await bench.until(lambda: bench.gateway.service_traffic("a").held)
        bench.serve("a", service.port)
        assert (await asked).status == 200


async def test_no_fault_no_chain() -> None:
    async with scripted(MANY) as service, gateway({"a": service}) as bench:
        assert bench.gateway._pipeline.rules.lanes[0].chain is None
