"""One timer for many limits."""

import asyncio
import math

from devgate.clock import SystemClock
from devgate.gateway.deadlines import Deadlines
from tests.deadline import DEADLINE_S


class Limit:
    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.expired = asyncio.Event()

    def expire(self) -> None:
        self.deadline = math.inf
        self.expired.set()


async def test_what_is_late_expires_and_the_rest_does_not():
    clock = SystemClock()
    deadlines = Deadlines(clock)
    soon, never, forgotten = Limit(clock.now() + 0.05), Limit(math.inf), Limit(clock.now())
    for one in (soon, never, forgotten):
        deadlines.watch(one)
    deadlines.forget(forgotten)
    async with asyncio.timeout(DEADLINE_S):
        await soon.expired.wait()
    assert not never.expired.is_set()
    assert not forgotten.expired.is_set()
    deadlines.close()


async def test_without_anything_to_watch_nothing_ticks():
    deadlines = Deadlines(SystemClock())
    one = Limit(math.inf)
    deadlines.watch(one)
    deadlines.forget(one)
    async with asyncio.timeout(DEADLINE_S):
        while deadlines._timer is not None:
            await asyncio.sleep(0.01)
    again = Limit(0.0)
    deadlines.watch(again)
    async with asyncio.timeout(DEADLINE_S):
        await again.expired.wait()
    deadlines.close()
