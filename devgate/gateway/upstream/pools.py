"""Every pool of the gateway, by origin, and the limit that they share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devgate.gateway.upstream.pool import Limits, Pool
from devgate.gateway.upstream.slots import Slots

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Collection, Iterator

    from devgate.gateway.upstream.dial import Origin


class Pools:
    """Made once; outlives the routing tables that use it."""

    def __init__(self, now: Callable[[], float], limits: Limits | None = None) -> None:
        self._now = now
        self._limits = limits or Limits()
        self._slots = Slots(self._limits.total)
        self._pools: dict[Origin, Pool] = {}
        self._retired: list[Pool] = []
        """Nobody is given these any more; they go when their last exchange ends."""

    def __repr__(self) -> str:
        return f"<Pools {', '.join(map(repr, self._pools.values())) or 'none'}>"

    def __iter__(self) -> Iterator[Pool]:
        return iter(self._pools.values())

    def get(self, origin: Origin, *, tls: ssl.SSLContext | None = None) -> Pool:
        """The pool of an origin, made when it is first asked for. What differs in `tls` has to differ in the origin's options."""
        pool = self._pools.get(origin)
        if pool is None:
            pool = Pool(origin, self._slots, self._limits, self._now, tls=tls)
            self._pools[origin] = pool
        return pool

    def retain(self, origins: Collection[Origin]) -> None:
        """Forget the pools of all other origins. Whoever holds one of them goes on to his end."""
        for origin in [origin for origin in self._pools if origin not in origins]:
            pool = self._pools.pop(origin)
            pool.retire()
            self._retired.append(pool)
        self._retired = [pool for pool in self._retired if not pool.empty]

    async def aclose(self, grace_s: float = 0.0) -> None:
        """See `Pool.aclose`; all at the same time."""
        pools = (*self._pools.values(), *self._retired)
        self._pools.clear()
        self._retired.clear()
        async with asyncio.TaskGroup() as group:
            for pool in pools:
                group.create_task(pool.aclose(grace_s), name=f"close {pool.origin}")
