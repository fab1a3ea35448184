"""Everything at once, seeded: whatever services do and clients want, each request is answered or broken off; nothing is left."""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from tests.gateway.harness import Bench, Truncated, gateway
from tests.upstreams import Peer, Script, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

KEPT = b'HTTP/1.1 200 OK\r\nCache-Control: max-age=0\r\nETag: "1"\r\nContent-Length: 5\r\n\r\nhello'
ANSWERS = (
    KEPT,
    KEPT,
    b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 4\r\n\r\nbusy",
    b"HTTP/1.1 502 Bad\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000,
    b"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nContent-Le",
    b"nonsense\r\n\r\n",
    b"",
)  # fmt: skip


def moody(draw: random.Random) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            answer = draw.choice(ANSWERS)
            if draw.random() < 0.1:
                await asyncio.sleep(draw.random() * 0.1)
            peer.send(answer)
            await peer.flush()
            if answer not in ANSWERS[:6]:
                if draw.random() < 0.5:
                    peer.reset()
                else:
                    peer.close()
                return

    return script


async def ask(bench: Bench, draw: random.Random, found: Counter[int]) -> None:
    method = draw.choice(["GET", "GET", "GET", "HEAD", "POST", "PUT"])
    path = f"/{draw.randrange(4)}"
    body = b"x" * draw.choice([0, 10, 100_000]) if method in ("POST", "PUT") else b""
    headers = draw.choice([b"", b"Cookie: v=a.1\r\n", b"If-None-Match: \"1\"\r\n", b"Cache-Control: no-cache\r\n"])  # fmt: skip
    head = f"{method} {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\nHost: ".encode() + bench.host + b"\r\n"
    client = await bench.connect()
    client.send(head + headers + b"\r\n" + body)
    if draw.random() < 0.1:
        await asyncio.sleep(draw.random() * 0.05)
        client.reset()
        return
    try:
        found[(await client.answer(method)).status] += 1
    except Truncated:
        found[0] += 1
    client.reset()


@pytest.mark.parametrize("seed", range(4))
async def test_everything_at_once(seed: int):
    draw = random.Random(seed)
    keys = {
        "retry": {"attempts": 2, "per_try": "80ms", "pause": "1ms"},
        "hedge": "20ms",
        "sticky": "v",
        "split": {"b": 30},
        "cache": {"ttl": "1s", "stale_if_error": "1h"},
        "fallback": {"services": ["b"], "answer": {"body": "sorry"}},
        "timeout": "300ms",
        "hold": "100ms",
    }
    found: Counter[int] = Counter()
    async with AsyncExitStack() as stack:
        one, two, three = [await stack.enter_async_context(scripted(moody(draw))) for _ in range(3)]
        routes = [{"path": "/*", **keys}]
        bench = await stack.enter_async_context(gateway({"a": one, "b": three}, replicas=2, routes=routes))
        bench.serve("a", two.port, 1)
        bench.serve("b", three.port, 1)
        for _ in range(8):
            async with asyncio.TaskGroup() as group:
                for _ in range(25):
                    group.create_task(ask(bench, draw, found))
        instances = [instance for name in "ab" for instance in bench.entry(name).instances]
        await bench.until(lambda: not any(instance.in_flight for instance in instances))
        backends = bench.gateway._inventory.backends.values()
        await bench.until(lambda: not any(backend.budget.spent for backend in backends))
        await bench.until(lambda: not len(bench.gateway._inventory.flights))
        assert bench.gateway.traffic().held == bench.gateway.traffic().in_flight == 0
        assert found[200] > 50
        assert found[500] == 0
