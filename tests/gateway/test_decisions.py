"""What the record says was decided for very different requests: every step, in its order, and nothing that did not happen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from devgate.model.status import ServiceState
from tests.gateway.handlers.test_tunnel import SHAKE, echo
from tests.gateway.harness import OK, PAGE, Bench, Truncated, changed, gateway
from tests.upstreams import answering, free_port, scripted

if TYPE_CHECKING:
    from tests.upstreams import Peer, Script

pytestmark = pytest.mark.usefixtures("nothing_left")

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
FRESH = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 1\r\n\r\nx"
EVIL = "https://evil.test"
NO_ORIGIN = "cors: no Origin: it does not come from a page"
ROUTE = "route: /* leads to a"
SENT = "attempt: sent to a #0"
ANSWER = "answer: 200 from a"


def routes(**keys: Any) -> list[dict[str, Any]]:
    return [{"path": "/*", **keys}]


def in_turn(*answers: bytes | None) -> Script:
    """Answers, over all connections; None is a reset, and the last one is for all that follow."""
    count = 0

    async def script(peer: Peer) -> None:
        nonlocal count
        while True:
            await peer.head()
            count += 1
            answer = answers[min(count, len(answers)) - 1]
            if answer is None:
                peer.reset()
                return
            peer.send(answer)

    return script


async def told(bench: Bench, after: int = 0) -> list[str]:
    """All that was decided for the newest request, once there are more than `after`."""
    await bench.until(lambda: bench.gateway.requests().total > after)
    detail = await bench.gateway.inspector.request(bench.gateway.requests().next)
    return [f"{one.step}: {one.text}" for one in detail.decisions]


async def middle(bench: Bench) -> list[str]:
    """The same, without what is said of every request that passes."""
    found = await told(bench)
    assert found[:2] == [NO_ORIGIN, ROUTE]
    return found[2:]


async def test_what_simply_passes():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        for _ in range(2):  # the second one finds a connection
            await bench.get()
            assert await told(bench) == [NO_ORIGIN, ROUTE, SENT, ANSWER]
        await bench.get(origin=PAGE)
        assert (await told(bench))[0] == f"cors: {PAGE} is allowed"
        await bench.get(origin=EVIL)
        assert (await told(bench))[0] == f"cors: {EVIL} is not allowed, so its page cannot read the answer"


async def test_what_never_comes_to_a_route():
    async with gateway({"a": None}) as bench:
        await bench.get("/health")
        assert await told(bench) == [
            NO_ORIGIN,
            "route: none: devgate answered for itself",
            "answer: 503 from devgate"
            if bench.gateway.requests().rows[-1].status == 503
            else "answer: 200 from devgate",
        ]
        for shake in (True, False):
            await (
                bench.ask(SHAKE % b"Origin: https://evil.test\r\n") if shake else bench.get(method="POST", origin=EVIL)
            )
            (only,) = await told(bench)
            assert only.startswith(f"cors: origin-not-allowed: The origin '{EVIL}' is not allowed.")
        await bench.get(method="OPTIONS", origin=EVIL, access_control_request_method="GET")
        (only,) = await told(bench)
        assert only.startswith("preflight: origin-not-allowed: ")
        await bench.ask(b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n")
        (only,) = await told(bench)
        assert only.startswith("host: host-not-allowed: The gateway is not called 'evil.test'.")
        await bench.ask(b"GET / HTTP/1.1\r\nHost : HOST\r\n\r\n")
        (only,) = await told(bench)
        assert only.startswith("syntax: bad-request: ")


async def test_why_a_route_has_won_and_why_none_has():
    written = [
        {"path": "/x/*", "methods": ["GET"], "headers": {"x-v": "2"}, "service": "b"},
        {"path": "/x/y/*", "hosts": ["h.localhost"]},
        {"path": "/x/*", "methods": ["GET"]},
    ]
    async with scripted(answering(OK)) as service, gateway({"a": service, "b": service}, routes=written) as bench:
        await bench.get("/x/y", x_v="2")
        others = "h.localhost /x/y/* (the host is not h.localhost), GET /x/* (it has fewer header conditions)"
        assert (await told(bench))[1:3] == ["route: GET /x/* x-v=2 leads to b", f"route: passed by: {others}"]
        await bench.get("/x/y", method="POST")
        others = "h.localhost /x/y/* (the host is not h.localhost), GET /x/* x-v=2 (the header x-v is not as it asks)"
        assert (await told(bench))[1:] == [
            f"route: passed by: {others}, GET /x/* (the method is not GET or HEAD)",
            "route: method-not-allowed: /x/y takes GET, HEAD, not POST.",
        ]
        # What was decided by routes that are gone is not explained by those of today.
        bench.gateway.apply(changed(bench.profile, routes=[{"path": "/x/*", "service": "a"}]))
        assert [one for one in await told(bench) if "passed by" in one] == []


async def test_kept_answers():
    stale = {"ttl": "1m", "stale_if_error": "1m"}
    async with (
        scripted(in_turn(FRESH, FRESH, BUSY, BUSY, FRESH, OK)) as service,
        gateway({"a": service}, routes=routes(cache=stale)) as bench,
    ):
        await bench.get()
        assert await middle(bench) == [
            SENT,
            "cache: nothing is kept for it, so a was asked; its answer is kept",
            ANSWER,
        ]
        await bench.get()
        kept, answer = await middle(bench)
        assert kept.startswith("cache: a kept answer of a was given, 0 s old and good for ")
        assert answer == "answer: 200 from devgate"
        assert bench.gateway.requests().rows[-1].replica == -1
        await bench.get(cache_control="no-cache")
        assert (await middle(bench))[1] == "cache: the client wants no kept answer, so a was asked; its answer is kept"
        await bench.get(cache_control="no-cache")
        assert await middle(bench) == [
            "attempt: a #0 status: it answered 503; kept from the client",
            "fallback: stale: a kept answer of a was given, 0 s old",
            "answer: 200 from devgate",
        ]
        await bench.get(authorization="x")
        assert (await middle(bench))[1].endswith(
            "given to somebody else, so a was asked; its answer is not kept: status 503"
        )
        await bench.get("/other", cache_control="only-if-cached")
        assert (await middle(bench))[0].startswith("cache: not-kept: ")
        await bench.get("/", method="POST", body=b"x")
        assert await middle(bench) == [SENT, "cache: kept answers that it may have changed are forgotten: 1", ANSWER]


async def test_attempts():
    async with scripted(in_turn(BUSY, None, OK)) as service, gateway({"a": service}, routes=routes(retry="2")) as bench:
        await bench.get()
        assert await middle(bench) == [
            "attempt: a #0 status: it answered 503; tried again",
            "attempt: a #0 reset: the service reset the connection without an answer; sent again on another connection",
            "attempt: attempt 3: sent to a #0",
            ANSWER,
        ]
    async with gateway({"a": None}, managed=False) as bench:
        bench.serve("a", free_port())
        await bench.get()
        tried, end = await middle(bench)
        assert tried.startswith("attempt: a #0 connect-refused: nobody listens on localhost:")
        assert tried.endswith("; given up")
        assert end.startswith("connect: connect-refused: a: nobody listens")
        detail = await bench.gateway.inspector.request(1)
        assert (detail.sent_line, detail.sent) == ("", ())  # it was sent to nobody


async def test_two_attempts_at_once():
    late, slow = asyncio.Event(), 0

    async def script(peer: Peer) -> None:
        nonlocal slow
        while True:
            await peer.head()
            slow += 1
            if slow == 1:
                await late.wait()
            peer.send(OK)

    async with scripted(script) as service, gateway({"a": service}, routes=routes(hedge={"after": "20ms"})) as bench:
        await bench.get()
        assert await middle(bench) == [
            "hedge: asked a #0 as well, the first was late",
            SENT,
            "hedge: the second attempt was answered first",
            ANSWER,
        ]


async def test_limits():
    rules = {"rules": [{"by": "global", "limit": 1}], "mode": "report"}
    limited = routes(limits=[{"by": "ip", "limit": 2}])
    async with scripted(answering(OK)) as service, gateway({"a": service}, routes=limited, limits=rules) as bench:
        await bench.get()
        assert (await told(bench))[1] == "limits: within global (0 of 1 left in 1m), per_ip (1 of 2 left in 1m)"
        await bench.get()
        assert (await told(bench))[1:3] == [
            "limits: within per_ip (0 of 2 left in 1m)",
            "limits: over global (1 in 1m), which is only told: gateway.limits.mode is report",
        ]
        bench.gateway.apply(changed(bench.profile, gateway={"limits": {**rules, "mode": "enforce"}}))
        await bench.get()
        (_, refused) = await told(bench)
        assert refused.startswith("limits: quota-exceeded: Not more than 1 requests in 1m (global)")


async def test_waiting_for_the_service():
    async with scripted(answering(OK)) as service, gateway({"a": None}) as bench:
        bench.move("a", ServiceState.STARTING)
        request = asyncio.create_task(bench.get())
        await bench.until(
            lambda: [row.held_ms > 2 for row in bench.gateway.requests(under_way=True).under_way] == [True]
        )
        bench.serve("a", service.port)
        await request
        held, *rest = await middle(bench)
        assert held.startswith("lifecycle: held for ")
        assert held.endswith(" ms until a came back")
        assert rest == [SENT, ANSWER]
        bench.move("a", ServiceState.CRASHED)
        await bench.get()  # nobody was held for that
        assert await middle(bench) == ["lifecycle: crashed: a is crashed. (look at its log, then start it again)"]
        assert bench.gateway.requests().rows[-1].held_ms == 0
    async with gateway({"a": None}, hold="50ms") as bench:
        bench.move("a", ServiceState.STARTING)
        await bench.get()
        held, end = await middle(bench)
        assert held.endswith(" ms, and a did not come back in that time")
        assert end.startswith("lifecycle: hold-timeout: a is still starting.")


async def test_breakers():
    specs = {"a": {"breaker": {"failures": 1}}}
    async with scripted(answering(BUSY)) as service, gateway({"a": service}, specs=specs, managed=False) as bench:
        await bench.get()
        assert await middle(bench) == [
            SENT,
            "breaker: opened by this request: status 503",
            "answer: 503 from a",
        ]
        await bench.get()
        (refused,) = await middle(bench)
        assert refused.startswith("breaker: circuit-open: ")
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        bench.move("a", ServiceState.CRASHED)
        bench.serve("a", service.port)
        await bench.get()
        assert (await middle(bench))[:2] == ["breaker: half open: this request tries whether a works again", SENT]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"latency": "1ms"}, ["fault: on demand: 1ms late", SENT, ANSWER]),
        ({"throttle": "1MiB"}, ["fault: on demand: 1MiB/s", SENT, ANSWER]),
        ({"cut": "1B"}, ["fault: on demand: cut after 1B", SENT, "answer: broken off by the fault on demand"]),
        ({"status": 500, "share": 1e-9}, ["fault: spared this time: 500 for 1e-07 %", SENT, ANSWER]),
    ],
)
async def test_faults(fault: dict[str, Any], said: list[str]):
    async with scripted(answering(OK)) as service, gateway({"a": service}, routes=routes(fault=fault)) as bench:
        try:
            await bench.get()
        except Truncated:
            assert "cut" in fault
        assert await middle(bench) == said


async def test_upgrades():
    async with echo() as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send((SHAKE % b"").replace(b"HOST", bench.host))
        await client.head()
        client.reset()
        assert await told(bench) == [NO_ORIGIN, ROUTE, SENT, "answer: 101 from a, until the client ended it"]
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        await bench.ask(SHAKE % b"")
        assert await middle(bench) == [SENT, "answer: 200 from a, which did not upgrade"]


async def test_an_answer_that_comes_before_the_request_is_whole():
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.read(3)
        peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        await bench.ask(b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1000\r\n\r\nabc")
        assert await middle(bench) == [
            SENT,
            "request: a answered before it had the whole request, 3 bytes of whose body had come",
            "answer: 413 from a",
        ]


async def test_sides_and_what_keeps_a_client_there():
    async with (
        scripted(answering(OK)) as service,
        gateway({"a": service, "b": service}, routes=routes(split={"b": 50}, sticky={"header": "x-me"})) as bench,
    ):
        first = await bench.get()
        assert (await middle(bench))[0] == "split: a, whose turn it was: a 50 %, b 50 %"
        await bench.get(cookie=first["set-cookie"].partition(";")[0])
        assert (await middle(bench))[0] == "split: a, as its cookie says"
        await bench.get(x_me="1")
        assert (await middle(bench))[0].endswith(", by its header x-me")


async def test_somebody_else_answers():
    keys = {"fallback": {"services": ["b"], "answer": {"status": 200, "body": "x"}}}
    async with scripted(answering(OK)) as service, gateway({"a": None, "b": service}, routes=routes(**keys)) as bench:
        await bench.get()
        why = "fallback: because of stopped: a is stopped."
        assert await middle(bench) == [
            why,
            "fallback: peer: b is asked instead",
            "attempt: sent to b #0",
            "answer: 200 from b",
        ]
        bench.move("b", ServiceState.STOPPED)
        await bench.get()
        assert await middle(bench) == [
            why,
            "fallback: static: the answer in the profile was given",
            "answer: 200 from devgate",
        ]


async def test_compression():
    plain = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3000\r\n\r\n" + b"x" * 3000
    async with (
        scripted(in_turn(plain, plain, OK)) as service,
        gateway({"a": service}, routes=routes(compress=True)) as bench,
    ):
        await bench.get(accept_encoding="gzip")
        assert await middle(bench) == [SENT, "compress: gzip", ANSWER]
        await bench.get(accept_encoding="identity")
        assert (await middle(bench))[1].startswith("compress: not: the client takes none of gzip")
        await bench.get(accept_encoding="gzip")
        assert (await middle(bench))[1] == "compress: not: smaller than 1KiB"


async def test_what_ends_too_early_or_is_too_large():
    async def dying(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")

    async with scripted(dying) as service, gateway({"a": service}) as bench:
        with pytest.raises(Truncated):
            await bench.get()
        assert await middle(bench) == [SENT, "answer: the service broke off in the middle of its answer"]
    async with gateway({"a": None}, max_body="2B") as bench:
        await bench.get(method="POST", body=b"xxx")
        (refused,) = await middle(bench)
        assert refused.startswith("request: body-too-large: ")
