"""Services that answer before they have read the request, as they do who refuse an upload; in a crowd, too."""

import asyncio

import pytest

from tests.deadline import DEADLINE_S
from tests.gateway.harness import Bench, Client, gateway
from tests.upstreams import Peer, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

REFUSAL = b"HTTP/1.1 413 Too Much\r\nContent-Length: 4\r\n\r\nmuch"
PIECE = b"x" * 65_536
PIECES = 64


def beginning(bench: Bench, *, chunked: bool) -> bytes:
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % (PIECES * len(PIECE))
    return b"POST /upload HTTP/1.1\r\nHost: %b\r\n%b\r\n\r\n" % (bench.host, framing)


def part(*, chunked: bool) -> bytes:
    return b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if chunked else PIECE


async def upload(bench: Bench, client: Client, *, chunked: bool) -> None:
    """Goes on sending until all is sent or nobody listens."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            for _ in range(PIECES):
                client.send(part(chunked=chunked))
                await client.writer.drain()
    except ConnectionError:
        pass


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("ending", ["stays", "closes", "resets"])
async def test_the_answer_arrives_whole_although_the_client_goes_on_sending(ending: str, chunked: bool):
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.stop_reading()
        peer.send(REFUSAL)
        await peer.flush()
        if ending == "resets":
            peer.reset()
        elif ending == "closes":
            peer.close()
        else:
            await asyncio.Event().wait()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(beginning(bench, chunked=chunked) + part(chunked=chunked))
        sending = asyncio.create_task(upload(bench, client, chunked=chunked))
        answer = await client.answer()
        assert (answer.status, answer.reason, answer.body) == (413, b"Too Much", b"much")
        assert answer["connection"] == "close", "what is left of the body would be taken for the next request"
        await sending
        await client.closed()
        await bench.until(lambda: bench.entry().instances[0].in_flight == 0)
        assert bench.gateway.breaker_row("a").failures == 0


async def test_a_crowd_that_is_refused_holds_up_nobody():
    async def script(peer: Peer) -> None:
        while True:
            head = await peer.head()
            if head.startswith(b"POST"):
                peer.send(REFUSAL)
                await peer.flush()
                return
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with scripted(script) as service, gateway({"a": service}) as bench:

        async def refused(number: int) -> int:
            client = await bench.connect()
            client.send(beginning(bench, chunked=number % 2 == 0))
            sending = asyncio.create_task(upload(bench, client, chunked=number % 2 == 0))
            answer = await client.answer()
            await sending
            return answer.status

        async def asked() -> int:
            return (await bench.get("/")).status

        statuses = await asyncio.gather(*(refused(number) for number in range(40)), *(asked() for _ in range(40)))
        assert statuses == [413] * 40 + [200] * 40
        await bench.until(lambda: bench.entry().instances[0].in_flight == 0)
