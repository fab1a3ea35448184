"""Many who hold a connection for long take nothing from those who come for a moment."""

import asyncio
import resource
from collections.abc import Iterator

import pytest

from tests.deadline import DEADLINE_S
from tests.gateway.harness import OK, Bench, Client, gateway
from tests.upstreams import Peer, scripted

pytestmark = pytest.mark.usefixtures("nothing_left", "no_hurry")

STREAMS = 1_000
SLOW = 100
EVENT = b"data: 1\n\n"
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
MIB = b"x" * 2**20


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Each stream is four of them here: both ends of two connections."""
    needed = 4 * STREAMS + 1_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"a process may only have {hard} descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def ask(bench: Bench, client: Client, path: bytes) -> None:
    client.send(b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (path, bench.host))


async def test_a_thousand_event_streams_and_a_hundred_slow_readers_stall_nobody(many_descriptors: None) -> None:
    go_on = asyncio.Event()

    async def service(peer: Peer) -> None:
        while True:
            head = await peer.head()
            if head.startswith(b"GET /events"):
                peer.send(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK
                )
                await go_on.wait()
                peer.send(CHUNK + b"0\r\n\r\n")
            elif head.startswith(b"GET /large"):
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (8 * len(MIB)))
                for _ in range(8):
                    peer.send(MIB)
                    await peer.flush()
            else:
                peer.send(OK)

    async with scripted(service) as upstream, gateway({"a": upstream}, timeouts={"response": "5m"}) as bench:
        streams = [await bench.connect() for _ in range(STREAMS)]
        for client in streams:
            await ask(bench, client, b"/events")
        for client in streams:
            assert (await client.head())[0] == 200
            assert await client.reader.readuntil(EVENT + b"\r\n")
        slow = [await bench.connect() for _ in range(SLOW)]
        for client in slow:
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await ask(bench, client, b"/large")
        quick = await bench.connect()
        async with asyncio.timeout(DEADLINE_S):
            for _ in range(200):
                await ask(bench, quick, b"/small")
                assert (await quick.answer()).body == b"ok"
            # new connections get their turn, too
            assert (await bench.get("/small")).body == b"ok"
        go_on.set()
        for client in streams:
            async with asyncio.timeout(DEADLINE_S):
                assert await client.reader.readuntil(b"0\r\n\r\n") == CHUNK + b"0\r\n\r\n"
        for client in slow:
            client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(DEADLINE_S * 2):
            for client in slow:
                answer = await client.answer()
                assert len(answer.body) == 8 * len(MIB)
