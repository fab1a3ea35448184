"""The cache as clients and services see it, on real sockets (RFC 9111, RFC 9211)."""

import asyncio
from typing import Any

import pytest

from devgate.model.status import ServiceState
from tests.gateway.harness import PAGE, Bench, gateway
from tests.upstreams import Peer, Script, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")


class Service:
    """Answers with what `say` gives for a request's number and head, and keeps the heads."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers
        self.heads: list[bytes] = []
        self.gate: asyncio.Event | None = None
        """Answers wait for it."""

    async def script(self, peer: Peer) -> None:
        while True:
            head = await peer.head()
            self.heads.append(head)
            answer = self.answers[min(len(self.heads), len(self.answers)) - 1]
            if self.gate is not None:
                await self.gate.wait()
            peer.send(answer)

    @property
    def asked(self) -> int:
        return len(self.heads)


def says(body: str, *fields: str, status: str = "200 OK") -> bytes:
    lines = "".join(f"{field}\r\n" for field in fields)
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def route(cache: Any = "1m", **keys: Any) -> list[dict[str, Any]]:
    return [{"path": "/*", "cache": cache, **keys}]


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n%b\r\n0\r\n\r\n"
FRESH = "Cache-Control: max-age=60"


async def test_what_is_fresh_is_given_again_without_asking():
    service = Service(says("hello", FRESH, 'ETag: "1"', "X-Own: kept"))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route(cache="true")) as bench:
        first = await bench.get("/x?b=1&a=2")
        assert first["cache-status"] == "devgate; fwd=uri-miss; fwd-status=200; stored"
        assert first["x-cache"] == "MISS"
        assert "age" not in first
        again = await bench.get("/x?b=1&a=2", origin=PAGE)
        assert again.body == b"hello"
        assert again["cache-status"].startswith("devgate; hit; ttl=")
        assert again["x-cache"] == "HIT"
        assert again["age"] == "0"
        assert again["x-own"] == "kept"
        assert again["access-control-allow-origin"] == PAGE
        assert again["x-request-id"] != first["x-request-id"]
        head = await bench.get("/x?b=1&a=2", method="HEAD")
        assert (head["content-length"], head["x-cache"]) == ("5", "HIT")
        assert service.asked == 1
        assert (await bench.get("/x?a=2&b=1"))["x-cache"] == "MISS"  # a query is never sorted
        assert bench.gateway.traffic().total == 4
        page = bench.gateway.requests(limit=10)
        assert [row.status for row in page.rows] == [200] * 4


async def test_what_concerns_one_hop_is_not_kept():
    named = says("hello", FRESH, "A: 1", "B: 2", "Connection: a, keep-alive", 'ETag: "1"')
    confirms = b"HTTP/1.1 304 Not Modified\r\nB: 3\r\nConnection: b\r\nCache-Control: max-age=60\r\n\r\n"
    service = Service(named, confirms)
    async with scripted(service.script) as up, gateway({"a": up}, routes=route(cache="true")) as bench:
        for asks in ({}, {}, {"cache_control": "no-cache"}, {}):
            answer = await bench.get("/x", **asks)
            assert answer.body == b"hello"
            assert "a" not in answer
            assert answer["b"] == "2"
    assert service.asked == 2


async def test_a_chunked_answer_is_kept_and_comes_back_with_its_length():
    chunked = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=9\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    service = Service(chunked)
    async with scripted(service.script) as up, gateway({"a": up}, routes=route()) as bench:
        assert (await bench.get()).body == b"abcde"
        again = await bench.get()
        assert (again.body, again["content-length"], again["x-cache"]) == (b"abcde", "5", "HIT")


@pytest.mark.parametrize(
    ("answer", "request_fields", "cache"),
    [
        (says("x"), {}, "true"),
        (says("x", "Cache-Control: no-store"), {}, "1m"),
        (says("x", "Cache-Control: private, max-age=9"), {}, "1m"),
        (says("x", FRESH, "Set-Cookie: a=b"), {}, "1m"),
        (says("x", FRESH, "Vary: *"), {}, "1m"),
        (says("x", FRESH), {"authorization": "Bearer 1"}, "1m"),
        (says("x", FRESH), {"cookie": "a=b"}, "1m"),
        (says("x", FRESH, status="500 Oops"), {}, "1m"),
        (says("x", FRESH), {"range": "bytes=0-1"}, "1m"),
        (says("x" * 2000, FRESH), {}, {"ttl": "1m", "max_item": "1KiB"}),
        (CHUNKED % (b"x" * 2000), {}, {"ttl": "1m", "max_item": "1KiB"}),
    ],
    ids=["nothing", "no-store", "private", "cookies", "vary", "auth", "cookie", "500", "range", "large", "chunked"],
)  # fmt: skip
async def test_what_must_not_be_kept_is_asked_for_each_time(answer: bytes, request_fields: dict[str, str], cache: Any):
    service = Service(answer)
    async with scripted(service.script) as up, gateway({"a": up}, routes=route(cache)) as bench:
        first = await bench.get(**request_fields)
        second = await bench.get(**request_fields)
        assert service.asked == 2
        assert first.body == second.body
        assert first["x-cache"] == second["x-cache"] != "HIT"
        assert len(bench.gateway._inventory.store) == 0


async def test_nobody_gets_what_was_given_to_somebody_else():
    service = Service(says("anonymous", FRESH), says("ada"), says("ada again"))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route()) as bench:
        assert (await bench.get()).body == b"anonymous"
        assert (await bench.get(cookie="s=ada")).body == b"ada"
        assert (await bench.get(cookie="s=ada")).body == b"ada again"
        assert (await bench.get()).body == b"anonymous"


async def test_per_user_each_has_its_own():
    service = Service(says("ada", "Cache-Control: private, max-age=9"), says("grace", FRESH), says("nobody", FRESH))
    cache = {"authorized": "per-user"}
    async with scripted(service.script) as up, gateway({"a": up}, routes=route(cache)) as bench:
        for _ in range(2):
            assert (await bench.get(authorization="Bearer ada")).body == b"ada"
            assert (await bench.get(authorization="Bearer grace")).body == b"grace"
            assert (await bench.get()).body == b"nobody"
        assert service.asked == 3


async def test_vary_keeps_apart_what_is_different():
    service = Service(says("de", FRESH, "Vary: Accept-Language"), says("en", FRESH, "Vary: Accept-Language"))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route()) as bench:
        assert (await bench.get(accept_language="de")).body == b"de"
        other = await bench.get(accept_language="en")
        assert (other.body, other["cache-status"].split("; ")[1]) == (b"en", "fwd=vary-miss")
        assert (await bench.get(accept_language="de")).body == b"de"
        assert service.asked == 2


async def test_a_client_that_has_it_is_told_so():
    tagged = says("hello", FRESH, 'ETag: "1"', "X-Own: not told")
    service = Service(tagged)
    async with scripted(service.script) as up, gateway({"a": up}, routes=route()) as bench:
        await bench.get()
        same = await bench.get(if_none_match='W/"1", "0"')
        assert (same.status, same["etag"], same["x-cache"]) == (304, '"1"', "HIT")
        assert "content-length" not in same
        assert "x-own" not in same
        assert (await bench.get(if_none_match='"2"')).status == 200
        assert service.asked == 1


async def test_what_is_stale_is_confirmed_by_the_service():
    service = Service(
        says("hello", "Cache-Control: max-age=0", 'ETag: "1"', "X-A: old"),
        b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nCache-Control: max-age=60\r\nX-A: new\r\n\r\n',
    )
    async with scripted(service.script) as up, gateway({"a": up}, routes=route(cache="true")) as bench:
        assert (await bench.get()).body == b"hello"
        again = await bench.get(if_modified_since="Mon, 01 Jan 2035 00:00:00 GMT", x_mine="1")
        assert (again.status, again.body, again["x-a"]) == (200, b"hello", "new")
        assert again["cache-status"].startswith("devgate; fwd=stale; fwd-status=304; stored")
        assert again["x-cache"] == "REVALIDATED"
        assert b'If-None-Match: "1"\r\n' in service.heads[1]
        assert b"if-modified-since" not in service.heads[1].lower()
        assert b"x-mine: 1" in service.heads[1]
        assert (await bench.get())["x-cache"] == "HIT"
        assert service.asked == 2
        assert len(up.peers) == 1


async def test_a_service_that_gives_no_date_has_that_of_its_answers_arrival():
    old = "Date: Wed, 01 Jan 2020 00:00:00 GMT"
    service = Service(
        says("hello", FRESH, 'ETag: "1"', old),
        b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n',
        says("no date", FRESH),
    )
    async with scripted(service.script) as up, gateway({"a": up}, routes=route(cache="true")) as bench:
        assert (await bench.get("/a"))["date"] == old[6:]
        assert (await bench.get("/a"))["x-cache"] == "REVALIDATED"  # six years old
        assert (await bench.get("/a"))["x-cache"] == "HIT"  # confirmed a moment ago, not six years
        first = await bench.get("/b")
        bench.gateway._front._wall = lambda: 0.0  # type: ignore[union-attr]
        again = await bench.get("/b")
        assert (again["x-cache"], again["date"]) == ("HIT", first["date"])


async def test_what_is_stale_and_has_changed_is_replaced():
    service = Service(says("old", "Cache-Control: no-cache", 'ETag: "1"'), says("new", FRESH, 'ETag: "2"'))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route()) as bench:
        assert (await bench.get()).body == b"old"
        assert (await bench.get()).body == b"new"
        assert (await bench.get()).body == b"new"
        assert service.asked == 2


@pytest.mark.parametrize("asks", ["no-cache", "max-age=0"])
async def test_a_client_may_insist(asks: str):
    service = Service(says("1", FRESH), says("2", FRESH))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route()) as bench:
        await bench.get()
        if asks == "max-age=0":
            await asyncio.sleep(0.01)
        again = await bench.get(cache_control=asks)
        assert (again.body, again["cache-status"].split("; ")[1]) == (b"2", "fwd=request")
        assert (await bench.get()).body == b"2"


async def test_only_what_is_kept_was_asked_for():
    service = Service(says("1", FRESH))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route()) as bench:
        assert (await bench.get(cache_control="only-if-cached")).problem["code"] == "not-kept"
        await bench.get()
        assert (await bench.get(cache_control="only-if-cached")).body == b"1"
        assert service.asked == 1


async def test_force_ttl_overrules_the_answer_and_says_so():
    service = Service(says("1", "Cache-Control: no-cache, max-age=0"))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route({"force_ttl": "1h"})) as bench:
        await bench.get()
        assert (await bench.get())["cache-status"].endswith('; detail="force_ttl"')
        assert service.asked == 1


@pytest.mark.parametrize("place", ["/list", "/list#new", "http://HOST/list"])
async def test_an_unsafe_request_forgets_what_it_changes_also_by_another_route(place: str):
    created = says("", f"Location: {place}", status="201 Created")
    service = Service(says("old", FRESH), says("list", FRESH), created, says("new", FRESH), says("list 2", FRESH))
    routes = [{"path": "/*", "cache": "1m", "methods": ["GET"]}, {"path": "/x", "methods": ["POST"]}]
    async with scripted(service.script) as up, gateway({"a": up}, routes=routes) as bench:
        service.answers = tuple(answer.replace(b"HOST", b"127.0.0.1:%d" % up.port) for answer in service.answers)
        assert (await bench.get("/x")).body == b"old"
        assert (await bench.get("/list")).body == b"list"
        assert (await bench.get("/x", method="POST")).status == 201
        assert (await bench.get("/x")).body == b"new"
        assert (await bench.get("/list")).body == b"list 2"


async def test_an_unsafe_request_that_fails_changes_nothing():
    service = Service(says("old", FRESH), says("", status="409 Conflict"))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route()) as bench:
        await bench.get()
        assert (await bench.get(method="DELETE")).status == 409
        assert (await bench.get()).body == b"old"
        assert service.asked == 2


# Errors


def falling(*, reset: bool) -> Script:
    """Answers once, and fails ever after."""
    count = 0

    async def script(peer: Peer) -> None:
        nonlocal count
        while True:
            await peer.head()
            count += 1
            if count == 1:
                peer.send(says("kept", "Cache-Control: max-age=0"))
            elif reset:
                peer.reset()
                return
            else:
                peer.send(says("oops", status="503 Oops"))

    return script


@pytest.mark.parametrize("how", ["reset", "503", "stopped"])
async def test_a_kept_answer_stands_in_for_an_error(how: str):
    cache = {"stale_if_error": "1h"}
    async with (
        scripted(falling(reset=how == "reset")) as up,
        gateway({"a": up}, routes=route(cache, hold="0s"), managed=how == "stopped") as bench,
    ):
        assert (await bench.get()).body == b"kept"
        if how == "stopped":
            bench.move("a", ServiceState.STOPPED)
        for _ in range(8):  # also with an open breaker
            stale = await bench.get()
            assert (stale.status, stale.body, stale["x-cache"]) == (200, b"kept", "STALE")
            assert stale["x-devgate-fallback"] == "stale"
            assert stale["proxy-status"].endswith('; details="fallback stale"')
            assert 'detail="stale-if-error"' in stale["cache-status"]
        assert (await bench.get("/other")).status in (502, 503)


async def test_what_has_to_be_confirmed_each_time_stands_in_for_nothing():
    service = Service(says("kept", "Cache-Control: no-cache, max-age=60", 'ETag: "1"'), says("oops", status="503 Oops"))
    cache = {"stale_if_error": "1h"}
    async with scripted(service.script) as up, gateway({"a": up}, routes=route(cache), managed=False) as bench:
        assert (await bench.get()).body == b"kept"
        assert (await bench.get()).status == 503


async def test_without_leave_no_stale_answer_is_given():
    async with scripted(falling(reset=False)) as up, gateway({"a": up}, routes=route("true")) as bench:
        assert (await bench.get()).body == b"kept"
        assert (await bench.get()).status == 503


async def test_an_answer_that_breaks_off_is_not_kept():
    async def script(peer: Peer) -> None:
        await peer.head()
        if peer.number == 0:
            peer.send(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nabc")
            await peer.flush()
            peer.reset()
            return
        peer.send(says("whole", FRESH))
        await peer.rest()

    async with scripted(script) as up, gateway({"a": up}, routes=route()) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        await client.closed()
        assert (await bench.get()).body == b"whole"


async def test_what_an_earlier_run_said_is_not_fresh():
    service = Service(says("old code", FRESH), says("new code", FRESH))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route()) as bench:
        assert (await bench.get()).body == b"old code"
        bench.serve("a", up.port)
        assert (await bench.get()).body == b"new code"
        assert (await bench.get())["x-cache"] == "HIT"


# Together


async def waiting(bench: Bench, count: int, path: str = "/") -> list[asyncio.Task[Any]]:
    return [asyncio.ensure_future(bench.get(path)) for _ in range(count)]


async def test_requests_for_the_same_thing_ask_once():
    service = Service(says("one", FRESH))
    service.gate = asyncio.Event()
    async with scripted(service.script) as up, gateway({"a": up}, routes=route()) as bench:
        asking = await waiting(bench, 20)
        await bench.until(lambda: service.asked and bench.gateway.seq >= 20)
        await asyncio.sleep(0.05)
        assert service.asked == 1
        service.gate.set()
        answers = await asyncio.gather(*asking)
        assert {answer.body for answer in answers} == {b"one"}
        assert service.asked == 1
        assert len(bench.gateway._inventory.flights) == 0


async def test_who_waits_goes_himself_where_the_answer_cannot_be_kept():
    service = Service(says("one", "Cache-Control: no-store"))
    service.gate = asyncio.Event()
    async with scripted(service.script) as up, gateway({"a": up}, routes=route()) as bench:
        asking = await waiting(bench, 10)
        await bench.until(lambda: service.asked == 1 and bench.gateway.seq >= 10)
        service.gate.set()
        await asyncio.gather(*asking)
        assert service.asked == 10
        service.gate.clear()
        asking = await waiting(bench, 5)
        await bench.until(lambda: service.asked == 15)  # now nobody waits for anybody
        service.gate.set()
        await asyncio.gather(*asking)


async def test_if_the_one_who_asks_leaves_another_one_asks():
    service = Service(says("one", FRESH))
    service.gate = asyncio.Event()
    async with scripted(service.script) as up, gateway({"a": up}, routes=route()) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        await bench.until(lambda: service.asked == 1)
        asking = await waiting(bench, 3)
        await bench.until(lambda: bench.gateway.seq >= 4)
        client.reset()
        await bench.until(lambda: service.asked >= 2)
        service.gate.set()
        assert {answer.body for answer in await asyncio.gather(*asking)} == {b"one"}
        assert len(bench.gateway._inventory.flights) == 0


# The gateway


async def test_the_memory_is_bounded_and_can_be_emptied():
    service = Service(says("x" * 10_000, FRESH))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route(), cache_memory="64KiB") as bench:
        for number in range(20):
            await bench.get(f"/{number}")
        store = bench.gateway._inventory.store
        assert 3 <= len(store) <= 6
        assert store.size <= 64 * 1024
        assert bench.gateway.clear_cache("/19") == 1
        left = len(store)
        assert bench.gateway.clear_cache() == left
        assert (len(store), store.size) == (0, 0)


async def test_a_route_that_was_written_anew_keeps_nothing():
    service = Service(says("x", FRESH))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route()) as bench:
        await bench.get()
        bench.gateway.apply(bench.profile)
        assert (await bench.get())["x-cache"] == "HIT"
        changed = bench.profile.routes[0].model_copy(update={"cache": None})
        bench.gateway.apply(bench.profile.model_copy(update={"routes": (changed,)}))
        assert len(bench.gateway._inventory.store) == 0
        assert "x-cache" not in await bench.get()
