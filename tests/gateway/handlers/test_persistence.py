"""Retry, weights, split, sticky clients, fallback and hedging, on real sockets."""

import asyncio
import gc
import time
from collections import Counter
from contextlib import AsyncExitStack
from email.utils import formatdate
from typing import Any

import pytest

from devgate.gateway.upstream.errors import Kind
from devgate.gateway.venture import Venture
from devgate.model.status import HealthState, ServiceState
from tests.gateway.harness import OK, Bench, gateway
from tests.upstreams import Peer, Script, Upstream, answering, free_port, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"


def says(text: str) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text.encode())


def one_after_another(*answers: bytes) -> tuple[Script, list[bytes]]:
    """Gives the answers in turn, whatever the connection, the last one for ever. Empty: the connection is reset."""
    left, heads = list(answers), []

    async def script(peer: Peer) -> None:
        while True:
            head = await peer.head()
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            heads.append(head + await peer.read(length))
            answer = left.pop(0) if len(left) > 1 else left[0]
            if not answer:
                peer.reset()
                return
            peer.send(answer)

    return script, heads


def route(**keys: Any) -> list[dict[str, Any]]:
    return [{"path": "/*", **keys}]


# Retry


@pytest.mark.parametrize("first", [BUSY, b"", b"HTTP/1.1 200 OK\r\nContent-Le"], ids=["busy", "reset", "half a head"])
async def test_a_failed_get_is_tried_again(first: bytes):
    script, heads = one_after_another(first, says("fine"))
    if first.startswith(b"HTTP/1.1 200"):
        script = half_then(says("fine"), heads)
    async with scripted(script) as service, gateway({"a": service}, routes=route(retry="1"), managed=False) as bench:
        answer = await bench.get()
        assert (answer.status, answer.body) == (200, b"fine")
        assert len(heads) == 2
        assert bench.gateway.traffic().in_flight == 0


def half_then(answer: bytes, heads: list[bytes]) -> Script:
    async def script(peer: Peer) -> None:
        heads.append(await peer.head())
        if peer.number == 0:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Le")
            await peer.flush()
            peer.close()
            return
        peer.send(answer)
        await peer.rest()

    return script


async def test_without_it_the_answer_is_passed_on():
    script, heads = one_after_another(BUSY, says("fine"))
    async with scripted(script) as service, gateway({"a": service}, managed=False) as bench:
        assert (await bench.get()).body == b"busy"
        assert len(heads) == 1


async def test_the_last_answer_is_passed_on_whole():
    script, heads = one_after_another(BUSY)
    async with scripted(script) as service, gateway({"a": service}, routes=route(retry="3")) as bench:
        answer = await bench.get()
        assert (answer.status, answer.body) == (503, b"busy")
        assert len(heads) == 4


@pytest.mark.parametrize(
    ("method", "headers", "keys", "attempts"),
    [
        ("PUT", {}, {}, 2),
        ("DELETE", {}, {}, 2),
        ("POST", {}, {}, 1),
        ("PATCH", {}, {}, 1),
        ("POST", {"idempotency_key": '"1"'}, {}, 2),
        ("POST", {}, {"any_method": True}, 2),
    ],
)
async def test_what_may_have_been_done_is_done_again_only_where_that_is_harmless(
    method: str, headers: dict[str, str], keys: dict[str, Any], attempts: int
):
    script, heads = one_after_another(BUSY, OK)
    async with (
        scripted(script) as service,
        gateway({"a": service}, routes=route(retry={"attempts": 1, **keys})) as bench,
    ):
        answer = await bench.get(method=method, body=b"hello", **headers)
        assert answer.status == (200 if attempts == 2 else 503)
        assert len(heads) == attempts
        assert all(head.endswith(b"\r\n\r\nhello") for head in heads)


async def test_a_body_that_comes_late_is_kept_for_another_attempt_and_a_large_one_is_not():
    script, heads = one_after_another(BUSY, OK)
    async with (
        scripted(script) as service,
        gateway({"a": service}, routes=route(retry={"attempts": 1, "body": "10B"})) as bench,
    ):
        client = await bench.connect()
        client.send(b"PUT / HTTP/1.1\r\nHost: %b\r\nContent-Length: 10\r\n\r\n01234" % bench.host)
        await asyncio.sleep(0.05)
        assert not heads
        client.send(b"56789")
        assert (await client.answer()).status == 200
        assert [head[-10:] for head in heads] == [b"0123456789"] * 2
    script, heads = one_after_another(BUSY, OK)
    async with (
        scripted(script) as service,
        gateway({"a": service}, routes=route(retry={"attempts": 1, "body": "10B"})) as bench,
    ):
        client = await bench.connect()
        client.send(b"PUT / HTTP/1.1\r\nHost: %b\r\nContent-Length: 11\r\n\r\n0123" % bench.host)
        await bench.until(lambda: service.peers and service.peers[0].received)
        client.send(b"4567890")
        assert (await client.answer()).status == 503
        assert len(heads) == 1


async def test_retry_after_is_obeyed_where_it_is_short_and_ends_it_where_it_is_long():
    soon = formatdate(time.time() + 1, usegmt=True).encode()
    asks = (
        (b"0", 2),
        (b"30", 1),
        (b"Mon, 01 Jan 2035 00:00:00 GMT", 1),
        (b"Mon, 01 Jan 2024 00:00:00 GMT", 2),
        (soon, 2),
    )
    for seconds, attempts in (*asks, (b"soon", 2)):
        busy = b"HTTP/1.1 503 Busy\r\nRetry-After: %b\r\nContent-Length: 0\r\n\r\n" % seconds
        script, heads = one_after_another(busy, OK)
        async with scripted(script) as service, gateway({"a": service}, routes=route(retry="1")) as bench:
            answer = await bench.get()
            assert len(heads) == attempts, seconds
            assert answer.status == (200 if attempts == 2 else 503)


async def test_a_slow_attempt_is_given_up_where_each_has_its_own_time():
    async def script(peer: Peer) -> None:
        await peer.head()
        if peer.number:
            peer.send(OK)
        await peer.rest()

    keys = {"retry": {"attempts": 1, "per_try": "100ms"}}
    async with scripted(script) as service, gateway({"a": service}, routes=route(**keys)) as bench:
        assert (await bench.get()).status == 200
        assert len(service.peers) == 2


async def test_the_time_of_the_route_ends_all_attempts():
    async def script(peer: Peer) -> None:
        await peer.rest()

    keys = {"timeout": "300ms", "retry": {"attempts": 10, "per_try": "100ms"}}
    async with scripted(script) as service, gateway({"a": service}, routes=route(**keys)) as bench:
        problem = (await bench.get()).problem
        assert problem["code"] == "response-timeout"
        assert problem["attempts"] == len(service.peers)
        assert 2 <= len(service.peers) <= 4


async def test_retries_do_not_multiply_the_load():
    script, heads = one_after_another(BUSY)
    specs = {"a": {"breaker": {"enabled": False}}}
    async with scripted(script) as service, gateway({"a": service}, routes=route(retry="1"), specs=specs) as bench:
        answers = await asyncio.gather(*(bench.get() for _ in range(40)))
        assert {answer.status for answer in answers} == {503}
        assert len(heads) < 40 + 20
        await bench.until(lambda: bench.gateway._inventory.backends["a"].budget.spent == 0)


@pytest.mark.parametrize(("given", "status"), [("1", 200), ("3", 429), (None, 429)])
async def test_too_many_requests_is_tried_again_only_when_the_service_says_when(given: str | None, status: int):
    later = b"" if given is None else b"Retry-After: %b\r\n" % given.encode()
    script, _ = one_after_another(b"HTTP/1.1 429 Slow down\r\n%bContent-Length: 0\r\n\r\n" % later, says("fine"))
    routes = route(retry={"attempts": 1, "statuses": [429]})
    async with scripted(script) as service, gateway({"a": service}, routes=routes) as bench:
        assert (await bench.get()).status == status


async def test_the_record_says_that_there_were_too_many_retries():
    async with gateway({"a": None}, routes=route(retry="1"), managed=False) as bench:
        bench.serve("a", free_port())
        bench.gateway._inventory.backends["a"].budget.spent = 3
        assert (await bench.get()).problem["code"] == "connect-refused"
        seq = bench.gateway.requests().rows[-1].seq
        steps = (await bench.gateway.inspector.request(seq)).decisions
        assert any("too many retries are under way" in str(step) for step in steps)


async def test_a_refused_answer_costs_no_connection():
    script, heads = one_after_another(BUSY, OK)
    async with scripted(script) as service, gateway({"a": service}, routes=route(retry="1")) as bench:
        assert (await bench.get()).status == 200
        assert len(heads) == 2
        assert len(service.peers) == 1


# Several instances


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_another_instance_comes_before_another_service(method: str):
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(scripted(answering(says("other"))))
        fallback = {"services": ["b"]}
        bench, _ = await replicas_of(
            stack, answering(BUSY), answering(says("y")), {"b": other}, routes=route(fallback=fallback)
        )
        found = {(await bench.get(method=method)).body for _ in range(4)}
        assert found == (
            {b"y"} if method != "POST" else {b"y", b"busy"}
        )  # a POST that was taken is given to nobody else


async def test_where_each_instance_fails_the_other_service_answers():
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(scripted(answering(says("other"))))
        fallback = {"services": ["b"], "statuses": [500]}
        oops = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
        bench, ups = await replicas_of(
            stack, answering(oops), answering(oops), {"b": other}, routes=route(fallback=fallback)
        )
        assert (await bench.get()).body == b"other"
        assert [len(up.peers) for up in ups] == [1, 1]


async def test_a_second_attempt_prefers_a_degraded_instance_to_the_one_that_is_late():
    async def slow(peer: Peer) -> None:
        await peer.head()
        await peer.rest()

    async with AsyncExitStack() as stack:
        bench, _ = await replicas(stack, slow, answering(says("fast")), routes=route(hedge="20ms"))
        bench.directory.rate(bench.entry("a").instances[1], HealthState.DEGRADED)
        assert (await bench.get()).body == b"fast"


async def replicas(stack: AsyncExitStack, *scripts: Script, **keys: Any) -> tuple[Bench, list[Upstream]]:
    """A service `a` with an instance for each script."""
    upstreams = [await stack.enter_async_context(scripted(script)) for script in scripts]
    bench = await stack.enter_async_context(gateway({"a": upstreams[0]}, replicas=len(scripts), **keys))
    for replica, upstream in enumerate(upstreams[1:], 1):
        bench.serve("a", upstream.port, replica)
    return bench, upstreams


async def replicas_of(
    stack: AsyncExitStack, first: Script, second: Script, others: dict[str, Upstream], **keys: Any
) -> tuple[Bench, list[Upstream]]:
    """A service `a` with two instances, beside others."""
    upstreams = [await stack.enter_async_context(scripted(script)) for script in (first, second)]
    bench = await stack.enter_async_context(gateway({"a": upstreams[0], **others}, replicas=2, **keys))
    bench.serve("a", upstreams[1].port, 1)
    return bench, upstreams


async def load(bench: Bench, count: int, clients: int = 4, **headers: str) -> Counter[str]:
    """Many requests over a few connections; how often each body came."""
    found: Counter[str] = Counter()
    left = iter(range(count))

    async def work() -> None:
        client = await bench.connect()
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()).encode()
        for _ in left:
            client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (bench.host, lines))
            answer = await client.answer()
            found[answer.body.decode() if answer.status == 200 else str(answer.status)] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(work())
    return found


async def test_replicas_get_what_their_weights_say():
    async with AsyncExitStack() as stack:
        scripts = [answering(says(name)) for name in "xyz"]
        bench, _ = await replicas(stack, *scripts, specs={"a": {"replicas": 3, "weights": [6, 3, 1]}})
        found = await load(bench, 1000)
        assert all(abs(found[name] - share) <= 50 for name, share in (("x", 600), ("y", 300), ("z", 100)))


async def test_weights_change_while_it_runs_and_turns_outlive_a_reload():
    async with AsyncExitStack() as stack:
        bench, _ = await replicas(stack, answering(says("x")), answering(says("y")))
        turns = []
        for _ in range(4):
            turns.append((await bench.get()).body)
            bench.gateway.apply(bench.profile)
        assert turns[0] != turns[1] != turns[2] != turns[3]
        service = bench.profile.services["a"].model_copy(update={"weights": (0, 1)})
        bench.gateway.apply(bench.profile.model_copy(update={"services": {"a": service}}))
        assert await load(bench, 20) == {"y": 20}


@pytest.mark.parametrize("keys", [{}, {"retry": "2"}], ids=["plain", "retry"])
async def test_one_of_two_dies_under_load_and_no_get_fails(keys: dict[str, Any]):
    async with AsyncExitStack() as stack:
        dying = AsyncExitStack()
        first = await dying.enter_async_context(scripted(answering(says("x"))))
        second = await stack.enter_async_context(scripted(answering(says("y"))))
        bench = await stack.enter_async_context(gateway({"a": first}, replicas=2, routes=route(**keys)))
        bench.serve("a", second.port, 1)
        running = asyncio.ensure_future(load(bench, 600, clients=8))
        await bench.until(lambda: bench.gateway.traffic().total > 100)
        for peer in first.peers:
            peer.reset()
        await dying.aclose()
        found = await running
        assert set(found) == {"x", "y"}
        assert found["y"] > found["x"]
        assert ("a", 0) in bench.suspects


async def test_who_refuses_is_left_out_for_a_while():
    async with AsyncExitStack() as stack:
        gone = AsyncExitStack()
        first = await gone.enter_async_context(scripted(answering(says("x"))))
        second = await stack.enter_async_context(scripted(answering(says("y"))))
        bench = await stack.enter_async_context(gateway({"a": first}, replicas=2))
        bench.serve("a", second.port, 1)
        await gone.aclose()
        for _ in range(10):
            assert (await bench.get()).body == b"y"
        assert len(bench.suspects) <= 2
        back = await stack.enter_async_context(scripted(answering(says("z"))))
        bench.serve("a", back.port, 0)  # a new run has no mark
        assert {(await bench.get()).body for _ in range(4)} == {b"y", b"z"}


# Split and sticky


async def test_a_split_is_shared_as_it_says():
    async with (
        scripted(answering(says("a"))) as one,
        scripted(answering(says("b"))) as two,
        gateway({"a": one, "b": two}, routes=route(split={"b": 20})) as bench,
    ):
        found = await load(bench, 1000)
        assert abs(found["b"] - 200) <= 50
        assert bench.gateway.service_traffic("b").total == found["b"]


async def test_a_cookie_keeps_a_client_at_its_side_and_its_instance():
    async with AsyncExitStack() as stack:
        ups = [await stack.enter_async_context(scripted(answering(says(name)))) for name in ("a0", "a1", "b0")]
        bench = await stack.enter_async_context(
            gateway({"a": ups[0], "b": ups[2]}, replicas=2, routes=route(split={"b": 50}, sticky="v"))
        )
        bench.serve("a", ups[1].port, 1)
        for _ in range(6):
            first = await bench.get()
            cookie = first["set-cookie"].split(";")[0]
            assert cookie == f"v={first.body.decode()[0]}.{first.body.decode()[1]}"
            assert "HttpOnly" in first["set-cookie"]
            for _ in range(3):
                again = await bench.get(cookie=f"x=1; {cookie}")
                assert again.body == first.body
                assert "set-cookie" not in again
        bench.directory.withdraw(bench.entry("a").instances[1])
        moved = await bench.get(cookie="v=a.1")
        assert moved.body == b"a0"
        assert moved["set-cookie"].startswith("v=a.0;")
        assert (await bench.get(cookie="v=evil.1"))["set-cookie"]


async def test_a_header_keeps_a_client_without_a_cookie():
    async with scripted(answering(says("a"))) as one, scripted(answering(says("b"))) as two:
        keys = {"split": {"b": 50}, "sticky": {"header": "X-Who"}}
        async with gateway({"a": one, "b": two}, routes=route(**keys)) as bench:
            found = {}
            for who in map(str, range(30)):
                answer = await bench.get(x_who=who)
                assert "set-cookie" not in answer
                found[who] = answer.body
            assert set(found.values()) == {b"a", b"b"}
            for who, body in found.items():
                assert (await bench.get(x_who=who)).body == body


# Fallback


@pytest.mark.parametrize("state", ["down", "busy", "slow", "stopped"])
async def test_another_service_answers_where_the_first_does_not(state: str):
    async def script(peer: Peer) -> None:
        if state == "down":
            peer.reset()
            return
        await peer.head()
        if state == "busy":
            peer.send(BUSY)
        await peer.rest()

    keys = {"fallback": {"services": ["b"]}, "timeout": "200ms", "hold": "0s"}
    async with (
        scripted(script) as one,
        scripted(answering(says("b"))) as two,
        gateway({"a": one, "b": two}, routes=route(**keys)) as bench,
    ):
        if state == "stopped":
            bench.move("a", ServiceState.STOPPED)
        answer = await bench.get()
        assert answer.body == b"b"
        assert answer["x-devgate-fallback"] == "peer"
        why = {
            "down": "error=connection_terminated",
            "busy": "received-status=503",
            "slow": "error=http_response_timeout",
            "stopped": "error=destination_unavailable",
        }
        assert answer["proxy-status"] == f'devgate; {why[state]}; next-hop="b"; details="fallback peer"'


async def test_a_post_that_may_have_arrived_goes_nowhere_else():
    keys = {"fallback": {"services": ["b"]}}
    async with (
        scripted(answering(BUSY)) as one,
        scripted(answering(OK)) as two,
        gateway({"a": one, "b": two}, routes=route(**keys)) as bench,
    ):
        assert (await bench.get(method="POST", body=b"x")).body == b"busy"
        assert (await bench.get(method="POST", body=b"x", idempotency_key="1")).status == 200
        bench.move("a", ServiceState.STOPPED)
        assert (await bench.get(method="POST", body=b"x")).status == 200


async def test_the_answer_of_the_profile_comes_last():
    answer = {"status": 200, "headers": {"X-From": "profile"}, "body": {"items": []}}
    keys = {"fallback": {"services": ["b"], "answer": answer}, "hold": "0s"}
    async with (
        scripted(answering(BUSY)) as two,
        gateway({"a": None, "b": two}, routes=route(**keys)) as bench,
    ):
        found = await bench.get(origin="http://localhost:1420")
        assert (found.status, found.body) == (200, b'{"items": []}')
        assert found["content-type"] == "application/json"
        assert found["x-from"] == "profile"
        assert found["x-devgate-fallback"] == "static"
        assert found["proxy-status"] == 'devgate; error=destination_unavailable; details="fallback static"'
        assert found["access-control-allow-origin"] == "http://localhost:1420"
        assert (await bench.get(method="HEAD")).body == b""


async def test_where_nobody_helps_the_failure_is_that_of_the_service():
    keys = {"fallback": {"services": ["b"]}, "hold": "0s"}
    async with gateway({"a": None, "b": None}, routes=route(**keys)) as bench:
        assert (await bench.get()).problem["code"] == "stopped"
    async with scripted(answering(BUSY)) as one, gateway({"a": one, "b": None}, routes=route(**keys)) as bench:
        assert (await bench.get()).body == b"busy"


# What never ends

EVERYTHING = {"retry": "1", "hedge": "1s", "sticky": "v", "split": {"b": 0}, "cache": "1m"}


async def test_a_websocket_passes_and_keeps_to_its_place():
    shake = (
        b"GET /ws HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: v=a.1\r\n\r\n"
    )
    switch = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"

    async def never(peer: Peer) -> None:
        raise AssertionError("somebody else's")

    async def echo(peer: Peer) -> None:
        await peer.head()
        peer.send(switch)
        peer.send(await peer.read(4))
        await peer.rest()

    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(scripted(never))
        bench, _ = await replicas_of(stack, never, echo, {"b": other}, routes=route(**EVERYTHING))
        client = await bench.connect()
        client.send(shake.replace(b"HOST", bench.host))
        assert (await client.head())[0] == 101
        client.send(b"ping")
        assert await client.reader.readexactly(4) == b"ping"
        client.reset()
        await bench.until(lambda: bench.entry("a").instances[1].in_flight == 0)


async def test_event_streams_pass_as_they_come_and_hold_up_nobody():
    release = asyncio.Event()

    async def stream(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: max-age=60\r\n\r\ndata: 1\n\n")
        await release.wait()
        peer.close()

    async with scripted(stream) as one, gateway({"a": one, "b": None}, routes=route(**EVERYTHING)) as bench:
        clients = [await bench.connect() for _ in range(3)]
        for client in clients:
            client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        for client in clients:
            status, _, fields, _ = await client.head()
            assert status == 200
            assert dict(fields)[b"cache-status"].startswith(b'devgate; fwd=uri-miss; fwd-status=200; detail="a stream"')
            assert b"data: 1" in await client.reader.readuntil(b"data: 1\n\n")
        assert len(bench.gateway._inventory.store) == 0
        release.set()


# Hedging


async def test_the_second_attempt_wins_where_the_first_is_late():
    left = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.head()
        await peer.rest()
        left.set()

    async with AsyncExitStack() as stack:
        bench, _ = await replicas(
            stack, slow, slow, answering(says("fast")), routes=route(hedge="50ms", timeout="5s", retry="0")
        )
        bench.directory.withdraw(bench.entry("a").instances[1])
        answers = [await bench.get() for _ in range(4)]
        assert {answer.body for answer in answers} == {b"fast"}
        await bench.until(left.is_set)
        assert bench.gateway.breaker_row("a").failures == 0
        assert bench.gateway.traffic().in_flight == 0
        assert all(instance.in_flight == 0 for instance in bench.entry("a").instances)
        await bench.until(lambda: bench.gateway._inventory.backends["a"].budget.spent == 0)


@pytest.mark.parametrize("others", [says("fast"), BUSY], ids=["good", "bad, too"])
async def test_an_error_does_not_win_while_the_other_attempt_may_still_be_good(others: bytes):
    asked, failed = asyncio.Event(), asyncio.Event()

    async def failing(peer: Peer) -> None:
        await peer.head()
        await asked.wait()
        peer.send(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
        failed.set()
        await peer.rest()

    async def later(peer: Peer) -> None:
        await peer.head()
        asked.set()
        await failed.wait()
        await bench.until(lambda: bench.gateway.breaker_row("a").totals.failure)
        peer.send(others)
        await peer.rest()

    async with AsyncExitStack() as stack:
        bench, _ = await replicas(stack, later, failing, routes=route(hedge="20ms"))
        answer = await bench.get()
        assert answer.body == others.partition(b"\r\n\r\n")[2]


async def test_the_other_attempt_is_late_although_an_error_was_kept_back():
    async def failing(peer: Peer) -> None:
        await peer.head()
        await asked.wait()
        peer.send(BUSY)
        await peer.rest()

    async def silent(peer: Peer) -> None:
        await peer.head()
        asked.set()
        await peer.rest()

    asked = asyncio.Event()
    routes = route(hedge="20ms", timeout={"response": "1500ms", "idle": "off"})
    async with AsyncExitStack() as stack:
        bench, _ = await replicas(stack, silent, failing, routes=routes)
        problem = (await bench.get()).problem
        assert (problem["code"], problem["attempts"]) == ("response-timeout", 2)
        assert "no answer for 1.5 s" in problem["detail"]


async def test_no_second_attempt_for_what_is_not_safe_or_not_late():
    async def slow(peer: Peer) -> None:
        while True:
            head = await peer.head()
            await asyncio.sleep(0.15 if head.startswith(b"POST") else 0)
            peer.send(OK)

    for method, hedge in (("POST", "60ms"), ("GET", "20s")):
        async with scripted(slow) as service, gateway({"a": service}, routes=route(hedge=hedge)) as bench:
            assert (await bench.get(method=method)).status == 200
            assert sum(bytes(peer.received).count(b"HTTP/1.1") for peer in service.peers) == 1


async def test_late_is_what_is_slower_than_usual(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("devgate.gateway.handlers.race.UNKNOWN_S", 1000.0)
    asked = 0

    async def script(peer: Peer) -> None:
        nonlocal asked
        while True:
            await peer.head()
            asked += 1
            if asked == 41:
                await peer.rest()
            peer.send(OK)

    async with scripted(script) as service, gateway({"a": service}, routes=route(hedge="p95")) as bench:
        for _ in range(41):
            assert (await bench.get()).status == 200  # the last one only because it was asked a second time


async def test_both_attempts_fail_and_a_client_that_leaves_ends_both():
    async def hang(peer: Peer) -> None:
        await peer.head()
        await peer.rest()

    async with AsyncExitStack() as stack:
        bench, _ = await replicas(stack, hang, hang, routes=route(hedge="20ms", timeout="300ms", hold="0s"))
        assert (await bench.get()).problem["code"] == Kind.RESPONSE_TIMEOUT.value
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        await bench.until(lambda: sum(instance.in_flight for instance in bench.entry("a").instances) == 2)
        client.reset()
        await bench.until(lambda: sum(instance.in_flight for instance in bench.entry("a").instances) == 0)


async def test_a_request_leaves_nothing_for_the_collector():
    script, _ = one_after_another(
        OK, BUSY, OK, b"HTTP/1.1 200 OK\r\nCache-Control: max-age=9\r\nContent-Length: 0\r\n\r\n"
    )
    keys = {**EVERYTHING, "split": {}, "fallback": {"answer": {}}}
    async with scripted(script) as service, gateway({"a": service}, routes=route(**keys)) as bench:
        gc.collect()
        gc.disable()
        try:
            for _ in range(5):
                assert (await bench.get()).status == 200
            await bench.until(lambda: bench.gateway.requests().total == 5)
            await asyncio.sleep(0)
            assert [one for one in gc.get_objects() if isinstance(one, Venture)] == []
        finally:
            gc.enable()


# The record


async def steps(bench: Bench) -> list[tuple[str, str]]:
    """What the record says was decided for the last request."""
    await bench.until(lambda: bench.gateway.requests().total > 0)
    detail = await bench.gateway.inspector.request(bench.gateway.requests().total)
    return [(one.step, one.text) for one in detail.decisions]


async def test_the_record_tells_of_retries():
    script, _ = one_after_another(BUSY, OK)
    async with scripted(script) as service, gateway({"a": service}, routes=route(retry="1")) as bench:
        await bench.get()
        assert [text for step, text in await steps(bench) if step == "attempt"] == [
            "a #0 status: it answered 503; tried again",
            "attempt 2: sent to a #0",
        ]


async def test_the_record_tells_who_has_answered_instead():
    keys = {"fallback": {"services": ["b"]}}
    async with (
        scripted(answering(BUSY)) as one,
        scripted(answering(OK)) as two,
        gateway({"a": one, "b": two}, routes=route(**keys)) as bench,
    ):
        await bench.get()
        told = await steps(bench)
        assert ("attempt", "a #0 status: it answered 503; kept from the client") in told
        assert ("fallback", "peer: b is asked instead") in told
        assert bench.gateway.requests().rows[-1].service == "b"


async def test_the_record_tells_of_split_and_cache():
    fresh = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 0\r\n\r\n"
    keys = {"split": {"b": 100}, "cache": "true"}
    async with scripted(answering(fresh)) as two, gateway({"a": None, "b": two}, routes=route(**keys)) as bench:
        await bench.get()
        told = await steps(bench)
        assert ("split", "b, whose turn it was: a 0 %, b 100 %") in told
        assert ("cache", "nothing is kept for it, so b was asked; its answer is kept") in told
        await bench.get()
        assert [text[:29] for step, text in await steps(bench) if step == "cache"] == ["a kept answer of b was given,"]
        assert [step for step, _ in await steps(bench) if step == "attempt"] == []
