"""The gateway as a whole: profiles come and go, it ends in order."""

import asyncio
import socket

import pytest

from devgate.errors import CommandError
from devgate.gateway.upstream import dial as dialling
from devgate.model.status import BreakerState, ServiceState
from devgate.resolver import Whereabouts
from tests.deadline import DEADLINE_S
from tests.gateway.harness import OK, Bench, Client, changed, gateway
from tests.upstreams import Peer, answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")


def naming(name: bytes, count: list[int] | None = None):  # type: ignore[no-untyped-def]
    return answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + name)


async def load(bench: Bench, stop: asyncio.Event, seen: list[bytes]) -> None:
    """One client that asks until told to stop; every answer must be whole."""
    client = await bench.connect()
    while not stop.is_set():
        client.send(b"GET /x HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        answer = await client.answer()
        assert answer.status == 200, answer
        seen.append(answer.body)


async def test_the_table_is_replaced_under_load_and_nothing_is_lost():
    async with (
        scripted(naming(b"a")) as a,
        scripted(naming(b"b")) as b,
        gateway({"a": a, "b": b}) as bench,
    ):
        stop, seen = asyncio.Event(), []
        clients = [asyncio.create_task(load(bench, stop, seen)) for _ in range(4)]
        for round_ in range(20):
            before = len(seen)
            await bench.until(lambda: len(seen) > before + 20)  # noqa: B023
            service = "b" if round_ % 2 == 0 else "a"
            bench.gateway.apply(changed(bench.profile, routes=[{"path": "/*", "service": service}]))
        stop.set()
        await asyncio.gather(*clients)
        assert {b"a", b"b"} == set(seen)


async def test_requests_under_way_finish_by_the_old_rules():
    async def slow(peer: Peer) -> None:
        await peer.head()
        await finish.wait()
        peer.send(OK)
        await peer.rest()

    finish = asyncio.Event()
    async with scripted(slow) as service, gateway({"a": service}) as bench:
        request = asyncio.create_task(bench.get("/"))
        await bench.until(lambda: service.peers)
        bench.gateway.apply(changed(bench.profile, routes=[], services={}))
        bench.directory.remove("a")
        assert (await bench.get("/")).status == 404
        finish.set()
        assert (await request).status == 200


async def test_breakers_live_on_unless_their_settings_change():
    async with gateway({"a": None}) as bench:
        bench.move("a", ServiceState.CRASHED)
        assert bench.gateway.breaker_row("a").state is BreakerState.OPEN
        bench.gateway.apply(changed(bench.profile, gateway={"hold": "1s"}))
        assert bench.gateway.breaker_row("a").state is BreakerState.OPEN
        services = {"a": {"command": "true", "breaker": {"failures": 9}}}
        bench.gateway.apply(changed(bench.profile, services=services))
        assert bench.gateway.breaker_row("a").state is BreakerState.CLOSED


async def test_counters_live_on():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        await bench.get("/")
        await bench.until(lambda: bench.gateway.traffic().total == 1)
        bench.gateway.apply(changed(bench.profile, gateway={"hold": "1s"}))
        await bench.get("/")
        await bench.until(lambda: bench.gateway.traffic().total == 2)
        assert bench.gateway.route_traffic("/*").total == bench.gateway.service_traffic("a").total == 2


async def test_rules_change_at_once():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        for origins, allowed in (([], False), (["http://x.test"], True)):
            bench.gateway.apply(changed(bench.profile, gateway={"cors": {"origins": origins}}))
            client.send(b"GET / HTTP/1.1\r\nHost: %b\r\nOrigin: http://x.test\r\n\r\n" % bench.host)
            assert ("access-control-allow-origin" in await client.answer()) is allowed


async def test_an_unknown_breaker_cannot_be_reset():
    async with gateway({"a": None}) as bench:
        with pytest.raises(CommandError):
            bench.gateway.reset_breaker("b")
        assert bench.gateway.breaker_row("b").state is BreakerState.CLOSED


# The end


async def test_while_draining_requests_are_refused_and_those_under_way_finish():
    async def slow(peer: Peer) -> None:
        await peer.head()
        await finish.wait()
        peer.send(OK)
        await peer.rest()

    finish = asyncio.Event()
    async with scripted(slow) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        request = asyncio.create_task(bench.get("/"))
        await bench.until(lambda: service.peers)
        bench.gateway.drain()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        answer = await client.answer()
        assert (answer.status, answer.problem["code"], answer["connection"]) == (503, "draining", "close")
        assert await client.closed() == b""
        assert (await bench.get("/health/live")).status == 200
        finish.set()
        assert (await request).status == 200


async def test_closing_waits_for_requests_and_ends_idle_connections():
    async def slow(peer: Peer) -> None:
        await peer.head()
        await finish.wait()
        peer.send(OK)
        await peer.rest()

    finish = asyncio.Event()
    async with scripted(slow) as service, gateway({"a": service}) as bench:
        idle = await bench.connect()
        request = asyncio.create_task(bench.get("/"))
        await bench.until(lambda: service.peers)
        closing = asyncio.create_task(bench.gateway.aclose(DEADLINE_S))
        assert await idle.closed() == b""
        with pytest.raises(ConnectionError):
            await bench.connect()
        finish.set()
        answer = await request
        assert (answer.status, answer["connection"]) == (200, "close")
        await closing


async def test_closing_lets_an_answer_leave_that_is_still_in_our_buffers():
    size = 8_000_000
    big = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    async with scripted(answering(big)) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % bench.host)
        await bench.until(lambda: bench.gateway.traffic().in_flight == 1)
        closing = asyncio.create_task(bench.gateway.aclose(DEADLINE_S))
        await asyncio.sleep(0.1)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert len((await client.answer()).body) == size
        await closing


async def test_closing_breaks_off_what_does_not_end():
    async def silent(peer: Peer) -> None:
        await peer.head()
        await peer.rest()
        left.set()

    left = asyncio.Event()
    async with scripted(silent) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        await bench.until(lambda: service.peers)
        async with asyncio.timeout(DEADLINE_S):
            await bench.gateway.aclose(0.1)
            await left.wait()
        assert await client.closed() == b""


async def test_closing_twice_is_fine():
    async with gateway({"a": None}) as bench:
        await bench.gateway.aclose(0)
        await bench.gateway.aclose(0)


# Crowds


@pytest.mark.usefixtures("no_hurry")
async def test_hundreds_of_event_streams_do_not_stop_others():
    async def script(peer: Peer) -> None:
        head = await peer.head()
        if b"/events" not in head:
            peer.send(OK)
            await peer.rest()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        clients: list[Client] = []
        for _ in range(10):
            batch = await asyncio.gather(*(bench.connect() for _ in range(30)))
            for client in batch:
                client.send(b"GET /events HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
            for client in batch:
                await client.head()
            clients += batch
        assert bench.gateway.traffic().in_flight == bench.gateway.service_traffic("a").in_flight == 300
        assert (await bench.get("/")).status == 200
        for client in clients:
            client.reset()
        await bench.until(lambda: bench.gateway.traffic().in_flight == 0)


async def test_clients_that_do_not_read_do_not_stop_others():
    async def script(peer: Peer) -> None:
        head = await peer.head()
        if b"/big" in head:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 5_000_000)
        else:
            peer.send(OK)
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        for _ in range(40):  # more than the pool's places
            client = await bench.connect()
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            client.send(b"GET /big HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        await bench.until(lambda: len(service.peers) == 40)
        assert (await bench.get("/")).status == 200


async def test_a_service_beyond_the_private_networks_needs_the_users_word(monkeypatch: pytest.MonkeyPatch):
    async def connect(target: Whereabouts) -> socket.socket:
        dialled.append(target.host)
        raise ConnectionRefusedError

    dialled: list[str] = []
    async with gateway({"a": None}) as bench:
        monkeypatch.setattr(dialling, "_connect", connect)
        bench.serve("a", 80, host="8.8.8.8")
        answer = await bench.get("/")
        assert (answer.problem["code"], dialled) == ("target-prohibited", [])
        services = bench.profile.model_dump(exclude_unset=True)["services"]
        services["a"]["allow_remote"] = True
        bench.gateway.apply(changed(bench.profile, services=services))
        answer = await bench.get("/")
        assert answer.status == 502
        assert set(dialled) == {"8.8.8.8"}
