"""The cache and retries beside the rest of what a route may want: faults, limits, changed headers, compression."""

import gzip
from typing import Any

import pytest

from tests.gateway.cache.test_visit import FRESH, Service, route, says
from tests.gateway.harness import Answer, Bench, Truncated, gateway
from tests.upstreams import scripted

pytestmark = pytest.mark.usefixtures("nothing_left")


async def twice(bench: Bench, **headers: str) -> tuple[Answer, Answer]:
    return await bench.get(**headers), await bench.get(**headers)


async def test_a_kept_answer_is_late_as_well():
    service = Service(says("x", FRESH))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route(fault={"latency": "80ms"})) as bench:
        _, again = await twice(bench)
        assert again["x-cache"] == "HIT"
        assert bench.gateway.requests().rows[-1].duration_ms >= 75
        assert service.asked == 1


async def test_a_fault_in_place_of_the_answer_is_not_kept():
    service = Service(says("x", FRESH))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route(fault={"status": 503})) as bench:
        first, again = await twice(bench)
        assert (first.status, again.status, len(bench.gateway._inventory.store)) == (503, 503, 0)


async def test_what_a_fault_cuts_is_not_kept():
    service = Service(says("x" * 4000, FRESH))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route(fault={"cut": "1KiB"})) as bench:
        with pytest.raises(Truncated):
            await bench.get()
        assert len(bench.gateway._inventory.store) == 0


async def test_what_is_compressed_is_kept_so_and_plain_for_those_who_want_it_plain():
    text = "hello " * 1000
    service = Service(says(text, FRESH, "Content-Type: text/plain", 'ETag: "1"'))
    async with scripted(service.script) as up, gateway({"a": up}, routes=route(compress=True)) as bench:
        for _ in range(2):
            for answer in await twice(bench, accept_encoding="gzip"):
                assert gzip.decompress(answer.body) == text.encode()
                assert "Accept-Encoding" in answer.all("vary")
            for answer in await twice(bench):
                assert answer.body == text.encode()
        assert service.asked == 2


async def test_what_is_told_of_limits_is_of_this_request():
    service = Service(says("x", FRESH))
    limits = {"rules": [{"by": "ip", "limit": 10, "window": "1h"}]}
    async with scripted(service.script) as up, gateway({"a": up}, routes=route(), limits=limits) as bench:
        first, again = await twice(bench)
        assert again["x-cache"] == "HIT"
        assert [one["x-ratelimit-remaining"] for one in (first, again)] == ["9", "8"]


@pytest.mark.parametrize("keys", [{}, {"fault": {"latency": "1ms"}}], ids=["gates", "steps"])
async def test_changed_headers_stay_changed(keys: dict[str, Any]):
    service = Service(says("", status="503 Busy"), says("x", FRESH, "X-Gone: 1", "Set-Cookie: a=b"))
    edits = {
        "request_headers": {"set": {"X-To": "service"}},
        "response_headers": {"set": {"X-To": "client"}, "remove": ["X-Gone"]},
    }
    async with (
        scripted(service.script) as up,
        gateway({"a": up}, routes=route(retry="1", sticky="v", **edits, **keys)) as bench,
    ):
        answer = await bench.get()
        assert (answer.status, answer["x-to"], service.asked) == (200, "client", 2)
        assert "x-gone" not in answer
        assert answer.all("set-cookie") == ["a=b", "v=a.0; Path=/; HttpOnly; SameSite=Lax"]
        assert all(b"X-To: service\r\n" in head for head in service.heads)


async def test_the_answer_of_the_profile_is_told_of_limits_too():
    limits = {"rules": [{"by": "ip", "limit": 10, "window": "1h"}]}
    routes = [{"path": "/*", "fallback": {"answer": {"body": "sorry"}}, "hold": "0s", "security_headers": False}]
    async with gateway({"a": None}, routes=routes, limits=limits) as bench:
        answer = await bench.get()
        assert (answer.body, answer["x-ratelimit-remaining"]) == (b"sorry", "9")
        assert "x-frame-options" not in answer
