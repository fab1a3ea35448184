"""The gateway as the engine sees it: takes bound sockets and profiles, tells what passes through.

A profile is taken over in one synchronous step: everything new is made first, then one reference is replaced. Requests under way
finish with the rules they began with. What has a memory lives on by name: breakers whose settings are unchanged, queues,
counters, pools, and the kept answers of routes that are written as before.
"""

from __future__ import annotations

import asyncio
import math
import random
import secrets
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from devgate.errors import CommandError
from devgate.gateway.binding import BACKLOG
from devgate.gateway.breakers import Breakers
from devgate.gateway.cache.flights import Flights
from devgate.gateway.cache.store import Store
from devgate.gateway.deadlines import Deadlines
from devgate.gateway.faults import Faults
from devgate.gateway.front import Front
from devgate.gateway.handlers.forward import Forward
from devgate.gateway.handlers.persistence import Persistence
from devgate.gateway.hold import Queue
from devgate.gateway.inspector import Inspector
from devgate.gateway.lane import Backend, Lane
from devgate.gateway.middleware.assembly import assemble
from devgate.gateway.middleware.limits import Limits
from devgate.gateway.pipeline import Pipeline
from devgate.gateway.record import Ring
from devgate.gateway.recourse import compile_recourse, needs_recourse
from devgate.gateway.rules import Rules
from devgate.gateway.stats import Traffic, row
from devgate.gateway.table import RoutingTable
from devgate.gateway.under_way import rows as under_way_rows
from devgate.model.snapshot import BreakerRow, CacheRow, TrafficRow
from devgate.policy.balance import RoundRobin, Weighted
from devgate.policy.cors import CorsPolicy
from devgate.policy.host import HostPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devgate.clock import Clock
    from devgate.directory import Directory, Entry, Instance
    from devgate.gateway.middleware.chain import Gate
    from devgate.gateway.table import Route
    from devgate.model.events import Publish
    from devgate.model.fault import Fault
    from devgate.model.profile import Profile
    from devgate.model.query import RequestPage
    from devgate.model.route import RouteSpec
    from devgate.model.snapshot import FaultRow, LimitRow, Snapshot
    from devgate.model.status import ServiceState
    from devgate.model.timeouts import Timeouts
    from devgate.policy.balance import Balance

DRAIN_S: Final = 5.0


class Gateway:
    """All of the data plane.

    Args:
        profile: what to begin with.
        directory: who serves what; the gateway reads it and counts requests in flight there.
        publish: takes `BreakerChanged`.
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
        self._directory = directory
        self._clock = clock
        self._publish = publish
        self._breakers = Breakers(directory, publish, clock)
        directory.listen(self._on_change)
        self._backends: dict[str, Backend] = {}
        self._cached: dict[str, RouteSpec] = {}
        """The routes that keep answers."""
        self._own_traffic = Traffic()
        """Of what belongs to no route."""
        self._traffic: dict[tuple[str, str], Traffic] = {}
        """By service and route, of all profiles so far: what was counted does not vanish with a route."""
        self._ring = Ring()
        self.inspector = Inspector(self._ring, lambda: (self._addresses[0], self._port))
        """Looks at single requests."""
        self._addresses: list[str] = []
        self._port = profile.gateway.port
        self._deadlines = Deadlines(clock)
        self._faults = Faults(self._deadlines, publish, clock, self._renew)
        self._limits = Limits(clock)
        self._draw = random.Random().random
        self._forward = Forward(directory, suspect, self._deadlines, clock, pseudonym=secrets.token_hex(4))
        self._store = Store(profile.gateway.cache_memory)
        self._flights = Flights(clock.now)
        self._persistence = Persistence(self._forward, directory, clock, self._draw)
        self._pipeline = Pipeline(self._rules(profile), snapshot, self._own_traffic, self._ring, clock)
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
        return row((self._own_traffic, *self._traffic.values()), self._clock.now())

    def service_traffic(self, name: str) -> TrafficRow:
        return row((one for (service, _), one in self._traffic.items() if service == name), self._clock.now())

    def route_traffic(self, route_id: str) -> TrafficRow:
        return row((one for (_, route), one in self._traffic.items() if route == route_id), self._clock.now())

    def breaker_row(self, name: str) -> BreakerRow:
        backend = self._backends.get(name)
        return backend.fuse.row() if backend is not None else BreakerRow()

    def clear_cache(self, prefix: str = "") -> int:
        """Drop the kept answers whose path begins so. Returns how many those were."""
        return self._store.purge(prefix.encode())

    def cache(self) -> CacheRow:
        store = self._store
        return CacheRow(len(store), store.size, store.limit, store.hits, store.misses)

    def reset_breaker(self, name: str) -> None:
        """Close a service's breaker by hand.

        Raises:
            CommandError: there is no such service.
        """
        backend = self._backends.get(name)
        if backend is None:
            raise CommandError(f"There is no service {name}.", code="unknown-service", status=404)
        backend.fuse.reset()

    def set_fault(self, route: str, fault: Fault, lasts_s: float) -> None:
        """Have something go wrong with a route's requests, beginning with the next one.

        Raises:
            CommandError: there is no such route, or that is no time.
        """
        self._faults.set(route, fault, lasts_s)

    def clear_faults(self, route: str | None = None) -> None:
        """Take away one route's fault, or all.

        Raises:
            CommandError: there is no such route.
        """
        self._faults.clear(route)

    def faults(self) -> tuple[FaultRow, ...]:
        return self._faults.rows()

    def limits(self) -> tuple[LimitRow, ...]:
        return self._limits.rows()

    def requests(self, after: int = 0, limit: int = 100, *, under_way: bool = False) -> RequestPage:
        """Finished requests with numbers above `after`, at most the newest `limit`; and, if asked for, those `under_way`."""
        page = self._ring.page(after, limit)
        if under_way and self._front is not None:
            rows = under_way_rows(self._front.exchanges(), self._clock.now(), self._clock.wall())
            page = replace(page, under_way=rows)
        return page

    def _on_change(self, entry: Entry, _instance: Instance, _old: ServiceState) -> None:
        backend = self._backends.get(entry.service)
        if backend is not None:
            backend.queue.hear()

    def _rules(self, profile: Profile) -> Rules:
        gateway = profile.gateway
        table = RoutingTable(profile.routes)
        hosts = HostPolicy(gateway.hosts, own_addresses(self._addresses), self._port)
        cors = CorsPolicy(gateway.cors)
        # Nothing above has a memory, and from here on nothing can fail.
        self._breakers.apply(profile.services)
        self._faults.apply(profile)
        old, self._backends = self._backends, {}
        for name in (*profile.services, *(route.spec.service for route in table.routes)):
            if name not in self._backends:
                self._backends[name] = self._backend(name, old.get(name), profile)
        caching = any(route.spec.cache is not None for route in table.routes)
        gates = self._limits.apply(profile)
        plain = (self._lane(route, profile, cors, gates.get(route.id)) for route in table.routes)
        lanes = tuple(self._with_recourse(lane, profile, caching) for lane in plain)
        self._keep_cached(profile)
        first = self._limits.first
        return Rules(table, lanes, hosts, cors, first, health=gateway.health, hints=gateway.routes_hint)

    def _backend(self, name: str, old: Backend | None, profile: Profile) -> Backend:
        fuse = self._breakers.get(name)
        spec = profile.services.get(name)
        weights = () if spec is None else spec.weights
        if old is not None and old.weights == weights:
            return replace(old, fuse=fuse)
        balance: Balance[Instance] = RoundRobin()
        if weights:
            balance = Weighted(lambda instance: weights[instance.replica] if instance.replica < len(weights) else 1)
        if old is not None:
            return replace(old, fuse=fuse, balance=balance, weights=weights)
        return Backend(name, fuse, Queue(name, self._directory, self._clock), balance, weights)

    def _with_recourse(self, lane: Lane, profile: Profile, caching: bool) -> Lane:
        """The lane of a route that wants more than to be passed on."""
        spec = lane.route.spec
        if not needs_recourse(spec, caching=caching):
            return lane

        def lane_at(service: str) -> Lane:
            traffic = self._traffic.setdefault((service, lane.route.id), Traffic())
            times = profile.timeouts(spec, service)
            return replace(
                lane,
                backend=self._backends[service],
                traffic=traffic,
                connect_s=_connect_s(times),
                response_s=times.response.seconds,
                idle_s=times.idle.seconds,
            )

        recourse = compile_recourse(lane, spec, lane_at, self._store, self._flights)
        return replace(lane, handler=self._persistence, recourse=recourse)

    def _keep_cached(self, profile: Profile) -> None:
        """Answers of routes that are as they were stay; a route that was written anew begins without any."""
        specs = {route.id: route for route in profile.routes if route.cache is not None}
        changed = {name for name, spec in self._cached.items() if specs.get(name) != spec}
        self._cached = specs
        self._store.retain(lambda owner: owner.route not in changed)
        self._store.resize(profile.gateway.cache_memory)

    def _lane(self, route: Route, profile: Profile, cors: CorsPolicy, limit: Gate | None) -> Lane:
        spec = route.spec
        service = profile.services.get(spec.service)
        timeouts = profile.timeouts(spec)
        hold_s = profile.gateway.hold
        if service is not None and service.autostart == "on_request":
            hold_s = service.start_timeout
        return Lane(
            route=route,
            backend=self._backends[spec.service],
            traffic=self._traffic.setdefault((spec.service, route.id), Traffic()),
            cors=cors,
            host=_HOSTS.get(spec.host_header, spec.host_header.encode()),
            hold_s=hold_s if spec.hold is None else spec.hold,
            connect_s=_connect_s(timeouts),
            response_s=timeouts.response.seconds,
            idle_s=timeouts.idle.seconds,
            stream=spec.stream,
            handler=self._forward,
            security=spec.security_headers,
            chain=assemble(
                spec,
                profile.max_body(spec),
                limit,
                timeouts.total.seconds,
                self._faults.get(route.id),
                self._clock,
                self._draw,
                limited=limit is not None or self._limits.first is not None,
            ),
        )


def _connect_s(timeouts: Timeouts) -> float | None:
    """As a lane has it: what nobody has said may differ between this machine and others."""
    limit = timeouts.connect
    return math.inf if limit.seconds is None and limit.source else limit.seconds


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


_HOSTS: Final = {"upstream": None, "preserve": b""}
"""See `Lane.host`."""
_IP: Final = (socket.AF_INET, socket.AF_INET6)
