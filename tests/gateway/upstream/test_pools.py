import asyncio
import time

from devgate.gateway.upstream.dial import Origin
from devgate.gateway.upstream.pool import Limits
from devgate.gateway.upstream.pools import Pools
from tests.deadline import DEADLINE_S
from tests.gateway.upstream.recorder import GET, Recorder, exchange
from tests.upstreams import Peer, answering, scripted

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def silent(peer: Peer) -> None:
    await peer.rest()


async def test_one_pool_for_each_origin() -> None:
    pools = Pools(time.monotonic)
    first = pools.get(Origin("http", "localhost", 8080))
    assert pools.get(Origin("http", "localhost", 8080)) is first
    others = {
        pools.get(Origin("https", "localhost", 8080)),
        pools.get(Origin("http", "127.0.0.1", 8080)),
        pools.get(Origin("http", "localhost", 8081)),
        pools.get(Origin("http", "localhost", 8080, options="other")),
    }
    assert len({first, *others}) == 5
    assert set(pools) == {first, *others}
    await pools.aclose()


async def test_all_pools_share_the_total() -> None:
    async with scripted(answering(HELLO)) as one, scripted(answering(HELLO)) as two:
        pools = Pools(time.monotonic, Limits(total=2))
        first, second = (pools.get(Origin("http", "127.0.0.1", upstream.port)) for upstream in (one, two))
        lines = [await first.acquire(), await first.acquire()]
        waiting = asyncio.create_task(second.acquire())
        async with asyncio.timeout(DEADLINE_S):
            while not second.counts().waiting:
                await asyncio.sleep(0)
        lines[0].abort()
        (await waiting).abort()
        lines[1].abort()
        await pools.aclose()


async def test_an_origin_that_nobody_routes_to_any_more() -> None:
    async with scripted(answering(HELLO)) as upstream:
        pools = Pools(time.monotonic)
        kept, gone = Origin("http", "127.0.0.1", upstream.port), Origin("http", "localhost", upstream.port)
        await exchange(await pools.get(kept).acquire())
        old = pools.get(gone)
        await exchange(await old.acquire())
        assert old.counts().idle == 1
        pools.retain({kept})
        assert old.counts().idle == 0
        assert list(pools) == [pools.get(kept)]
        assert pools.get(kept).counts().idle == 1
        assert (await exchange(await old.acquire())).body == b"hello", "whoever holds it goes on"
        assert pools.get(gone) is not old
        await pools.aclose()


async def test_closing_reaches_retired_pools() -> None:
    async with scripted(silent) as upstream:
        pools = Pools(time.monotonic)
        origin = Origin("http", "127.0.0.1", upstream.port)
        old = pools.get(origin)
        sink = Recorder()
        (await old.acquire()).start(sink, GET)
        pools.retain(())
        await pools.aclose(0.01)
        assert sink.error is not None
        assert old.empty


async def test_what_the_representation_says() -> None:
    pools = Pools(time.monotonic)
    assert repr(pools) == "<Pools none>"
    pools.get(Origin("http", "::1", 80))
    assert "http://[::1]:80 0 active" in repr(pools)
    await pools.aclose()
