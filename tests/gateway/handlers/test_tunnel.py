"""WebSockets through the gateway: aiohttp's client and server as oracles, raw bytes where they hide things."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from devgate.gateway.frames import close_frame
from devgate.model.status import ServiceState
from tests.deadline import DEADLINE_S
from tests.gateway.harness import OK, PAGE, Bench, gateway
from tests.upstreams import Peer, Upstream, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

SHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: HOST\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%b\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)


@asynccontextmanager
async def echo() -> AsyncIterator[Upstream]:
    """Says back what it is told; `close 4001 bye` closes so; subprotocols b and c."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(protocols=("c", "b"), max_msg_size=0, timeout=0.1)
        await ws.prepare(request)
        async for message in ws:
            if message.type is WSMsgType.TEXT and message.data.startswith("close "):
                _, code, reason = message.data.split(" ", 2)
                await ws.close(code=int(code), message=reason.encode())
            elif message.type is WSMsgType.TEXT:
                await ws.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await ws.send_bytes(message.data)
        codes.append(ws.close_code)
        return ws

    codes: list[int | None] = []
    app = web.Application()
    app.router.add_get("/{tail:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    await web.SockSite(runner, sock).start()
    upstream = Upstream(sock.getsockname()[1])
    upstream.peers = codes  # type: ignore[assignment]
    try:
        yield upstream
    finally:
        await runner.cleanup()


@asynccontextmanager
async def dialled(bench: Bench, **options: object) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        asyncio.timeout(DEADLINE_S),
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{bench.port}/ws", max_msg_size=0, **options) as ws,  # type: ignore[arg-type]
    ):
        yield ws


async def test_messages_of_any_size_and_kind_come_back():
    async with echo() as service, gateway({"a": service}) as bench, dialled(bench) as ws:
        for size in (0, 1, 125, 126, 65_535, 65_536, 5_000_000):
            await ws.send_bytes(b"x" * size)
            assert (await ws.receive()).data == b"x" * size
        await ws.send_str("grüße")
        assert (await ws.receive()).data == "grüße"


async def test_pings_pass():
    async with echo() as service, gateway({"a": service}) as bench, dialled(bench, autoping=False) as ws:
        await ws.ping(b"hello")
        message = await ws.receive()
        assert (message.type, message.data) == (WSMsgType.PONG, b"hello")


async def test_compressed_messages_pass():
    async with echo() as service, gateway({"a": service}) as bench, dialled(bench, compress=15) as ws:
        assert ws.compress
        await ws.send_str("a" * 10_000)
        assert (await ws.receive()).data == "a" * 10_000


async def test_the_subprotocol_is_agreed_upon_end_to_end():
    async with echo() as service, gateway({"a": service}) as bench, dialled(bench, protocols=("a", "b")) as ws:
        assert ws.protocol == "b"


async def test_a_close_from_the_service_arrives_with_code_and_reason():
    async with echo() as service, gateway({"a": service}) as bench, dialled(bench, autoclose=False) as ws:
        await ws.send_str("close 4001 bye")
        message = await ws.receive()
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4001, "bye")


async def test_a_close_from_the_client_arrives_with_its_code():
    async with echo() as service, gateway({"a": service}) as bench:
        async with dialled(bench) as ws:
            await ws.close(code=4002, message=b"enough")
        await bench.until(lambda: service.peers)
        assert service.peers == [4002]
        await bench.until(lambda: bench.gateway.requests().total)
        row = bench.gateway.requests().rows[0]
        assert (row.status, row.kind) == (101, "websocket")


async def test_many_messages_in_flight_keep_their_order():
    async with echo() as service, gateway({"a": service}) as bench, dialled(bench) as ws:
        count, size = 300, 20_000

        async def send() -> None:
            for number in range(count):
                await ws.send_bytes(number.to_bytes(4, "big") + b"x" * size)

        sending = asyncio.create_task(send())
        for number in range(count):
            assert (await ws.receive()).data[:4] == number.to_bytes(4, "big")
        await sending


# The handshake, in bytes


async def test_the_handshake_passes_with_its_fields_and_what_came_right_behind_it():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(SWITCH + b"X-More: 1\r\nSet-Cookie: a=b\r\n\r\nhello")
        assert await peer.read(5) == b"early"
        peer.send(b"again")
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        origin = b"Origin: %b\r\nSec-WebSocket-Protocol: x, y\r\nSec-WebSocket-Extensions: z\r\n" % PAGE.encode()
        client.send((SHAKE % origin).replace(b"HOST", bench.host) + b"early")
        answer = await client.answer()
        assert answer.status == 101
        assert (answer["x-more"], answer["set-cookie"], answer["upgrade"]) == ("1", "a=b", "websocket")
        assert answer["connection"] == "Upgrade"
        assert answer["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        async with asyncio.timeout(DEADLINE_S):
            assert await client.reader.readexactly(10) == b"helloagain"
        head = bytes(service.peers[0].received)
        for line in (
            b"Origin: " + PAGE.encode(),
            b"Upgrade: websocket",
            b"Sec-WebSocket-Protocol: x, y",
            b"Connection: Upgrade",
        ):
            assert line + b"\r\n" in head


async def test_much_may_come_right_behind_the_handshake():
    async def script(peer: Peer) -> None:
        await peer.head()
        await go_on.wait()
        peer.send(SWITCH + b"\r\n")
        peer.send(await peer.read(size))
        await peer.rest()

    go_on, size = asyncio.Event(), 3_000_000
    async with scripted(script, limit=2**23) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send((SHAKE % b"").replace(b"HOST", bench.host) + b"x" * size)
        await bench.until(lambda: service.peers)
        go_on.set()
        assert (await client.answer()).status == 101
        async with asyncio.timeout(DEADLINE_S):
            assert await client.reader.readexactly(size) == b"x" * size


async def test_a_refused_handshake_is_relayed_whole():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 401 Who Are You\r\nWWW-Authenticate: Bearer\r\nContent-Length: 5\r\n\r\nlogin")
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        answer = await bench.ask(SHAKE % b"")
        assert (answer.status, answer.reason, answer.body) == (401, b"Who Are You", b"login")
        assert answer["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "answer_bytes",
    [b"HTTP/1.1 101 Switching Protocols\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"],
)
async def test_a_switch_to_nothing_is_a_502(answer_bytes: bytes):
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(answer_bytes)
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        answer = await bench.ask(SHAKE % b"")
        assert (answer.status, answer.problem["code"]) == (502, "upgrade-failed")


async def test_a_foreign_page_opens_no_websocket():
    async with echo() as service, gateway({"a": service}) as bench:
        answer = await bench.ask(SHAKE % b"Origin: http://evil.test\r\n")
        assert (answer.status, answer.problem["code"]) == (403, "origin-not-allowed")
        assert "access-control-allow-origin" not in answer
        rebound = await bench.ask((SHAKE % b"").replace(b"Host: HOST", b"Host: evil.test"))
        assert rebound.problem["code"] == "host-not-allowed"


async def test_a_service_that_is_down_refuses_the_handshake_readably():
    async with gateway({"a": None}) as bench:
        answer = await bench.ask(SHAKE % b"Origin: %b\r\n" % PAGE.encode())
        assert (answer.status, answer.problem["code"]) == (503, "stopped")
        assert answer["access-control-allow-origin"] == PAGE


# Ends


async def test_a_client_that_vanishes_ends_the_services_side():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(SWITCH + b"\r\n")
        await peer.rest()
        ended.set()

    ended = asyncio.Event()
    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send((SHAKE % b"").replace(b"HOST", bench.host))
        assert (await client.answer()).status == 101
        client.reset()
        async with asyncio.timeout(DEADLINE_S):
            await ended.wait()


@pytest.mark.parametrize("reset", [True, False])
async def test_a_service_that_vanishes_ends_the_clients_side(reset: bool):
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(SWITCH + b"\r\n")
        await peer.read(1)
        peer.reset() if reset else peer.close()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send((SHAKE % b"").replace(b"HOST", bench.host))
        await client.answer()
        client.send(b"x")
        assert await client.closed() == b""
        await bench.until(lambda: bench.entry().instances[0].in_flight == 0)


@pytest.mark.parametrize("stopping", [False, True])
async def test_a_websocket_is_told_when_its_service_stops(stopping: bool):
    async with echo() as service, gateway({"a": service}) as bench, dialled(bench, autoclose=False) as ws:
        await ws.send_str("hi")
        await ws.receive()
        if stopping:
            bench.gateway.drain()
        draining = asyncio.create_task(bench.directory.drain(bench.entry().instances[0], DEADLINE_S))
        message = await ws.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1001 if stopping else 1012)
        await ws.close()
        assert await draining == 0


async def test_closing_the_gateway_says_goodbye():
    async with echo() as service, gateway({"a": service}) as bench, dialled(bench, autoclose=False) as ws:
        await ws.send_str("hi")
        await ws.receive()
        closing = asyncio.create_task(bench.gateway.aclose(5))
        message = await ws.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)
        await ws.close()
        await closing


async def test_a_client_that_does_not_answer_the_goodbye_is_cut_off():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(SWITCH + b"\r\n")
        got.extend(await peer.rest())

    got = bytearray()
    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send((SHAKE % b"").replace(b"HOST", bench.host))
        await client.answer()
        assert await bench.directory.drain(bench.entry().instances[0], DEADLINE_S) == 0
        assert await client.closed() == close_frame(1012, "the service restarts")
        await bench.until(lambda: got)
        assert got[0] == 0x88
        assert got[1] & 0x80, "a client has to mask its frames"


async def test_no_goodbye_is_put_inside_a_frame():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(SWITCH + b"\r\n\x82\x7eab")  # the head of a large message, and no more
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send((SHAKE % b"").replace(b"HOST", bench.host))
        await client.answer()
        async with asyncio.timeout(DEADLINE_S):
            await client.reader.readexactly(4)
        await bench.directory.drain(bench.entry().instances[0], DEADLINE_S)
        assert await client.closed() == b""


async def test_an_upgrade_to_something_else_is_declined_by_not_passing_it_on():
    async def script(peer: Peer) -> None:
        assert b"upgrade" not in (await peer.head()).lower()
        peer.send(OK)

    async with scripted(script) as service, gateway({"a": service}) as bench:
        answer = await bench.ask(
            b"GET / HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n"
        )
        assert (answer.status, answer.body) == (200, b"ok")


async def test_a_held_handshake_succeeds_when_the_service_comes():
    async with echo() as service, gateway({"a": None}) as bench:
        bench.move("a", ServiceState.STARTING)

        async def come() -> None:
            await bench.until(lambda: bench.gateway.service_traffic("a").held == 1)
            bench.serve("a", service.port)

        coming = asyncio.create_task(come())
        async with dialled(bench) as ws:
            await ws.send_str("hi")
            assert (await ws.receive()).data == "hi"
        await coming
