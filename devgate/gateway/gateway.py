"""The gateway as the engine sees it: takes bound sockets and profiles, tells what passes through.

A profile is taken over in one synchronous step: everything new is made first (`inventory`), then one reference is replaced.
Requests under way finish with the rules they began with.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from devgate.gateway.binding import BACKLOG
from devgate.gateway.deadlines import Deadlines
from devgate.gateway.front import Front
from devgate.gateway.handlers.forward import Forward
from devgate.gateway.handlers.persistence import Persistence
from devgate.gateway.inspector import Inspector
from devgate.gateway.inventory import Inventory
from devgate.gateway.pipeline import Pipeline
from devgate.gateway.record import Ring
from devgate.gateway.under_way import rows as under_way_rows
from devgate.model.snapshot import BreakerRow, CacheRow, TrafficRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devgate.clock import Clock
    from devgate.directory import Directory
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.rules import Rules
    from devgate.model.events import Publish
    from devgate.model.fault import Fault
    from devgate.model.profile import Profile
    from devgate.model.query import RequestPage
    from devgate.model.snapshot import FaultRow, LimitRow, Snapshot
    from devgate.model.status import Forced

DRAIN_S: Final = 5.0


class Gateway:
    """All of the data plane.

    Args:
        profile: what to begin with.
        directory: who serves what; the gateway reads it and counts requests in flight there.
        publish: takes `BreakerChanged` and its kind.
        snapshot: what the health paths show.
        suspect: told `(service, replica)` when a service that is ready refuses a connection.
    """

    def __init__(
        self,
        profile: Profile,
        directory: Directory,
        publish: Publish,
        clock: Clock,
        *,
        snapshot: Callable[[], Snapshot],
        suspect: Callable[[str, int], None],
    ) -> None:
        self._profile = profile
        self._clock = clock
        self._ring = Ring()
        self.inspector = Inspector(
            self._ring,
            lambda: (self._addresses[0], self._port),
            self._exchanges,
            lambda: self._pipeline.rules.table,
            clock,
        )
        """Looks at single requests."""
        self._addresses: list[str] = []
        self._port = profile.gateway.port
        self._deadlines = Deadlines(clock)
        draw = random.Random().random
        self._forward = Forward(directory, suspect, self._deadlines, clock, pseudonym=secrets.token_hex(4))
        self._inventory = Inventory(
            directory,
            self._deadlines,
            publish,
            clock,
            draw,
            plain=self._forward,
            ample=Persistence(self._forward, directory, clock, draw),
            changed=self._renew,
        )
        self._pipeline = Pipeline(self._rules(profile), snapshot, self._inventory.own_traffic, self._ring, clock)
        self._front: Front | None = None
        self._servers: list[asyncio.Server] = []
        self._forward.retain(_remote(profile))

    # Serving

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Begin to answer on listening sockets, which belong to the gateway from now on."""
        self._front = Front(self._pipeline, self._deadlines, self._clock)
        self._stand_at(sockets)
        self._servers = await self._listen(sockets, self._front)

    async def move(self, sockets: Sequence[socket.socket]) -> None:
        """Answer there instead. Who is connected at the old address gets the answer that is under way and is then let go.

        If it fails nothing has changed.
        """
        assert self._front is not None, "served before it moves"
        new = await self._listen(sockets, self._front)
        old, self._servers = self._servers, new
        for server in old:
            server.close()
        self._front.pre_shutdown()
        self._stand_at(sockets)

    def _stand_at(self, sockets: Sequence[socket.socket]) -> None:
        self._addresses = [one.getsockname()[0] for one in sockets]
        self._port = sockets[0].getsockname()[1]
        self._renew()

    def _renew(self) -> None:
        self._pipeline.rules = self._rules(self._profile)

    async def _listen(self, sockets: Sequence[socket.socket], front: Front) -> list[asyncio.Server]:
        loop = asyncio.get_running_loop()
        servers: list[asyncio.Server] = []
        try:
            for one in sockets:
                server = await loop.create_server(front, sock=one, backlog=BACKLOG)
                servers.append(server)
        except BaseException:
            for server in servers:
                server.close()
            raise
        return servers

    def _rules(self, profile: Profile) -> Rules:
        return self._inventory.rules(profile, own_addresses(self._addresses), self._port)

    def apply(self, profile: Profile) -> None:
        """Take over another profile. The listener stays; requests under way finish by the old rules."""
        self._profile, self._pipeline.rules = profile, self._rules(profile)
        self._forward.retain(_remote(profile))

    def drain(self) -> None:
        """Refuse every further request with 503 `draining`; those under way go on. The first step of stopping devgate."""
        self._pipeline.draining = True
        self._forward.leave()

    async def aclose(self, drain_s: float = DRAIN_S) -> None:
        """Stop listening, let requests under way finish, break off what is left after `drain_s`."""
        self.drain()
        for server in self._servers:
            server.close()
        self._forward.cut_streams()
        if self._front is not None:
            self._front.pre_shutdown()
            await self._front.shutdown(drain_s)
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        self._deadlines.close()
        await self._forward.aclose()

    # What a face sees

    @property
    def seq(self) -> int:
        """Moves whenever a request begins or ends."""
        return self._pipeline.begun + self._ring.total

    def traffic(self) -> TrafficRow:
        """Of the whole gateway; answered preflights are not traffic."""
        return self._inventory.traffic()

    def service_traffic(self, name: str) -> TrafficRow:
        return self._inventory.service_traffic(name)

    def route_traffic(self, route_id: str) -> TrafficRow:
        return self._inventory.route_traffic(route_id)

    def breaker_row(self, name: str) -> BreakerRow:
        return self._inventory.breaker_row(name)

    def reset_breaker(self, name: str) -> None:
        """Close a service's breaker by hand.

        Raises:
            CommandError: there is no such service.
        """
        self._inventory.reset_breaker(name)

    def force_breaker(self, name: str, forced: Forced) -> None:
        """Decide over a service's breaker's head, until it is reset.

        Raises:
            CommandError: there is no such service.
        """
        self._inventory.force_breaker(name, forced)

    def clear_cache(self, prefix: str = "") -> int:
        """Drop the kept answers whose path begins so. Returns how many those were."""
        return self._inventory.store.purge(prefix.encode())

    def cache(self) -> CacheRow:
        store = self._inventory.store
        return CacheRow(len(store), store.size, store.limit, store.hits, store.misses)

    def set_fault(self, route: str, fault: Fault, lasts_s: float) -> None:
        """Have something go wrong with a route's requests, beginning with the next one.

        Raises:
            CommandError: there is no such route, or that is no time.
        """
        self._inventory.faults.set(route, fault, lasts_s)

    def clear_faults(self, route: str | None = None) -> None:
        """Take away one route's fault, or all.

        Raises:
            CommandError: there is no such route.
        """
        self._inventory.faults.clear(route)

    def faults(self) -> tuple[FaultRow, ...]:
        return self._inventory.faults.rows()

    def limits(self) -> tuple[LimitRow, ...]:
        return self._inventory.limits.rows()

    def requests(self, after: int = 0, limit: int = 100, *, under_way: bool = False) -> RequestPage:
        """Finished requests with numbers above `after`, at most the newest `limit`; and, if asked for, those `under_way`."""
        page = self._ring.page(after, limit)
        if under_way:
            rows = under_way_rows(self._exchanges(), self._clock.now(), self._clock.wall())
            page = replace(page, under_way=rows)
        return page

    def _exchanges(self) -> Sequence[Exchange]:
        return () if self._front is None else self._front.exchanges()


def _remote(profile: Profile) -> frozenset[str]:
    """The services that may be beyond this machine and its private networks."""
    return frozenset(name for name, spec in profile.services.items() if spec.allow_remote)


def own_addresses(bound: Iterable[str]) -> list[str]:
    """The addresses that a listener answers on; bound to all of them, those are this machine's."""
    known = list(bound)
    if any(address in ("0.0.0.0", "::") for address in known):
        import psutil

        known += [
            one.address.partition("%")[0]
            for found in psutil.net_if_addrs().values()
            for one in found
            if one.family in _IP
        ]
    return known


_IP: Final = (socket.AF_INET, socket.AF_INET6)
