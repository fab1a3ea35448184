import asyncio
import gc
import socket

import pytest

from devgate.gateway.upstream import pool as pools_module
from devgate.gateway.upstream.dial import Origin
from devgate.gateway.upstream.errors import Kind, Stage, UpstreamError
from devgate.gateway.upstream.line import Line
from devgate.gateway.upstream.pool import Pool
from tests.deadline import DEADLINE_S
from tests.gateway.upstream.conftest import MakePool
from tests.gateway.upstream.recorder import GET, Recorder, exchange
from tests.upstreams import Peer, Script, Upstream, answering, free_port, scripted

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Time:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.001)


async def started(pool: Pool) -> tuple[Line, Recorder]:
    line = await pool.acquire()
    sink = Recorder()
    line.start(sink, GET)
    return line, sink


def when(go: asyncio.Event) -> Script:
    """Answers each request once `go` is set."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            await go.wait()
            peer.send(HELLO)

    return script


async def test_the_connection_used_last_is_used_next(make_pool: MakePool) -> None:
    go = asyncio.Event()
    async with scripted(when(go)) as upstream:
        pool = make_pool(upstream)
        sinks = [(await started(pool))[1] for _ in range(3)]
        go.set()
        for sink in sinks:
            await sink.ended()
        assert pool.counts().idle == 3
        before = [len(peer.received) for peer in upstream.peers]
        for _ in range(5):
            await exchange(await pool.acquire())
        grown = [len(peer.received) - old for peer, old in zip(upstream.peers, before, strict=True)]
        assert sorted(grown) == [0, 0, 5 * len(GET)]
        assert (pool.counts().opened, pool.counts().reused) == (3, 5)


async def test_a_connection_that_has_been_idle_for_too_long(make_pool: MakePool) -> None:
    now = Time()
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream, now, idle_s=4.0)
        await exchange(await pool.acquire())
        now.s += 3.9
        await exchange(await pool.acquire())
        assert len(upstream.peers) == 1
        now.s += 4.0
        assert pool.take_idle() is None
        assert (pool.counts().idle, pool.counts().active) == (0, 0)
        await exchange(await pool.acquire())
        assert len(upstream.peers) == 2


async def test_retiring_takes_the_old_ones_only(make_pool: MakePool) -> None:
    now = Time()
    go = asyncio.Event()
    async with scripted(when(go)) as upstream:
        pool = make_pool(upstream, now, idle_s=4.0)
        sinks = [(await started(pool))[1] for _ in range(3)]
        go.set()
        for sink in sinks:
            await sink.ended()
        now.s += 3
        await exchange(await pool.acquire())
        now.s += 1
        pool.retire_idle()
        assert pool.counts().idle == 1


async def test_idle_connections_retire_without_being_asked(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream, idle_s=0.02)
        await exchange(await pool.acquire())
        await until(lambda: pool.empty)


async def test_the_sweep_comes_again_for_what_was_too_young(make_pool: MakePool) -> None:
    now = Time()
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream, now, idle_s=0.02)
        await exchange(await pool.acquire())
        await asyncio.sleep(0.05)
        assert pool.counts().idle == 1, "by the pool's clock no time has passed"
        now.s += 1
        await until(lambda: pool.empty)


async def test_a_service_that_closes_an_idle_connection(make_pool: MakePool) -> None:
    close = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(HELLO)
        await close.wait()
        peer.close()

    async with scripted(script) as upstream:
        pool = make_pool(upstream)
        await exchange(await pool.acquire())
        assert pool.counts().idle == 1
        close.set()
        await until(lambda: not pool.counts().idle)
        await until(lambda: pool.empty)
        close.clear()
        await exchange(await pool.acquire())
        assert len(upstream.peers) == 2


async def test_an_end_that_the_loop_has_not_seen_yet(make_pool: MakePool) -> None:
    """A POST must not be sent on a connection that the service has closed: it could not be sent again."""
    ours = socket.create_server(("127.0.0.1", 0))
    pool = make_pool(Upstream(ours.getsockname()[1]))
    line = await pool.acquire()
    theirs, _ = ours.accept()
    sink = Recorder()
    line.start(sink, GET)
    theirs.sendall(HELLO)
    await sink.ended()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    theirs.close()  # and no await from here on: the loop cannot know
    assert pool.counts().idle == 1
    assert pool.take_idle(certain=True) is None
    assert (pool.counts().idle, pool.counts().active) == (0, 0)
    ours.close()


async def test_a_certain_connection_may_be_an_old_one(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream)
        await exchange(await pool.acquire())
        line = pool.take_idle(certain=True)
        assert line is not None
        line.abort()


# Limits


async def test_exchanges_are_limited_and_wait_their_turn(make_pool: MakePool) -> None:
    go = asyncio.Event()
    async with scripted(when(go)) as upstream:
        pool = make_pool(upstream, per_origin=2)
        busy = [await started(pool) for _ in range(2)]
        order: list[int] = []

        async def late(number: int) -> None:
            line = await pool.acquire()
            order.append(number)
            sink = Recorder()
            line.start(sink, GET)
            await sink.ended()

        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(late(number))
            await until(lambda: pool.counts().waiting == 5)
            assert pool.take_idle() is None
            assert order == []
            go.set()
        for _, sink in busy:
            await sink.ended()
        assert order == [0, 1, 2, 3, 4]
        assert len(upstream.peers) == 2
        assert (pool.counts().waiting, pool.counts().active, pool.counts().idle) == (0, 0, 2)


async def test_a_place_that_is_free_without_a_connection(make_pool: MakePool) -> None:
    """Whoever waits dials when the one before him has lost his connection."""
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream, per_origin=1)
        line = await pool.acquire()
        waiting = asyncio.create_task(pool.acquire())
        await until(lambda: pool.counts().waiting)
        line.abort()
        assert (await exchange(await waiting)).body == b"hello"
        assert len(upstream.peers) == 2


async def test_waiting_has_a_deadline(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        now = Time()
        pool = make_pool(upstream, now, per_origin=1)
        line = await pool.acquire()
        with pytest.raises(UpstreamError) as caught:
            await pool.acquire(now.s + 0.02)
        assert (caught.value.kind, caught.value.stage, caught.value.status) == (Kind.OVERLOADED, Stage.CONNECT, 503)
        with pytest.raises(UpstreamError):
            await pool.acquire(now.s - 1)
        assert (pool.counts().waiting, pool.counts().active) == (0, 1)
        line.abort()


async def test_an_event_stream_holds_up_nobody(make_pool: MakePool) -> None:
    go = asyncio.Event()
    async with scripted(when(go)) as upstream:
        pool = make_pool(upstream, per_origin=1)
        streams = []
        for _ in range(50):
            line, sink = await started(pool)
            line.detach()
            line.detach()
            streams.append(sink)
        assert (pool.counts().active, pool.counts().detached) == (0, 50)
        go.set()
        for sink in streams:
            await sink.ended()
        assert pool.counts().detached == 0
        assert pool.counts().idle == 20, "the others were closed"


async def test_a_detached_exchange_lets_the_next_one_in(make_pool: MakePool) -> None:
    go = asyncio.Event()
    async with scripted(when(go)) as upstream:
        pool = make_pool(upstream, per_origin=1)
        line, sink = await started(pool)
        waiting = asyncio.create_task(pool.acquire())
        await until(lambda: pool.counts().waiting)
        line.detach()
        (await waiting).abort()
        go.set()
        await sink.ended()


async def test_idle_connections_hold_no_place(make_pool: MakePool) -> None:
    """A detached exchange ends and leaves a connection although all places are taken."""
    go = asyncio.Event()
    async with scripted(when(go)) as upstream:
        pool = make_pool(upstream, per_origin=1)
        line, sink = await started(pool)
        line.detach()
        other = await pool.acquire()
        go.set()
        await sink.ended()
        assert (pool.counts().idle, pool.counts().active) == (1, 1)
        assert pool.take_idle() is None
        other.abort()
        taken = pool.take_idle()
        assert taken is not None
        taken.abort()


# Cancelling


async def test_cancelled_while_waiting(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream, per_origin=1)
        line = await pool.acquire()
        waiting = [asyncio.create_task(pool.acquire()) for _ in range(3)]
        await until(lambda: pool.counts().waiting == 3)
        waiting[1].cancel()
        await until(lambda: pool.counts().waiting == 2)
        line.abort()
        (await waiting[0]).abort()
        (await waiting[2]).abort()
        assert waiting[1].cancelled()


async def test_cancelled_in_the_moment_of_being_admitted(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        for first in ("cancel", "abort"):
            pool = make_pool(upstream, per_origin=1)
            line = await pool.acquire()
            unlucky = asyncio.create_task(pool.acquire())
            lucky = asyncio.create_task(pool.acquire())
            await until(lambda pool=pool: pool.counts().waiting == 2)
            if first == "cancel":
                unlucky.cancel()
                line.abort()
            else:
                line.abort()
                unlucky.cancel()
            (await lucky).abort()
            with pytest.raises(asyncio.CancelledError):
                await unlucky
            assert (pool.counts().waiting, pool.counts().active) == (0, 0)


async def test_cancelled_at_every_step_of_dialling(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        for host in ("127.0.0.1", "localhost"):
            for steps in range(25):
                pool = make_pool(Upstream(upstream.port, host), per_origin=1)
                task = asyncio.create_task(pool.acquire())
                for _ in range(steps):
                    await asyncio.sleep(0)
                if not task.done():
                    task.cancel()
                try:
                    (await task).abort()
                except asyncio.CancelledError:
                    pass
                assert (pool.counts().active, pool.counts().waiting) == (0, 0)
                await until(lambda pool=pool: pool.empty)
    gc.collect()


@pytest.mark.parametrize("steps", [0, 1, 2, 5])
async def test_cancelled_while_the_answer_is_on_its_way(steps: int, make_pool: MakePool) -> None:
    async def ask(pool: Pool) -> None:
        line = await pool.acquire()
        sink = Recorder()
        try:
            line.start(sink, GET)
            await sink.ended()
        finally:
            line.abort()  # as a handler does whose client has left

    async with scripted(when(asyncio.Event())) as upstream:
        pool = make_pool(upstream)
        task = asyncio.create_task(ask(pool))
        await until(lambda: upstream.peers and upstream.peers[0].received)
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: pool.empty)


async def test_a_refused_connection_leaves_nothing(make_pool: MakePool) -> None:
    pool = make_pool(Upstream(free_port()), per_origin=1)
    for _ in range(3):
        with pytest.raises(UpstreamError) as caught:
            await pool.acquire()
        assert caught.value.kind is Kind.CONNECT_REFUSED
    assert pool.empty


async def test_a_refused_connection_lets_the_next_one_try(make_pool: MakePool) -> None:
    pool = make_pool(Upstream(free_port()), per_origin=1)
    found = await asyncio.gather(*(pool.acquire() for _ in range(5)), return_exceptions=True)
    assert [type(error) for error in found] == [UpstreamError] * 5
    assert pool.empty


async def test_dialling_ends_with_the_deadline(make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []

    async def dial(origin: Origin, factory: object, *, timeout_s: float, **_: object) -> object:
        given.append(timeout_s)
        raise UpstreamError(Kind.CONNECT_TIMEOUT, Stage.CONNECT, "")

    monkeypatch.setattr(pools_module, "dial", dial)
    pool = make_pool(Upstream(1), Time())
    for deadline in (None, 100.5, 99.0, 1000.0):
        with pytest.raises(UpstreamError):
            await pool.acquire(deadline)
    assert given == [2.0, 0.5, 0.0, 2.0]


# Restarts and stopping


async def test_a_restarted_service_sees_no_old_connection(make_pool: MakePool) -> None:
    go = asyncio.Event()
    async with scripted(when(go)) as upstream:
        pool = make_pool(upstream)
        sinks = [(await started(pool))[1] for _ in range(3)]
        pool.close_idle()
        go.set()
        for sink in sinks:
            await sink.ended()
            assert sink.body == b"hello"
        assert pool.counts().idle == 0
        await exchange(await pool.acquire())
        assert pool.counts().idle == 1
        pool.close_idle()
        assert (pool.counts().idle, pool.counts().opened) == (0, 4)


async def test_a_retired_pool_serves_and_keeps_nothing(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream)
        pool.retire()
        for _ in range(2):
            assert (await exchange(await pool.acquire())).body == b"hello"
        assert len(upstream.peers) == 2
        await until(lambda: pool.empty)


async def test_stopping_gives_time_to_what_is_under_way(make_pool: MakePool) -> None:
    go = asyncio.Event()
    async with scripted(when(go)) as upstream:
        pool = make_pool(upstream)
        _, sink = await started(pool)
        closing = asyncio.create_task(pool.aclose(DEADLINE_S))
        await asyncio.sleep(0)
        with pytest.raises(UpstreamError) as caught:
            await pool.acquire()
        assert caught.value.kind is Kind.OVERLOADED
        assert not closing.done()
        go.set()
        await sink.ended()
        assert sink.body == b"hello"
        await closing
        assert pool.empty


async def test_stopping_ends_what_does_not_end(make_pool: MakePool) -> None:
    async with scripted(when(asyncio.Event())) as upstream:
        pool = make_pool(upstream, per_origin=2)
        _, sink = await started(pool)
        line, stream = await started(pool)
        line.detach()
        await pool.acquire()  # lent, never started
        waiting = asyncio.create_task(pool.acquire())
        await until(lambda: pool.counts().waiting)
        await pool.aclose(0.02)
        for heard in (sink, stream):
            assert heard.error is not None
            assert heard.error.kind is Kind.RESET
        with pytest.raises(UpstreamError) as caught:
            await waiting
        assert caught.value.kind is Kind.OVERLOADED
        assert pool.empty
        await pool.aclose()


async def test_stopping_interrupts_dialling(make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    dialling = asyncio.Event()

    async def dial(*_: object, **__: object) -> object:
        dialling.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(pools_module, "dial", dial)
    pool = make_pool(Upstream(1))
    task = asyncio.create_task(pool.acquire())
    await dialling.wait()
    async with asyncio.timeout(DEADLINE_S):
        await pool.aclose()
    with pytest.raises(UpstreamError) as caught:
        await task
    assert caught.value.kind is Kind.OVERLOADED


async def test_the_representation_is_a_status_line(make_pool: MakePool) -> None:
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream)
        await exchange(await pool.acquire())
        line = await pool.acquire()
        expected = "1 active, 0 idle, 0 waiting, 0 detached, 1 opened, 1 reused"
        assert repr(pool) == f"<Pool http://127.0.0.1:{upstream.port} {expected}>"
        line.abort()


async def test_many_clients_at_once(make_pool: MakePool) -> None:
    """More than the limit, with some who give up: everybody else is answered, and nothing is left."""
    async with scripted(answering(HELLO)) as upstream:
        pool = make_pool(upstream, per_origin=5)

        async def ask(number: int) -> bytes:
            if number % 7 == 0:
                async with asyncio.timeout(0):
                    await pool.acquire()
            return (await exchange(await pool.acquire())).body

        found = await asyncio.gather(*(ask(number) for number in range(200)), return_exceptions=True)
        assert found.count(b"hello") >= 171
        assert {type(one) for one in found} <= {bytes, TimeoutError}
        assert len(upstream.peers) <= 5 + found.count(b"hello")
        assert (pool.counts().active, pool.counts().waiting) == (0, 0)
