"""Hostile bytes from both sides, many and seeded: whatever comes, it is answered or the connection ends, and nothing is left."""

import asyncio
import random

import pytest

from tests.deadline import DEADLINE_S
from tests.gateway.harness import OK, gateway
from tests.upstreams import Peer, answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

REQUESTS = [
    b"GET /a?b HTTP/1.1\r\nHost: HOST\r\nOrigin: http://localhost:1420\r\nConnection: keep-alive\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\n\r\nhello",
    b"PUT /a HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"OPTIONS /a HTTP/1.1\r\nHost: HOST\r\nOrigin: tauri://localhost\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n\x81\x80abcd",
]
RESPONSES = [
    OK,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00",
]
SPICE = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b":",
    b"%00",
    b"..",
    b"\xff",
    b"0",
    b"chunked",
    b"Content-Length: 3\r\n",
    b"\r\n\r\n",
]


def spoiled(data: bytes, draw: random.Random) -> bytes:
    """`data` with a few bytes changed, cut out, doubled or put in."""
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data) + 1)
        to = min(len(data), at + draw.randint(0, 8))
        middle = draw.choice([b"", data[at:to] * 2, draw.choice(SPICE), bytes([draw.randrange(256)])])
        data = data[:at] + middle + data[to:]
    return data


@pytest.mark.parametrize("seed", range(4))
async def test_clients_that_send_nonsense(seed: int):
    draw = random.Random(seed)
    async with scripted(answering(OK)) as service, gateway({"a": service}, timeouts={"idle": "300ms"}) as bench:

        async def one() -> None:
            client = await bench.connect()
            request = spoiled(draw.choice(REQUESTS).replace(b"HOST", bench.host), draw)
            for piece in (request[: draw.randrange(len(request) + 1)], request):
                client.send(piece)
                await asyncio.sleep(0)
            client.writer.write_eof()
            assert not (await client.closed()).startswith(b"HTTP/1.1 500")

        for _ in range(10):
            await asyncio.gather(*(one() for _ in range(10)))
        assert (await bench.get("/")).status == 200
        await bench.until(lambda: bench.gateway.traffic().in_flight == 0)
        assert bench.entry().instances[0].in_flight == 0


@pytest.mark.parametrize("seed", range(4))
async def test_services_that_answer_nonsense(seed: int):
    draw = random.Random(seed)

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(spoiled(draw.choice(RESPONSES), draw))
        if draw.random() < 0.8:
            peer.end()
        await peer.rest()

    breaker = {"enabled": False}
    timeouts = {"idle": "300ms", "response": "300ms"}
    specs = {"a": {"breaker": breaker}}
    async with (
        scripted(script) as service,
        gateway({"a": service}, managed=False, specs=specs, timeouts=timeouts) as bench,
    ):

        async def one() -> None:
            client = await bench.connect()
            client.send(draw.choice(REQUESTS[:1] + REQUESTS[-1:]).replace(b"HOST", bench.host))
            try:
                async with asyncio.timeout(0.6):
                    data = await client.reader.read(1 << 16)
            except (TimeoutError, ConnectionError):
                data = b""
            client.reset()
            assert data == b"" or data.startswith(b"HTTP/1.1 ")
            assert not data.startswith(b"HTTP/1.1 500")

        for _ in range(6):
            await asyncio.gather(*(one() for _ in range(10)))
        async with asyncio.timeout(DEADLINE_S):
            await bench.until(lambda: bench.gateway.traffic().in_flight == 0)
        assert bench.entry().instances[0].in_flight == 0
