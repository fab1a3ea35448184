"""When the collector looks at everything: while nobody waits for an answer.

A full collection visits each object that lives, and what is remembered of requests, log lines and drawn rows is many: 15 to 27 ms
of CPU, every five seconds at 400 requests a second with the traffic view open (measured), in which every request stands still.
Next to nothing is found: nearly all of it dies when the last reference goes. So the young generations are collected as ever, 2 ms
at most, and all of them only in two seconds without a request; under load that never pauses, once a minute, which is one request
in thousands. Twenty times as seldom as CPython does it showed as growth, 1.7 MiB in a quarter of an hour (measured).
"""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_S: Final = 2.0
QUIET: Final = 10
"""Collections of the middle generation, after which all is collected if nobody waits; CPython's own number."""
LONGEST_S: Final = 60.0
"""... and after so many seconds whoever waits: cycles that live long are few, and they must not add up."""
_NEVER: Final = 1_000_000


async def collect(progress: Callable[[], int]) -> None:
    """Take full collections over from the interpreter, until this is cancelled.

    Args:
        progress: a number that moves with each request that begins or ends.
    """
    before = gc.get_threshold()
    gc.set_threshold(before[0], before[1], _NEVER)
    seen, waited_s = progress(), 0.0
    try:
        while True:
            await asyncio.sleep(LOOK_S)
            now, waited_s = progress(), waited_s + LOOK_S
            if due(gc.get_count()[2], waited_s, quiet=now == seen):
                gc.collect()
                waited_s = 0.0
            seen = now
    finally:
        gc.set_threshold(*before)


def due(pending: int, waited_s: float, *, quiet: bool) -> bool:
    """Whether it is time for a full collection, `pending` collections of the middle generation and some time after the last."""
    return pending >= QUIET and (quiet or waited_s >= LONGEST_S)
