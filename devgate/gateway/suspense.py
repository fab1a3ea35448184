"""Lost connections to services that devgate runs: whose fault they are is known only when the fate of the process is.

When a process dies, all its connections end in one moment, and that may be some milliseconds before its exit is seen. Were
each of them a failure at once, the crash of a busy service would open its breaker, and the very requests would be refused that
are to be held until it is back (SEMANTICS 3.1: a crash opens the breaker only when nobody restarts the service). So a loss is
kept in suspense. If the instance leaves `ready` it was the crash, and neutral; if it is still there after a moment, then it
has dropped a connection in good health, and that counts.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devgate.model.status import ServiceState
from devgate.policy.breaker import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.directory import Instance

    Tell = Callable[[Outcome], None]

VERDICT_S: Final = 0.5
"""A crash is seen within this time, also where a grandchild holds the output (SUPERVISION 1.1)."""


class Suspense:
    """The losses of one service that are not decided yet."""

    def __init__(self) -> None:
        self._pending: dict[Tell, tuple[Instance, int, asyncio.TimerHandle]] = {}

    def add(self, instance: Instance, tell: Tell) -> None:
        """A connection to `instance` is lost; `tell` hears, now or soon, how that counts."""
        if not instance.managed:
            tell(Outcome.FAILURE)
        elif not _there(instance):
            tell(Outcome.IGNORED)
        else:
            timer = asyncio.get_running_loop().call_later(VERDICT_S, self._decide, tell)
            self._pending[tell] = instance, instance.epoch, timer

    def gone(self, instance: Instance) -> None:
        """It has left `ready`: what it has lost was lost by that."""
        for tell in [tell for tell, (loser, _, _) in self._pending.items() if loser is instance]:
            self._pending.pop(tell)[2].cancel()
            tell(Outcome.IGNORED)

    def _decide(self, tell: Tell) -> None:
        instance, epoch, _ = self._pending.pop(tell)
        tell(Outcome.FAILURE if _there(instance) and instance.epoch == epoch else Outcome.IGNORED)


def _there(instance: Instance) -> bool:
    return instance.state is ServiceState.READY and not instance.withdrawn
