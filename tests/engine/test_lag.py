"""How late the loop is, seen when it is."""

from __future__ import annotations

import asyncio
import time

from devgate.clock import SystemClock
from devgate.engine import lag
from devgate.engine.lag import KEPT, LoopLag
from tests.deadline import DEADLINE_S


async def test_a_blocked_loop_is_seen_and_then_forgotten() -> None:
    measured = LoopLag(SystemClock())
    assert measured.worst_ms == 0
    task = asyncio.create_task(measured.measure())
    try:
        await asyncio.sleep(0)
        time.sleep(lag.INTERVAL_S + 0.2)  # what must never happen
        async with asyncio.timeout(DEADLINE_S):
            while measured.worst_ms < 150:
                await asyncio.sleep(0.01)
    finally:
        task.cancel()


def test_only_the_last_moments_count() -> None:
    measured = LoopLag(SystemClock())
    for late in (1.0, *[0.0] * KEPT):
        measured._late_s.append(late)
    assert measured.worst_ms == 0
