"""Ending a process with everything that came from it, and making sure.

Nobody tells us when a grandchild ends, so it is looked for; and nothing is signalled but what is known to be descended from ours,
by pid and birth (`processes.family`).
"""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Final

from devgate import processes
from devgate.supervisor import ports

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.processes import Process
    from devgate.supervisor.spawn import Child
    from devgate.supervisor.world import World

LEFTOVER_DRAIN_S: Final = 0.25
"""After the leader's own end: how long what it left may go on writing before it is asked to end."""
LEFTOVER_GRACE_S: Final = 2.0
"""From asking it to killing it."""
KILL_WAIT_S: Final = 3.0
"""How long a killed process may take to be gone; longer is a process that hangs in the kernel."""
PORT_WAIT_S: Final = 2.0
LOOK_AGAIN_S: Final = 0.03


async def end_family(child: Child, *, asked_s: float | None, world: World, mark: Callable[[str], None]) -> None:
    """Returns when nothing of it is left, or when what is left cannot be ended, which is said.

    Args:
        asked_s: the leader has been asked to end, and everything may take so long; None: the leader has ended by itself, and what
            it left has not been asked yet.
        mark: writes a line into the service's log.
    """
    clock = world.clock
    deadline = clock.now() + (LEFTOVER_DRAIN_S if asked_s is None else asked_s)
    await world.pulse.until(lambda: child.code is not None, max(deadline - clock.now(), 0.0))
    left = await _gone(child, deadline, world)
    if asked_s is None and left:
        count = len(left)
        child.signal(signal.SIGTERM)
        processes.signal_all(left, signal.SIGTERM)
        left = await _gone(child, clock.now() + LEFTOVER_GRACE_S, world)
        mark(f"{count} leftover process{'' if count == 1 else 'es'} ended")
    if left:
        if asked_s is not None:
            mark(f"{_listed(left)} did not end within {asked_s:g} s: killed")
        child.kill()
        deadline = clock.now() + KILL_WAIT_S
        await world.pulse.until(lambda: child.code is not None, KILL_WAIT_S)
        left = await _gone(child, deadline, world)
        if left:
            mark(f"{_listed(left)} cannot be ended")


async def until_free(port: int, *, world: World, mark: Callable[[str], None]) -> None:
    """Wait until nobody listens on a port; says who still does after a while."""
    deadline = world.clock.now() + PORT_WAIT_S
    while ports.taken(port):
        if world.clock.now() >= deadline:
            mark(f"port {port} is still taken by {await asyncio.to_thread(ports.owner, port) or 'somebody'}")
            return
        await asyncio.sleep(LOOK_AGAIN_S)


async def _gone(child: Child, deadline: float, world: World) -> list[Process]:
    """What of the family is left at the deadline."""
    # Reading the process table takes milliseconds, which requests need not wait for.
    left = await asyncio.to_thread(child.family)
    while left and world.clock.now() < deadline:
        await asyncio.sleep(LOOK_AGAIN_S)
        left = await asyncio.to_thread(child.family)
    return left


def _listed(left: list[Process]) -> str:
    return "pid " + ", ".join(str(process.pid) for process in left)
