"""Pools for tests, and the proof after each that nothing was left behind."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable

import pytest

from devgate.gateway.upstream.dial import Origin
from devgate.gateway.upstream.pool import Limits, Pool
from devgate.gateway.upstream.pools import Pools
from tests.deadline import DEADLINE_S
from tests.upstreams import Upstream

MakePool = Callable[..., Pool]


@pytest.fixture
async def make_pool() -> AsyncIterator[MakePool]:
    """`make_pool(upstream, **limits)`; closed at the end, when no socket, exchange or waiter may be left."""
    groups: list[Pools] = []

    def make(upstream: Upstream, now: Callable[[], float] = time.monotonic, **limits: float) -> Pool:
        group = Pools(now, Limits(**limits))  # type: ignore[arg-type]
        groups.append(group)
        return group.get(Origin("http", upstream.host, upstream.port))

    yield make
    for group in groups:
        pools = tuple(group)
        async with asyncio.timeout(DEADLINE_S):
            await group.aclose()
        assert all(pool.empty for pool in pools)


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """No task outlives a test, and no socket: a forgotten one warns when it is collected, and warnings are errors. What was there
    before is not looked through: that would take longer than the test."""
    gc.freeze()
    yield
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    gc.collect()
    assert not left
