"""A crash takes all connections with it: that is one event, not as many failures of the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devgate.model.status import BreakerState, ServiceState
from tests.gateway.harness import OK, Bench, gateway
from tests.upstreams import Peer, Upstream, answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

TOUCHY = {"a": {"breaker": {"failures": 3, "open": "20s"}}}


@asynccontextmanager
async def dying(*, managed: bool = True, replicas: int = 1) -> AsyncIterator[tuple[Bench, Upstream, asyncio.Event]]:
    """A service whose connections all break off at the word, each after its request has come."""
    word = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await word.wait()
        peer.reset()

    async with (
        scripted(script) as service,
        gateway({"a": service}, managed=managed, replicas=replicas, specs=TOUCHY) as bench,
    ):
        yield bench, service, word


async def lose(bench: Bench, service: Upstream, word: asyncio.Event, count: int = 5) -> None:
    """So many POSTs are lost in one moment."""
    requests = [asyncio.create_task(bench.get("/", method="POST", body=b"x")) for _ in range(count)]
    await bench.until(lambda: len(service.peers) == count)
    word.set()
    for request in requests:
        answer = await request
        assert (answer.status, answer.problem["code"]) == (502, "reset")


async def test_what_a_crash_has_broken_off_does_not_open_the_breaker():
    async with dying() as (bench, service, word), scripted(answering(OK)) as next_run:
        await lose(bench, service, word)
        assert bench.suspects == [("a", 0)] * 5
        request = asyncio.create_task(bench.get("/", method="POST", body=b"y"))  # its exit has not been seen yet
        assert (await request).problem["code"] == "reset"
        bench.move("a", ServiceState.BACKOFF)
        held = asyncio.create_task(bench.get("/"))
        await bench.until(lambda: bench.gateway.service_traffic("a").held == 1)
        bench.serve("a", next_run.port)
        assert (await held).status == 200
        row = bench.gateway.breaker_row("a")
        assert (row.state, row.failures, row.opened, row.causes) == (BreakerState.CLOSED, 0, 0, ())
        assert bench.events == []


async def test_a_service_that_breaks_off_in_good_health_opens_its_breaker():
    async with dying() as (bench, service, word):
        await lose(bench, service, word)
        assert bench.gateway.breaker_row("a").failures == 0, "too early to tell"
        await bench.until(lambda: bench.gateway.breaker_row("a").state is BreakerState.OPEN)
        answer = await bench.get("/")
        assert answer.problem["code"] == "circuit-open"
        assert answer.problem["detail"].startswith(
            "The circuit breaker of a is open: 3 failures in a row, last: the service reset the connection"
        )


async def test_where_nobody_restarts_the_service_it_counts_at_once():
    async with dying(managed=False) as (bench, service, word):
        await lose(bench, service, word)
        assert bench.gateway.breaker_row("a").state is BreakerState.OPEN


@pytest.mark.parametrize("how", ["fallen", "withdrawn"])
async def test_what_is_lost_after_the_exit_was_seen_is_neutral(how: str):
    async with dying() as (bench, service, word):
        requests = [asyncio.create_task(bench.get("/", method="POST", body=b"x")) for _ in range(5)]
        await bench.until(lambda: len(service.peers) == 5)
        if how == "fallen":
            bench.move("a", ServiceState.BACKOFF)
        else:
            bench.directory.withdraw(bench.entry().instances[0])
        word.set()
        for request in requests:
            assert (await request).status == 502
        bench.move("a", ServiceState.BACKOFF)
        row = bench.gateway.breaker_row("a")
        assert (row.state, row.failures) == (BreakerState.CLOSED, 0)


async def test_one_that_came_back_within_the_moment_is_not_blamed_for_its_last_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("devgate.gateway.suspense.VERDICT_S", 0.05)
    async with dying() as (bench, service, word), scripted(answering(OK)) as next_run:
        await lose(bench, service, word)
        bench.serve("a", next_run.port)
        await asyncio.sleep(0.1)
        assert bench.gateway.breaker_row("a").failures == 0


async def test_a_probe_that_dies_with_its_service_gives_its_place_back():
    async with dying() as (bench, service, word), scripted(answering(OK)) as next_run:
        bench.move("a", ServiceState.CRASHED)
        bench.serve("a", service.port)
        assert bench.gateway.breaker_row("a").state is BreakerState.HALF_OPEN
        await lose(bench, service, word, count=1)
        held = asyncio.create_task(bench.get("/"))
        await bench.until(lambda: bench.gateway.service_traffic("a").held == 1)
        bench.move("a", ServiceState.BACKOFF)
        bench.serve("a", next_run.port)
        assert (await held).status == 200
        assert (await bench.get("/")).status == 200
        assert bench.gateway.breaker_row("a").state is BreakerState.CLOSED
