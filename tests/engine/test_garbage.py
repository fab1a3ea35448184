"""Full collections wait until nobody waits."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING

from devgate.engine import garbage
from tests.deadline import DEADLINE_S

if TYPE_CHECKING:
    import pytest


class Ring:
    """A cycle, which only the collector takes away."""

    def __init__(self) -> None:
        self.me = self


def test_under_load_it_is_seldom_and_still_done():
    assert not garbage.due(garbage.QUIET - 1, 0.0, quiet=True)
    assert garbage.due(garbage.QUIET, 0.0, quiet=True)
    assert not garbage.due(garbage.QUIET, garbage.LONGEST_S - 1, quiet=False)
    assert garbage.due(garbage.QUIET, garbage.LONGEST_S, quiet=False)
    assert not garbage.due(garbage.QUIET - 1, garbage.LONGEST_S, quiet=False)


async def test_an_old_cycle_goes_under_load_that_never_pauses(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(garbage, "LOOK_S", 0.01)
    monkeypatch.setattr(garbage, "LONGEST_S", 0.1)
    ring = Ring()
    gc.collect()
    gone = weakref.ref(ring)
    requests = iter(range(10**9))
    task = asyncio.create_task(garbage.collect(lambda: next(requests)))
    try:
        del ring
        for _ in range(garbage.QUIET + 5):
            gc.collect(1)
        async with asyncio.timeout(DEADLINE_S):
            while gone() is not None:
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_an_old_cycle_goes_in_a_quiet_second_and_the_interpreter_gets_its_thresholds_back(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(garbage, "LOOK_S", 0.01)
    before = gc.get_threshold()
    ring = Ring()
    gc.collect()  # it is old now
    gone = weakref.ref(ring)
    requests = iter(range(10**9))
    moving = True
    task = asyncio.create_task(garbage.collect(lambda: next(requests) if moving else -1))
    try:
        await asyncio.sleep(0)
        assert gc.get_threshold()[:2] == before[:2]
        del ring
        for _ in range(garbage.QUIET + 5):
            gc.collect(1)
        await asyncio.sleep(0.1)
        assert gone() is not None
        moving = False
        async with asyncio.timeout(DEADLINE_S):
            while gone() is not None:
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert gc.get_threshold() == before
