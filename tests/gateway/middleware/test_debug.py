"""What answers say of how they came about, where somebody wants to know."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from devgate.model.status import ServiceState
from tests.gateway.harness import OK, changed, gateway
from tests.upstreams import answering, scripted

if TYPE_CHECKING:
    from tests.upstreams import Peer

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
RETRYING = [{"path": "/*", "retry": {"attempts": 3, "pause": "1ms"}}]


async def busy_at_first(peer: Peer) -> None:
    """Answers the third request well."""
    for answer in (BUSY, BUSY, OK):
        await peer.head()
        peer.send(answer)


async def test_off_nothing_is_told():
    async with scripted(busy_at_first) as service, gateway({"a": service}, routes=RETRYING) as bench:
        answer = await bench.get("/")
        assert (answer.status, "x-devgate-attempts" in answer) == (200, False)


async def test_on_the_attempts_are_told():
    async with (
        scripted(busy_at_first) as service,
        gateway({"a": service}, routes=RETRYING, debug_headers=True) as bench,
    ):
        answer = await bench.get("/")
        assert (answer.status, answer["x-devgate-attempts"]) == (200, "3")


async def test_the_usual_number_is_one_whatever_the_service_says():
    lying = OK.replace(b"\r\n\r\n", b"\r\nX-Devgate-Attempts: 7\r\n\r\n")
    async with scripted(answering(lying)) as service, gateway({"a": service}, debug_headers=True) as bench:
        assert [(await bench.get("/"))["x-devgate-attempts"] for _ in range(3)] == ["1"] * 3


async def test_a_problem_tells_of_them_too():
    async with (
        scripted(answering(BUSY)) as service,
        gateway({"a": service}, routes=RETRYING, debug_headers=True) as bench,
    ):
        assert (await bench.get("/"))["x-devgate-attempts"] == "4", "the service's own answer"
    async with gateway({"a": None}, debug_headers=True) as bench:
        answer = await bench.get("/")
        assert (answer.problem["code"], answer["x-devgate-attempts"]) == ("stopped", "0")


async def test_one_lost_in_a_crash_counts():
    async def dying(peer: Peer) -> None:
        await peer.head()
        bench.move("a", ServiceState.BACKOFF)
        peer.reset()

    async with (
        scripted(dying) as service,
        scripted(answering(OK)) as next_run,
        gateway({"a": service}, debug_headers=True) as bench,
    ):
        request = asyncio.create_task(bench.get("/"))
        await bench.until(lambda: bench.gateway.service_traffic("a").held == 1)
        bench.serve("a", next_run.port)
        answer = await request
        assert (answer.status, answer["x-devgate-attempts"]) == (200, "2")


async def test_a_second_attempt_beside_the_first_counts():
    calls = 0

    async def slow_at_first(peer: Peer) -> None:
        nonlocal calls
        await peer.head()
        calls += 1
        if calls > 1:
            peer.send(OK)

    routes = [{"path": "/*", "hedge": "20ms"}]
    async with scripted(slow_at_first) as service, gateway({"a": service}, routes=routes, debug_headers=True) as bench:
        answer = await bench.get("/")
        assert (answer.status, answer["x-devgate-attempts"]) == (200, "2")


@pytest.mark.parametrize("on", [True, False])
async def test_it_is_switched_while_devgate_runs(on: bool):
    async with scripted(answering(OK)) as service, gateway({"a": service}, debug_headers=not on) as bench:
        assert ("x-devgate-attempts" in await bench.get("/")) is not on
        bench.gateway.apply(changed(bench.profile, gateway={"debug_headers": on}))
        assert ("x-devgate-attempts" in await bench.get("/")) is on


async def test_a_handshake_tells_of_them_too():
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    async with scripted(answering(switching)) as service, gateway({"a": service}, debug_headers=True) as bench:
        answer = await bench.get(
            "/",
            upgrade="websocket",
            connection="Upgrade",
            sec_websocket_key="MDEyMzQ1Njc4OWFiY2RlZg==",
            sec_websocket_version="13",
        )
        assert (answer.status, answer["x-devgate-attempts"]) == (101, "1")
