"""What the gateway has by name and keeps while profiles come and go, and the rules that a profile makes of it.

What has a memory lives on: breakers whose settings are unchanged, queues, turns, counters, faults, limits, and the kept answers
of routes that are written as before.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from devgate.errors import CommandError
from devgate.gateway.breakers import Breakers
from devgate.gateway.cache.flights import Flights
from devgate.gateway.cache.store import Store
from devgate.gateway.faults import Faults
from devgate.gateway.hold import Queue
from devgate.gateway.lane import Backend, Lane
from devgate.gateway.middleware.assembly import assemble
from devgate.gateway.middleware.limits import Limits
from devgate.gateway.recourse import compile_recourse, needs_recourse
from devgate.gateway.rules import Rules
from devgate.gateway.stats import Traffic, row
from devgate.gateway.table import RoutingTable
from devgate.model.snapshot import BreakerRow, TrafficRow
from devgate.policy.balance import RoundRobin, Weighted
from devgate.policy.cors import CorsPolicy
from devgate.policy.host import HostPolicy
from devgate.policy.proxies import TrustedProxies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devgate.clock import Clock
    from devgate.directory import Directory, Entry, Instance
    from devgate.gateway.deadlines import Deadlines
    from devgate.gateway.lane import Handler
    from devgate.gateway.middleware.chain import Gate
    from devgate.gateway.table import Route
    from devgate.model.events import Publish
    from devgate.model.profile import Profile
    from devgate.model.route import RouteSpec
    from devgate.model.status import Forced, ServiceState
    from devgate.model.timeouts import Timeouts
    from devgate.policy.balance import Balance

_HOSTS: Final = {"upstream": None, "preserve": b""}
"""See `Lane.host`."""


class Inventory:
    """See the module.

    Args:
        draw: gives numbers in [0, 1).
        plain: has the requests of most routes answered,
        ample: and those of routes that want more than to be passed on.
        changed: the rules have to be made anew.
    """

    def __init__(
        self,
        directory: Directory,
        deadlines: Deadlines,
        publish: Publish,
        clock: Clock,
        draw: Callable[[], float],
        *,
        plain: Handler,
        ample: Handler,
        changed: Callable[[], None],
    ) -> None:
        self.backends: dict[str, Backend] = {}
        self.faults = Faults(deadlines, publish, clock, changed)
        self.limits = Limits(clock)
        self.store = Store(0)
        self.flights = Flights(clock.now)
        self.own_traffic = Traffic()
        """Of what belongs to no route."""
        self._directory = directory
        self._clock = clock
        self._draw = draw
        self._plain = plain
        self._ample = ample
        self._breakers = Breakers(directory, publish, clock)
        self._cached: dict[str, RouteSpec] = {}
        """The routes that keep answers."""
        self._traffic: dict[tuple[str, str], Traffic] = {}
        """By service and route, of all profiles so far: what was counted does not vanish with a route."""
        directory.listen(self._on_change)

    def rules(self, profile: Profile, addresses: Iterable[str], port: int) -> Rules:
        """Take a profile over. Whatever can fail fails before anything has changed.

        Args:
            addresses: of the listener, and its `port`: what clients may call it.
        """
        gateway = profile.gateway
        table = RoutingTable(profile.routes)
        hosts = HostPolicy(gateway.hosts, addresses, port)
        cors = CorsPolicy(gateway.cors)
        # Nothing above has a memory, and from here on nothing can fail.
        self._breakers.apply(profile.services)
        self.faults.apply(profile)
        old, self.backends = self.backends, {}
        for name in (*profile.services, *(route.spec.service for route in table.routes)):
            if name not in self.backends:
                self.backends[name] = self._backend(name, old.get(name), profile)
        trusted = TrustedProxies(gateway.trusted_proxies) if gateway.trusted_proxies else None
        caching = any(route.spec.cache is not None for route in table.routes)
        gates = self.limits.apply(profile, trusted)
        plain = (self._lane(route, profile, cors, trusted, gates.get(route.id)) for route in table.routes)
        lanes = tuple(self._with_recourse(lane, profile, caching) for lane in plain)
        self._keep_cached(profile)
        first = self.limits.first
        return Rules(
            table,
            lanes,
            hosts,
            cors,
            first,
            health=gateway.health,
            hints=gateway.routes_hint,
            debug_headers=gateway.debug_headers,
        )

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
                backend=self.backends[service],
                traffic=traffic,
                hold_s=profile.hold(spec, service),
                connect_s=_connect_s(times),
                response_s=times.response.seconds,
                idle_s=times.idle.seconds,
            )

        recourse = compile_recourse(lane, spec, lane_at, self.store, self.flights)
        return replace(lane, handler=self._ample, recourse=recourse)

    def _keep_cached(self, profile: Profile) -> None:
        """Answers of routes that are as they were stay; a route that was written anew begins without any."""
        specs = {route.id: route for route in profile.routes if route.cache is not None}
        changed = {name for name, spec in self._cached.items() if specs.get(name) != spec}
        self._cached = specs
        self.store.retain(lambda owner: owner.route not in changed)
        self.store.resize(profile.gateway.cache_memory)

    def _lane(
        self, route: Route, profile: Profile, cors: CorsPolicy, trusted: TrustedProxies | None, limit: Gate | None
    ) -> Lane:
        spec = route.spec
        timeouts = profile.timeouts(spec)
        return Lane(
            route=route,
            backend=self.backends[spec.service],
            traffic=self._traffic.setdefault((spec.service, route.id), Traffic()),
            cors=cors,
            host=_HOSTS.get(spec.host_header, spec.host_header.encode()),
            trusted=trusted,
            hold_s=profile.hold(spec),
            connect_s=_connect_s(timeouts),
            response_s=timeouts.response.seconds,
            idle_s=timeouts.idle.seconds,
            stream=spec.stream,
            handler=self._plain,
            security=spec.security_headers,
            chain=assemble(
                spec,
                profile.max_body(spec),
                limit,
                timeouts.total.seconds,
                self.faults.get(route.id),
                self._clock,
                self._draw,
                debug=profile.gateway.debug_headers,
                limited=limit is not None or self.limits.first is not None,
            ),
        )

    # What a face sees

    def traffic(self) -> TrafficRow:
        """Of the whole gateway; answered preflights are not traffic."""
        return row((self.own_traffic, *self._traffic.values()), self._clock.now())

    def service_traffic(self, name: str) -> TrafficRow:
        return row((one for (service, _), one in self._traffic.items() if service == name), self._clock.now())

    def route_traffic(self, route_id: str) -> TrafficRow:
        return row((one for (_, route), one in self._traffic.items() if route == route_id), self._clock.now())

    def breaker_row(self, name: str) -> BreakerRow:
        backend = self.backends.get(name)
        return backend.fuse.row() if backend is not None else BreakerRow()

    def reset_breaker(self, name: str) -> None:
        """Close a service's breaker by hand.

        Raises:
            CommandError: there is no such service.
        """
        self._backend_of(name).fuse.reset()

    def force_breaker(self, name: str, forced: Forced) -> None:
        """Decide over a service's breaker's head, until it is reset.

        Raises:
            CommandError: there is no such service.
        """
        self._backend_of(name).fuse.force(forced)

    def _backend_of(self, name: str) -> Backend:
        backend = self.backends.get(name)
        if backend is None:
            raise CommandError(f"There is no service {name}.", code="unknown-service", status=404)
        return backend

    def _on_change(self, entry: Entry, _instance: Instance, _old: ServiceState) -> None:
        backend = self.backends.get(entry.service)
        if backend is not None:
            backend.queue.hear()


def _connect_s(timeouts: Timeouts) -> float | None:
    """As a lane has it: what nobody has said may differ between this machine and others."""
    limit = timeouts.connect
    return math.inf if limit.seconds is None and limit.source else limit.seconds
