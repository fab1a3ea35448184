"""Hostile bytes from both sides, many and seeded: whatever comes, it is answered or the connection ends, and nothing is left."""

import asyncio
import random
import re

import pytest

from tests.deadline import DEADLINE_S
from tests.gateway.harness import OK, Answer, gateway
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


TARGETS = (
    b"/api/x /api/x /api/x?q /v1/a%2Fb /v1// /p/users /nope /api/../x http://HOST/api/y http://evil.test/api/y /r/aba/z ~ * "
    b"/health /_devgate/x //api//x /api;x=1/y /%61pi/x /api/x#f /q.x /api/%5c"
).split()
FIELDS = [
    b"",
    b"",
    b"Origin: http://localhost:1420\r\n",
    b"Origin: http://evil.test\r\n",
    b"Origin: null\r\n",
    b"Origin: \xff\r\n",
    b"Origin: http://localhost:1420\r\nAccess-Control-Request-Method: PUT\r\n",
    b"Connection: X-A, ,\xff\r\nX-A: 1\r\n",
    b"X-A: 1\r\nX_A: 1\r\n",
    b"Connection: Authorization, Origin, Host, Via\r\nAuthorization: t\r\n",
    b"Max-Forwards: 0\r\nVia: 1.1 x\r\nTE: trailers\r\n",
    b"X-Version: 2\r\n",
]
HOSTS = [b"HOST"] * 8 + [b"a.localhost", b"evil.test", b"", b"localhost:0", b"\xff", b"[::1", b"HOST, HOST"]
BODIES = [
    b"\r\n",
    b"Content-Length: 3\r\n\r\nabc",
    b"Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
]


async def mirroring(peer: Peer) -> None:
    """Answers with the head as it came, but for its id, and the body."""
    while True:
        head = await peer.head()
        seen = re.sub(rb"X-Request-ID: [^\r]*\r\n", b"", head)
        if b"\r\nTransfer-Encoding: chunked\r\n" in head:
            while size := int((await peer.line())[:-2], 16):
                seen += (await peer.read(size + 2))[:-2]
            while (line := await peer.line()) != b"\r\n":
                seen += line
        elif b"\r\nContent-Length: 3\r\n" in head:
            seen += await peer.read(3)
        body = b"" if head.startswith(b"HEAD ") else seen
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(seen), body))


def told(answer: Answer) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """What an answer says, whoever gets it and when."""
    passing = {b"date", b"x-request-id", b"connection", *([b"content-length"] if answer.status != 200 else [])}
    fields = [field for field in answer.fields if field[0] not in passing]
    return answer.status, fields, re.sub(rb'"(request_id|timestamp)": "[^"]*"', b"", answer.body)


@pytest.mark.parametrize("seed", range(4))
async def test_a_request_means_the_same_on_a_connection_of_its_own_and_behind_others(seed: int):
    """What is remembered of a connection and of request lines changes nothing."""
    draw = random.Random(seed)
    routes = [
        {"path": "/api/*"},
        {"path": "/api/*", "headers": {"X-Version": "2"}, "strip_prefix": True},
        {"path": "/v1", "strip_prefix": True},
        {"path": "/*/users", "methods": ["GET"]},
        {"path": "~/[^/]+/(a|b)+/.*", "priority": 1},
        {"path": "~/.*[.]x", "methods": ["GET", "POST"]},
        {"path": "/health-check", "hosts": ["*.localhost"]},
    ]
    async with scripted(mirroring) as service, gateway({"a": service}, routes=routes) as bench:
        shared = None
        for _ in range(150):
            method = draw.choice(["GET"] * 6 + ["HEAD", "POST", "OPTIONS", "PUT", "TRACE"])
            body = draw.choice(BODIES) if method in ("POST", "PUT") else BODIES[0]
            head = b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (method.encode(), draw.choice(TARGETS), draw.choice(HOSTS))
            request = (head + draw.choice(FIELDS) + draw.choice(FIELDS) + body).replace(b"HOST", bench.host)
            alone = await bench.ask(request, method)
            shared = shared or await bench.connect()
            cut = draw.choice([0, draw.randrange(len(request))])
            shared.send(request[:cut])
            await asyncio.sleep(0)
            shared.send(request[cut:])
            behind = await shared.answer(method)
            assert told(behind) == told(alone), request
            assert alone.status < 500
            if "close" in behind.all("connection"):
                shared = None
