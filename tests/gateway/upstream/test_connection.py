"""One connection against a service that does as it is told. What a response may look like is tested in test_response."""

import asyncio
import socket
from itertools import pairwise
from unittest.mock import Mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devgate.gateway.upstream.connection import READ_SIZE, UpstreamConnection
from devgate.gateway.upstream.errors import Kind, Stage, UpstreamError
from devgate.gateway.upstream.line import CHUNKED, Line
from devgate.gateway.upstream.response import Framing
from tests.deadline import DEADLINE_S
from tests.gateway.upstream.conftest import MakePool
from tests.gateway.upstream.recorder import GET, Recorder, exchange
from tests.upstreams import Peer, Script, Upstream, answering, scripted

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
BIG = 64 * 2**20
"""More than every buffer on the way."""


def saying(*parts: bytes, reset: bool = False) -> Script:
    """Answers the first request with `parts`, read by read, and closes."""

    async def script(peer: Peer) -> None:
        await peer.head()
        for part in parts:
            peer.send(part)
            await peer.flush()
            await asyncio.sleep(0)
        if reset:
            peer.reset()
        else:
            peer.close()

    return script


async def fails(script: Script, make_pool: MakePool, **options: object) -> Recorder:
    async with scripted(script) as upstream:
        line = await make_pool(upstream).acquire()
        sink = await exchange(line, **options)
        assert sink.error is not None
        assert (sink.error.sent_any, sink.error.reused) == (True, False)
        return sink


async def test_a_small_answer_is_one_batch(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream)
        sink = await exchange(await pool.acquire())
        assert sink.names == ["head", "body", "complete"]
        assert (sink.head.status, sink.head.framing, sink.body) == (200, Framing.LENGTH, b"hello")
        assert upstream.peers[0].received == GET
        assert pool.counts().idle == 1


async def test_an_answer_in_pieces_is_flushed_as_it_comes(make_pool: MakePool) -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
        await go.wait()
        peer.send(b"1\r\n!\r\n0\r\nA: b\r\n\r\n")
        await peer.rest()

    async with scripted(script) as upstream:
        sink = Recorder()
        (await make_pool(upstream).acquire()).start(sink, GET)
        await sink.told("flush")
        assert sink.names == ["head", "body", "flush"]
        go.set()
        await sink.ended()
        assert sink.names[3:] == ["body", "trailers", "complete"]
        assert sink.events[2] == ("trailers", [(b"A", b"b")])


async def test_the_same_connection_serves_again_and_again(make_pool: MakePool) -> None:
    empty = b"HTTP/1.1 204 No Content\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    not_modified = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"
    async with scripted(answering(HELLO, empty, chunked, not_modified)) as upstream:
        pool = make_pool(upstream)
        statuses = [(await exchange(pool.take_idle() or await pool.acquire())).head.status for _ in range(12)]
        assert statuses == [200, 204, 200, 304] * 3
        assert len(upstream.peers) == 1
        assert (pool.counts().opened, pool.counts().reused) == (1, 11)


async def test_head_and_get_take_turns_on_a_connection(make_pool: MakePool) -> None:
    """The same bytes are a whole answer to one and the beginning of an answer to the other."""
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
    async with scripted(answering(long, HELLO)) as upstream:
        pool = make_pool(upstream)
        for _ in range(3):
            sink = await exchange(await pool.acquire(), b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", is_head=True)
            assert (sink.names, sink.head.length) == (["head", "complete"], 99)
            assert (await exchange(await pool.acquire())).body == b"hello"
        assert len(upstream.peers) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        HELLO + b"!",
        HELLO + HELLO,
    ],
)
async def test_connections_that_are_not_used_again(answer: bytes, make_pool: MakePool) -> None:
    async with scripted(answering(answer)) as upstream:
        pool = make_pool(upstream)
        for _ in range(3):
            sink = await exchange(await pool.acquire())
            assert sink.body == b"hello"
            assert sink.garbage is (b"close" not in answer and b"/1.0" not in answer)
        assert len(upstream.peers) == 3
        assert pool.counts().idle == 0


async def test_a_body_that_lasts_until_the_connection_ends(make_pool: MakePool) -> None:
    async with scripted(saying(b"HTTP/1.1 200 OK\r\n\r\n", b"hel", b"lo")) as upstream:
        sink = await exchange(await make_pool(upstream).acquire())
        assert (sink.head.framing, sink.body, sink.events[-1]) == (Framing.EOF, b"hello", ("complete", False))


async def test_such_a_body_may_be_empty(make_pool: MakePool) -> None:
    async with scripted(saying(b"HTTP/1.0 200 OK\r\n\r\n")) as upstream:
        sink = await exchange(await make_pool(upstream).acquire())
        assert sink.events[1:] == [("complete", False)]


async def test_bytes_on_an_idle_connection_end_it(make_pool: MakePool) -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(HELLO)
        await go.wait()
        peer.send(HELLO)
        await peer.rest()

    async with scripted(script) as upstream:
        pool = make_pool(upstream)
        await exchange(await pool.acquire())
        assert pool.counts().idle == 1
        go.set()
        async with asyncio.timeout(DEADLINE_S):
            while pool.counts().idle:
                await asyncio.sleep(0.001)
        assert pool.take_idle() is None


# How exchanges are lost


async def test_closed_without_an_answer(make_pool: MakePool) -> None:
    sink = await fails(saying(), make_pool)
    assert sink.events == [("error", Kind.RESET, Stage.HEAD)]
    assert sink.error is not None
    assert not sink.error.received_any


async def test_reset_without_an_answer(make_pool: MakePool) -> None:
    sink = await fails(saying(reset=True), make_pool)
    assert sink.events == [("error", Kind.RESET, Stage.HEAD)]


@pytest.mark.parametrize("reset", [False, True])
async def test_lost_within_the_head(reset: bool, make_pool: MakePool) -> None:
    sink = await fails(saying(b"HTTP/1.1 200 OK\r\nContent-", reset=reset), make_pool)
    assert sink.error is not None
    if reset and not sink.error.received_any:
        return  # the reset was faster than the bytes
    assert sink.events == [("error", Kind.TRUNCATED, Stage.HEAD)]
    assert sink.error.received_any


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    "beginning",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell",
    ],
)
async def test_a_service_that_dies_within_the_body(beginning: bytes, reset: bool, make_pool: MakePool) -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(beginning)
        await go.wait()
        if reset:
            peer.reset()
        else:
            peer.close()

    async with scripted(script) as upstream:
        sink = Recorder()
        (await make_pool(upstream).acquire()).start(sink, GET)
        await sink.told("flush")
        go.set()
        await sink.ended()
        assert sink.events[-1] == ("error", Kind.TRUNCATED, Stage.BODY)
        assert "complete" not in sink.names
        assert sink.body == (b"hell" if b"hell" in beginning else b"")


async def test_a_body_until_the_end_is_cut_short_by_a_reset(make_pool: MakePool) -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await go.wait()
        peer.reset()

    async with scripted(script) as upstream:
        sink = Recorder()
        (await make_pool(upstream).acquire()).start(sink, GET)
        await sink.told("flush")
        go.set()
        await sink.ended()
        assert sink.events[-1] == ("error", Kind.TRUNCATED, Stage.BODY)


async def test_what_is_no_http(make_pool: MakePool) -> None:
    sink = await fails(saying(b"SSH-2.0-OpenSSH\r\n"), make_pool)
    assert sink.events == [("error", Kind.BAD_RESPONSE, Stage.HEAD)]
    assert sink.error is not None
    assert sink.error.received_any


async def test_a_broken_chunk_comes_after_what_was_sound(make_pool: MakePool) -> None:
    """In one batch, so that whoever waits with the writing may still answer something else."""
    sink = await fails(saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nzz\r\n"), make_pool)
    assert sink.names == ["head", "body", "error"]
    assert sink.events[1:] == [("body", b"hi"), ("error", Kind.BAD_RESPONSE, Stage.BODY)]


async def test_a_kept_connection_that_is_dead(make_pool: MakePool) -> None:
    """The service closes it while the next request is on its way: nothing has come, so it may be sent once more."""

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(HELLO)
        await peer.head()
        peer.close()

    async with scripted(script) as upstream:
        pool = make_pool(upstream)
        await exchange(await pool.acquire())
        sink = await exchange(await pool.acquire())
        assert sink.error is not None
        assert (sink.error.kind, sink.error.reused, sink.error.received_any) == (Kind.RESET, True, False)
        assert sink.error.replayable(idempotent=True)
        assert not sink.error.replayable(idempotent=False)


# 1xx and upgrades


async def test_interim_answers_are_heard(make_pool: MakePool) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with scripted(answering(interim + HELLO)) as upstream:
        sink = await exchange(await make_pool(upstream).acquire())
        assert sink.names == ["informational", "informational", "head", "body", "complete"]
        assert [event[1].status for event in sink.events[:2]] == [100, 103]


async def test_an_interim_answer_alone_is_flushed(make_pool: MakePool) -> None:
    """Expect: 100-continue needs it to go on."""

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await peer.read(5) == b"hello"
        peer.send(NOT_FOUND)
        await peer.rest()

    async with scripted(script) as upstream:
        pool = make_pool(upstream)
        line = await pool.acquire()
        sink = Recorder()
        line.start(sink, b"POST / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", body=5)
        await sink.told("flush")
        assert sink.names == ["informational", "flush"]
        line.write_body(b"hello")
        line.end_body()
        await sink.ended()
        assert sink.head.status == 404
        assert pool.counts().idle == 1


async def test_a_lost_connection_after_an_interim_answer(make_pool: MakePool) -> None:
    sink = await fails(saying(b"HTTP/1.1 100 Continue\r\n\r\n"), make_pool)
    assert sink.events[-1] == ("error", Kind.TRUNCATED, Stage.HEAD)
    assert sink.error is not None
    assert sink.error.received_any


SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


async def test_a_tunnel(make_pool: MakePool) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(SWITCH + b"first")
        while (data := await peer.read(4)) != b"stop":
            peer.send(data)

    async with scripted(script) as upstream:
        pool = make_pool(upstream)
        line = await pool.acquire()
        sink = Recorder()
        line.start(sink, GET, expects_upgrade=True)
        await sink.told("body")
        assert sink.names == ["upgrade", "body", "flush"]
        assert (pool.counts().active, pool.counts().detached) == (0, 1), "a tunnel holds up nobody"
        assert line.write_body(b"ping")
        async with asyncio.timeout(DEADLINE_S):
            while sink.body != b"firstping":
                await asyncio.sleep(0.001)
        line.end_body()  # means nothing here
        assert line.write_body(b"stop")
        await sink.ended()
        assert sink.events[-1] == ("complete", False)
        assert not line.write_body(b"more")
        assert pool.counts().detached == 0


async def test_a_tunnel_that_is_reset(make_pool: MakePool) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(SWITCH)
        await peer.read(1)
        peer.reset()

    async with scripted(script) as upstream:
        line = await make_pool(upstream).acquire()
        sink = Recorder()
        line.start(sink, GET, expects_upgrade=True)
        await sink.told("upgrade")
        line.write_body(b"x")
        await sink.ended()
        assert sink.events[-1] == ("error", Kind.RESET, Stage.BODY)


async def test_a_refused_upgrade_is_an_ordinary_answer(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream)
        sink = await exchange(await pool.acquire(), expects_upgrade=True)
        assert (sink.names, sink.body) == (["head", "body", "complete"], b"hello")
        assert pool.counts().idle == 1


async def test_an_upgrade_to_nothing(make_pool: MakePool) -> None:
    sink = await fails(saying(b"HTTP/1.1 101 Yes\r\n\r\n"), make_pool, expects_upgrade=True)
    assert sink.events == [("error", Kind.UPGRADE_FAILED, Stage.HEAD)]


async def test_an_upgrade_that_nobody_asked_for(make_pool: MakePool) -> None:
    sink = await fails(saying(SWITCH), make_pool)
    assert sink.events == [("error", Kind.BAD_RESPONSE, Stage.HEAD)]


# Early answers


async def test_an_early_answer_is_delivered_and_the_connection_dropped(make_pool: MakePool) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(NOT_FOUND)
        await peer.rest()

    async with scripted(script) as upstream:
        pool = make_pool(upstream)
        line = await pool.acquire()
        sink = Recorder()
        line.start(sink, b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", body=5)
        assert line.write_body(b"he")
        await sink.ended()
        assert (sink.head.status, sink.events[-1]) == (404, ("complete", False))
        assert not line.write_body(b"llo")
        assert not await line.drained()
        line.end_body()
        assert pool.counts().idle == 0


UPLOAD = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
TOO_BIG = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig"


async def refused_upload(answer: bytes, make_pool: MakePool) -> Recorder:
    """The service answers and closes while the upload goes on. Unread bytes make the system send RST after the answer, our next
    write fails, and the answer lies unread in the socket. Nothing is awaited in between: the write comes before the read."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = await make_pool(Upstream(server.getsockname()[1])).acquire()
        theirs, _ = server.accept()
        sink = Recorder()
        line.start(sink, UPLOAD, body=CHUNKED)
        line.write_body(b"x" * 1000)
        theirs.sendall(answer)
        theirs.close()
        line.write_body(b"x" * 1000)
        assert not line.write_body(b"x" * 1000), "the write before has failed"
        return await sink.ended()


async def test_an_early_answer_survives_the_reset_that_follows_it(make_pool: MakePool) -> None:
    """Apache as a proxy loses it."""
    sink = await refused_upload(TOO_BIG, make_pool)
    assert (sink.head.status, sink.body, sink.events[-1]) == (413, b"big", ("complete", False))


async def test_an_early_answer_that_may_be_longer_is_not_taken_for_whole(make_pool: MakePool) -> None:
    sink = await refused_upload(b"HTTP/1.1 413 Content Too Large\r\n\r\nbig", make_pool)
    assert sink.events[1:] == [("body", b"big"), ("error", Kind.TRUNCATED, Stage.BODY)]


async def test_an_early_answer_while_the_loop_runs(make_pool: MakePool) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.stop_reading()
        peer.send(TOO_BIG)
        await peer.flush()
        peer.close()

    for _ in range(10):  # who is first, the read or the failing write, changes
        async with scripted(script, limit=1024) as upstream:
            line = await make_pool(upstream).acquire()
            sink = Recorder()
            line.start(sink, UPLOAD, body=CHUNKED)
            while line.write_body(b"x" * 65536) and await line.drained():
                pass
            await sink.ended()
            assert (sink.head.status, sink.body, sink.events[-1]) == (413, b"big", ("complete", False))


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 413 Content"])
async def test_a_write_that_fails_without_an_answer(answer: bytes, make_pool: MakePool) -> None:
    sink = await refused_upload(answer, make_pool)
    assert sink.error is not None
    assert (sink.error.kind, sink.error.received_any) == (Kind.TRUNCATED if answer else Kind.RESET, bool(answer))
    assert not sink.error.replayable(idempotent=False)


# What a sink may do in the middle of a batch


@pytest.mark.parametrize("event", ["informational", "head", "body", "trailers"])
async def test_a_sink_may_abort_at_any_point(event: str, make_pool: MakePool) -> None:
    async with scripted(answering(ANSWERS[1])) as upstream:
        pool = make_pool(upstream)
        line = await pool.acquire()
        sink = Recorder(lambda name: line.abort() if name == event else None)
        line.start(sink, GET)
        await sink.told(event)
        assert sink.names[-1] == event, "nothing is heard after it"
        async with asyncio.timeout(DEADLINE_S):
            while not pool.empty:
                await asyncio.sleep(0.001)


@pytest.mark.parametrize("event", ["flush", "body", "upgrade"])
async def test_a_sink_may_abort_a_tunnel(event: str, make_pool: MakePool) -> None:
    async with scripted(answering(SWITCH + b"first")) as upstream:
        pool = make_pool(upstream)
        line = await pool.acquire()
        sink = Recorder(lambda name: line.abort() if name == event else None)
        line.start(sink, GET, expects_upgrade=True)
        await sink.told(event)
        assert sink.names[-1] == event
        assert pool.counts().detached == 0


async def test_the_next_request_may_be_sent_from_on_complete(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream)
        second = Recorder()

        def go_on(name: str) -> None:
            if name == "complete":
                line = pool.take_idle()
                assert line is not None
                line.start(second, GET)

        first = Recorder(go_on)
        (await pool.acquire()).start(first, GET)
        await second.ended()
        assert second.body == b"hello"
        assert len(upstream.peers) == 1


async def test_a_mistake_in_a_sink_costs_its_connection_only(make_pool: MakePool) -> None:
    """It is reported by the event loop, the sink hears the end, and the pool goes on."""
    reported = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context["exception"]))

    def stumble(name: str) -> None:
        if name == "head":
            raise ZeroDivisionError

    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream)
        sink = Recorder(stumble)
        (await pool.acquire()).start(sink, GET)
        await sink.ended()
        assert sink.error is not None
        assert [type(error) for error in reported] == [ZeroDivisionError]
        assert (await exchange(await pool.acquire())).body == b"hello"


# Back-pressure


async def test_a_slow_client_holds_the_service_back(make_pool: MakePool) -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BIG)
        block = b"x" * 2**20
        while sent < BIG:
            peer.send(block)
            sent += len(block)
            await peer.flush()
        await peer.rest()

    async with scripted(script) as upstream:
        pool = make_pool(upstream)
        line = await pool.acquire()
        heard = 0

        class Slow(Recorder):
            def on_body(self, data: bytes) -> None:
                nonlocal heard
                heard += len(data)
                line.pause_reading()

        sink = Slow()
        line.start(sink, GET)
        await sink.told("head")
        async with asyncio.timeout(DEADLINE_S):
            while not heard:
                await asyncio.sleep(0.001)
        assert (pool.counts().active, pool.counts().detached) == (0, 1), "whoever waits for a client holds up nobody"
        stuck = -1
        async with asyncio.timeout(DEADLINE_S):
            while stuck != sent:
                stuck = sent
                await asyncio.sleep(0.05)
        assert sent < BIG
        first = heard
        assert first <= 2**19

        while heard < BIG:
            line.resume_reading()
            await asyncio.sleep(0)
        await sink.ended()
        assert heard == BIG
        assert pool.counts().idle == 1


async def test_a_line_that_is_paused_at_the_end_does_not_paralyse_the_next(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream)
        for _ in range(2):
            line = await pool.acquire()
            sink = Recorder(lambda name, line=line: line.pause_reading() if name == "body" else None)  # type: ignore[misc]
            line.start(sink, GET)
            await sink.ended()
        assert len(upstream.peers) == 1


async def test_a_slow_service_holds_the_client_back(make_pool: MakePool) -> None:
    go = asyncio.Event()
    total = 0

    async def script(peer: Peer) -> None:
        nonlocal total
        await peer.head()
        peer.stop_reading()
        await go.wait()
        peer.resume_reading()
        while total < BIG:
            total += len(await peer.read(2**20))
        peer.send(NOT_FOUND)
        await peer.rest()

    async with scripted(script, limit=2**16) as upstream:
        pool = make_pool(upstream)
        line = await pool.acquire()
        sink = Recorder()
        line.start(sink, b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % BIG, body=BIG)
        block = b"x" * 2**20
        sent = 0
        while sent < BIG:
            assert line.write_body(block)
            sent += len(block)
            if "pause" in sink.names and not go.is_set():
                waiting = asyncio.create_task(line.drained())
                await asyncio.sleep(0.05)
                assert not waiting.done()
                assert sent < BIG
                go.set()
                assert await waiting
                assert sink.names[-1] == "resume"
            assert await line.drained()
        line.end_body()
        await sink.ended()
        assert (total, sink.head.status) == (BIG, 404)
        assert pool.counts().idle == 1


async def test_waiting_for_a_slow_service_ends_with_the_exchange(make_pool: MakePool) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.stop_reading()
        await go.wait()
        peer.send(NOT_FOUND)
        await peer.flush()
        await asyncio.Event().wait()

    for how in ("answer", "abort", "cancel"):
        go = asyncio.Event()
        async with scripted(script, limit=2**16) as upstream:
            line = await make_pool(upstream).acquire()
            sink = Recorder()
            line.start(sink, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", body=CHUNKED)
            while "pause" not in sink.names:
                line.write_body(b"x" * 2**20)
            waiting = asyncio.create_task(line.drained())
            await asyncio.sleep(0)
            if how == "answer":
                go.set()
                assert not await waiting
                assert sink.head.status == 404
            elif how == "abort":
                line.abort()
                assert not await waiting
            else:
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                line.abort()


# How it is cut does not matter

ANSWERS = (
    HELLO,
    b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a\r\nhi\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nx",
    SWITCH + b"hello",
)


@pytest.mark.parametrize("answer", ANSWERS)
@given(cuts=st.lists(st.integers(1, 200), max_size=8))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_sink_hears_the_same_however_it_is_cut(answer: bytes, cuts: list[int], make_pool: MakePool) -> None:
    at = [0, *sorted({cut % len(answer) for cut in cuts} - {0}), len(answer)]

    async def heard(parts: list[bytes]) -> list[object]:
        turn = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.head()
            for part in parts:
                turn.clear()
                peer.send(part)
                await turn.wait()
            peer.close()

        async with scripted(script) as upstream:
            sink = Recorder(lambda name: turn.set() if name in ("flush", "complete", "error") else None)
            (await make_pool(upstream).acquire()).start(sink, GET, expects_upgrade=True)
            await sink.ended()
            return list(sink.events)

    assert await heard([answer[start:end] for start, end in pairwise(at)]) == await heard([answer])


async def test_what_the_representation_says(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream)
        line = await pool.acquire()
        assert "lent" in repr(line)
        sink = Recorder()
        line.start(sink, GET)
        assert "under way, exchange 1" in repr(line)
        await sink.ended()
        assert repr(line) == "<Line dead>"


async def test_a_second_start(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        line: Line = await make_pool(upstream).acquire()
        sink = Recorder()
        line.start(sink, GET)
        with pytest.raises(RuntimeError, match="another exchange"):
            line.start(sink, GET)
        await sink.ended()
        with pytest.raises(UpstreamError):
            line.start(sink, GET)


async def test_reads_are_of_a_size_that_is_cheap_to_allocate(make_pool: MakePool) -> None:
    """Pins the attribute by which asyncio lets itself be told."""
    body = b"x" * 2**20
    async with scripted(answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))) as upstream:
        sizes: list[int] = []

        class Sizes(Recorder):
            def on_body(self, data: bytes) -> None:
                sizes.append(len(data))

        sink = Sizes()
        (await make_pool(upstream).acquire()).start(sink, GET)
        await sink.ended()
        assert sum(sizes) == len(body)
        if isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop):
            assert max(sizes) <= READ_SIZE


async def test_a_transport_need_not_be_one_of_asyncio(make_pool: MakePool) -> None:
    """uvloop's has all the methods and none of the ancestry."""
    connection = UpstreamConnection(make_pool(Upstream(1)))
    transport = Mock(spec_set=["abort", "get_write_buffer_size", "is_closing", "write"])
    transport.is_closing.return_value = False
    transport.get_write_buffer_size.return_value = 0
    connection.connection_made(transport)
    sink = Recorder()
    line = connection.lend()
    line.start(sink, GET)
    connection.data_received(HELLO)
    transport.write.assert_called_once_with(GET)
    assert sink.names == ["head", "body", "complete"]
    connection.abort()
    connection.connection_lost(None)
