"""Which of several instances gets a request when some of them are not well (SEMANTICS 3.10)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from itertools import chain, cycle, repeat
from typing import TYPE_CHECKING, Any

import pytest

from devgate.model.events import ReplicaLeftOut
from devgate.model.status import BreakerState, HealthState, ServiceState
from devgate.policy import marks
from tests.gateway.harness import OK, gateway
from tests.upstreams import answering, free_port, scripted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.gateway.harness import Bench
    from tests.upstreams import Peer, Script

pytestmark = pytest.mark.usefixtures("nothing_left")

H = HealthState
FAIL = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
WRITES = ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


async def three(stack: AsyncExitStack, *health: HealthState, **keys: Any) -> Bench:
    """A service with instances x, y and z, which are so well."""
    answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%b" % name for name in (b"x", b"y", b"z")]
    services = [await stack.enter_async_context(scripted(answering(answer))) for answer in answers[: len(health)]]
    bench = await stack.enter_async_context(gateway({"a": services[0]}, replicas=len(health), **keys))
    for replica, (service, state) in enumerate(zip(services, health, strict=True)):
        bench.directory.rate(bench.serve("a", service.port, replica), state)
    return bench


async def who(bench: Bench, count: int = 6, **keys: str) -> set[str]:
    """Who answers."""
    return {(await bench.get("/", **keys)).body.decode() for _ in range(count)}


@pytest.mark.parametrize(
    ("health", "takers"),
    [
        ((H.HEALTHY, H.HEALTHY, H.HEALTHY), "xyz"),
        ((H.HEALTHY, H.UNKNOWN, H.HEALTHY), "xyz"),
        ((H.HEALTHY, H.DEGRADED, H.HEALTHY), "xz"),
        ((H.DEGRADED, H.DEGRADED, H.HEALTHY), "z"),
        ((H.DEGRADED, H.UNHEALTHY, H.DEGRADED), "xz"),
        ((H.UNHEALTHY, H.HEALTHY, H.DEGRADED), "y"),
        ((H.UNHEALTHY, H.UNHEALTHY, H.DEGRADED), "z"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("keys", [{}, {"retry": "1"}], ids=["plain", "retry"])
async def test_the_healthy_come_first_and_the_degraded_last(
    health: tuple[HealthState, ...], takers: str, method: str, keys: dict[str, Any]
):
    async with AsyncExitStack() as stack:
        bench = await three(stack, *health, routes=[{"path": "/*", **keys}])
        assert await who(bench, method=method) == set(takers)


async def test_where_all_are_unhealthy_reading_requests_go_to_any():
    async with AsyncExitStack() as stack:
        bench = await three(stack, H.UNHEALTHY, H.UNHEALTHY, H.UNHEALTHY)
        assert await who(bench) == set("xyz")
        assert (await bench.get("/", method="HEAD")).status == 200


@pytest.mark.parametrize("method", WRITES)
async def test_and_others_to_none(method: str):
    async with AsyncExitStack() as stack:
        bench = await three(stack, H.UNHEALTHY, H.UNHEALTHY)
        answer = await bench.get("/", method=method)
        assert (answer.status, answer.problem["code"]) == (503, "no-healthy-instance")
        assert answer.problem["detail"].startswith(
            "Every instance of a is unhealthy; only GET and HEAD are still passed on."
        )
        assert int(answer["retry-after"]) >= 1
        bench.directory.rate(bench.entry().instances[1], H.HEALTHY)
        assert await who(bench, method=method) == {"y"}


async def test_one_that_is_coming_back_is_waited_for():
    async with AsyncExitStack() as stack:
        bench = await three(stack, H.UNHEALTHY, H.UNHEALTHY)
        instance = bench.entry().instances[0]
        endpoint = instance.endpoint
        assert endpoint is not None
        bench.move("a", ServiceState.STARTING)
        request = asyncio.create_task(bench.get("/", method="POST"))
        await bench.until(lambda: bench.gateway.service_traffic("a").held == 1)
        bench.directory.rate(instance, H.STARTING)
        bench.serve("a", endpoint.port)
        assert (await request).body == b"x"


async def test_and_not_for_ever():
    async with AsyncExitStack() as stack:
        bench = await three(stack, H.UNHEALTHY, H.UNHEALTHY, hold="50ms")
        bench.move("a", ServiceState.STARTING)
        assert (await bench.get("/", method="POST")).problem["code"] == "no-healthy-instance"


async def test_a_probe_s_place_is_not_lost_to_a_request_that_nobody_takes():
    async with AsyncExitStack() as stack:
        bench = await three(stack, H.UNHEALTHY, H.UNHEALTHY)
        for replica in range(2):
            bench.move("a", ServiceState.CRASHED, replica)
        assert bench.gateway.breaker_row("a").state is BreakerState.OPEN
        for instance in bench.entry().instances:
            bench.directory.move(instance, ServiceState.READY)
        assert (await bench.get("/", method="POST")).problem["code"] == "no-healthy-instance"
        assert (await bench.get("/")).status == 200


async def test_one_alone_is_used_however_it_is():
    async with AsyncExitStack() as stack:
        for state in (H.UNHEALTHY, H.DEGRADED):
            bench = await three(stack, state)
            for method in ("GET", "POST"):
                assert await who(bench, 2, method=method) == {"x"}


async def test_another_service_answers_what_nobody_here_may_be_given():
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(scripted(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nw")))
        routes = [{"path": "/*", "fallback": {"services": ["b"]}}]
        bench = await stack.enter_async_context(gateway({"a": None, "b": other}, replicas=2, routes=routes))
        for replica in range(2):
            bench.directory.rate(bench.serve("a", free_port(), replica), H.UNHEALTHY)
        assert await who(bench, 1, method="POST") == {"w"}


async def test_a_healthy_one_that_refuses_leaves_it_to_the_degraded():
    async with AsyncExitStack() as stack:
        bench = await three(stack, H.HEALTHY, H.DEGRADED, H.UNHEALTHY)
        bench.serve("a", free_port())
        assert await who(bench, method="POST") == {"y"}


async def test_a_client_stays_with_a_degraded_instance_and_leaves_an_unhealthy_one():
    async with AsyncExitStack() as stack:
        bench = await three(stack, H.HEALTHY, H.HEALTHY, routes=[{"path": "/*", "sticky": "v"}])
        cookie = (await bench.get("/"))["set-cookie"].partition(";")[0]
        place = int(cookie.rpartition(".")[2])
        here, there = "xy"[place], "yx"[place]
        instance = bench.entry().instances[place]
        bench.directory.rate(instance, H.DEGRADED)
        assert await who(bench, cookie=cookie) == {here}
        bench.directory.rate(instance, H.UNHEALTHY)
        assert await who(bench, cookie=cookie) == {there}


async def test_weights_are_shares_among_those_who_take_part():
    async with AsyncExitStack() as stack:
        specs = {"a": {"replicas": 3, "weights": [8, 1, 1]}}
        bench = await three(stack, H.DEGRADED, H.HEALTHY, H.HEALTHY, specs=specs)
        answers = [(await bench.get("/")).body for _ in range(10)]
        assert (answers.count(b"y"), answers.count(b"z")) == (5, 5)


# Those who fail what they are asked


def failing(answers: Iterable[bytes]) -> Script:
    """Gives the answers in turn, whatever the connection."""
    left = iter(answers)

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            peer.send(next(left))

    return script


async def with_a_bad_one(stack: AsyncExitStack, answers: Iterable[bytes], **breaker: Any) -> Bench:
    """Two instances, of which the first answers well."""
    good = await stack.enter_async_context(scripted(answering(OK)))
    bad = await stack.enter_async_context(scripted(failing(answers)))
    specs = {"a": {"breaker": {"failures": 3, **breaker}}}
    bench = await stack.enter_async_context(gateway({"a": good}, replicas=2, specs=specs))
    bench.serve("a", bad.port, 1)
    return bench


async def statuses(bench: Bench, count: int) -> list[int]:
    return [(await bench.get("/")).status for _ in range(count)]


async def test_who_fails_several_in_a_row_is_left_out_and_the_breaker_stays_closed():
    async with AsyncExitStack() as stack:
        bench = await with_a_bad_one(stack, repeat(FAIL))
        found = await statuses(bench, 30)
        assert found.count(500) == 3
        assert found[6:] == [200] * 24
        assert bench.gateway.breaker_row("a").state is BreakerState.CLOSED
        (event,) = bench.events
        assert isinstance(event, ReplicaLeftOut)
        assert (event.service, event.replica, event.lasts_s, event.cause) == ("a", 1, 2.0, "3 failures in a row")


async def test_a_good_answer_between_keeps_it_in():
    async with AsyncExitStack() as stack:
        bench = await with_a_bad_one(stack, cycle((FAIL, FAIL, OK)))
        assert (await statuses(bench, 30)).count(500) == 10


async def test_it_comes_back_by_itself_and_is_left_out_for_longer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(marks, "FIRST_S", 0.05)
    async with AsyncExitStack() as stack:
        bench = await with_a_bad_one(stack, chain(repeat(FAIL, 6), repeat(OK)))
        instance = bench.entry().instances[1]
        for _ in range(2):
            while not instance.shunned:
                await bench.get("/")
            await bench.until(lambda: not instance.shunned)
        served = instance.entered
        assert await statuses(bench, 10) == [200] * 10
        assert instance.entered == served + 5


@pytest.mark.parametrize("breaker", [{"enabled": False}, {"failures": 100}])
async def test_nobody_is_left_out_where_the_breaker_would_not_open(breaker: dict[str, Any]):
    async with AsyncExitStack() as stack:
        bench = await with_a_bad_one(stack, repeat(FAIL), **breaker)
        assert (await statuses(bench, 20)).count(500) == 10


async def test_one_alone_is_never_left_out():
    async with scripted(failing(repeat(FAIL))) as bad, gateway({"a": bad}) as bench:
        await statuses(bench, 5)
        assert not bench.entry().instances[0].shunned


async def test_all_left_out_is_nobody_left_out():
    async with AsyncExitStack() as stack:
        bench = await three(stack, H.HEALTHY, H.DEGRADED)
        for instance in bench.entry().instances:
            bench.directory.shun(instance)
        assert await who(bench) == set("xy")
