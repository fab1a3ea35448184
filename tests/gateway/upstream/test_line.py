"""What a line sends, and that a dead one does nothing."""

import asyncio

import pytest

from devgate.gateway.upstream.errors import Kind, Stage, UpstreamError
from devgate.gateway.upstream.line import CHUNKED
from tests.deadline import DEADLINE_S
from tests.gateway.upstream.conftest import MakePool
from tests.gateway.upstream.recorder import GET, Recorder, exchange
from tests.upstreams import Peer, answering, scripted

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def swallowing(count: int) -> object:
    """Reads a head and `count` bytes before each answer."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            await peer.read(count)
            peer.send(HELLO)

    return script


async def test_a_body_of_known_length(make_pool: MakePool) -> None:
    head = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n"
    async with scripted(swallowing(5)) as upstream:  # type: ignore[arg-type]
        pool = make_pool(upstream)
        for _ in range(2):
            line = await pool.acquire()
            sink = Recorder()
            line.start(sink, head, body=5)
            for part in (b"he", b"", b"llo"):
                assert line.write_body(part)
            line.end_body()
            await sink.ended()
        assert upstream.peers[0].received == (head + b"hello") * 2


async def test_a_chunked_body_with_trailers(make_pool: MakePool) -> None:
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"2\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n"
    async with scripted(swallowing(len(body))) as upstream:  # type: ignore[arg-type]
        pool = make_pool(upstream)
        line = await pool.acquire()
        sink = Recorder()
        line.start(sink, head, body=CHUNKED)
        for part in (b"he", b"", b"llo"):
            assert line.write_body(part)
        line.end_body(b"A: b\r\n")
        await sink.ended()
        assert upstream.peers[0].received == head + body
        assert pool.counts().idle == 1


async def test_a_small_body_may_travel_with_the_head(make_pool: MakePool) -> None:
    async with scripted(swallowing(5)) as upstream:  # type: ignore[arg-type]
        pool = make_pool(upstream)
        await exchange(await pool.acquire(), b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")
        assert pool.counts().idle == 1


async def test_a_body_that_is_not_as_long_as_promised(make_pool: MakePool) -> None:
    """Never on a wire: the rest of one request would be the beginning of the next."""
    async with scripted(swallowing(5)) as upstream:  # type: ignore[arg-type]
        line = await make_pool(upstream).acquire()
        line.start(Recorder(), b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", body=5)
        with pytest.raises(ValueError, match="6 bytes"):
            line.write_body(b"hello!")
        line.write_body(b"hell")
        with pytest.raises(ValueError, match="1 bytes"):
            line.end_body()
        line.abort()


async def test_a_dead_line_does_not_touch_whoever_comes_next(make_pool: MakePool) -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(HELLO)
        await peer.head()
        await go.wait()
        peer.send(HELLO)
        await peer.rest()

    async with scripted(script) as upstream:
        pool = make_pool(upstream)
        dead = await pool.acquire()
        first = Recorder()
        dead.start(first, GET)
        await first.ended()

        line = await pool.acquire()
        second = Recorder()
        line.start(second, GET)
        dead.pause_reading()
        dead.resume_reading()
        dead.detach()
        dead.fail(Kind.RESPONSE_TIMEOUT, "late")
        dead.abort()
        dead.end_body()
        assert not dead.write_body(b"late")
        assert not await dead.drained()
        assert pool.counts().active == 1
        go.set()
        await second.ended()
        assert (second.body, len(upstream.peers)) == (b"hello", 1)
        assert first.names == ["head", "body", "complete"]


async def test_a_connection_that_dies_before_the_start(make_pool: MakePool) -> None:
    close = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(HELLO)
        await close.wait()
        peer.close()

    async with scripted(script) as upstream:
        pool = make_pool(upstream)
        await exchange(await pool.acquire())
        line = await pool.acquire()
        close.set()
        async with asyncio.timeout(DEADLINE_S):
            while pool.counts().active:
                await asyncio.sleep(0.001)
        sink = Recorder()
        with pytest.raises(UpstreamError) as caught:
            line.start(sink, GET)
        error = caught.value
        assert (error.kind, error.stage, error.sent_any, error.reused) == (Kind.RESET, Stage.SEND, False, True)
        assert error.replayable(idempotent=False)
        assert sink.names == []


@pytest.mark.parametrize(
    ("answer", "stage", "received"),
    [
        (b"", Stage.HEAD, False),
        (b"HTTP/1.1 200", Stage.HEAD, True),
        (b"HTTP/1.1 200 OK\r\n\r\n", Stage.BODY, True),
    ],
)
async def test_a_deadline_that_has_passed(answer: bytes, stage: Stage, received: bool, make_pool: MakePool) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(answer)
        await peer.rest()

    async with scripted(script) as upstream:
        pool = make_pool(upstream)
        line = await pool.acquire()
        sink = Recorder()
        line.start(sink, GET)
        if received:
            await sink.told("flush")
        line.fail(Kind.RESPONSE_TIMEOUT, "no answer for 30 s")
        assert sink.error is not None
        assert (sink.error.kind, sink.error.stage, sink.error.received_any) == (Kind.RESPONSE_TIMEOUT, stage, received)
        assert (sink.error.sent_any, sink.error.message, sink.error.status) == (True, "no answer for 30 s", 504)
        assert pool.counts().active == 0


async def test_a_deadline_while_the_request_is_being_sent(make_pool: MakePool) -> None:
    async with scripted(swallowing(5)) as upstream:  # type: ignore[arg-type]
        line = await make_pool(upstream).acquire()
        sink = Recorder()
        line.start(sink, b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", body=5)
        line.fail(Kind.RESPONSE_TIMEOUT, "")
        assert sink.error is not None
        assert sink.error.stage is Stage.SEND


async def test_a_line_that_is_never_started(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream)
        line = await pool.acquire()
        assert pool.counts().active == 1
        line.abort()
        assert pool.counts().active == 0
