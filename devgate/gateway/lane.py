"""What the gateway keeps beside a profile's routes and services: the parts that live on while profiles come and go.

A `Backend` belongs to a service, a `Lane` to a route of one table. Reloading makes new lanes over the old backends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from devgate.policy.retry import Budget

if TYPE_CHECKING:
    from devgate.directory import Instance
    from devgate.gateway.breakers import Fuse
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.hold import Queue
    from devgate.gateway.middleware.chain import Chain
    from devgate.gateway.recourse import Recourse
    from devgate.gateway.relay import Relay, Then
    from devgate.gateway.stats import Traffic
    from devgate.gateway.table import Route
    from devgate.gateway.upstream.errors import UpstreamError
    from devgate.policy.balance import Balance
    from devgate.policy.cors import CorsPolicy
    from devgate.policy.proxies import TrustedProxies


class Handler(Protocol):
    """Has requests answered: `handlers.forward`, or `handlers.persistence` for routes that want more."""

    def begin(self, exchange: Exchange, lane: Lane, path: bytes, then: Then) -> bool:
        """Do what can be done at once. True: the request is under way, and `then` is called when that attempt has ended. False:
        it is answered, if `exchange.started`; else `see_through` is the way."""
        ...

    async def see_through(
        self, exchange: Exchange, relay: Relay | None = None, error: UpstreamError | None = None
    ) -> None:
        """Have it answered, however long that takes; `begin` was asked first."""
        ...


@dataclass(slots=True)
class Backend:
    """One service, as requests meet it."""

    name: str
    fuse: Fuse
    queue: Queue
    balance: Balance[Instance]
    weights: tuple[int, ...]
    """Of its replicas; empty: equal."""
    waiting: int = 0
    """Requests that wait for a probe's outcome."""
    budget: Budget = field(default_factory=Budget)
    """Of retries."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One route, with everything that its requests need."""

    route: Route
    backend: Backend
    traffic: Traffic
    cors: CorsPolicy
    host: bytes | None
    """What its services are called in `Host`; empty: as the client says; None: by their addresses."""
    trusted: TrustedProxies | None
    """Who may say on whose behalf requests come; None: nobody."""
    hold_s: float
    """How long a request may wait for the service to come back."""
    connect_s: float | None
    """None: two seconds on this machine, ten elsewhere; infinite: as long as it takes."""
    response_s: float | None
    """Until the response head; None: as long as it takes."""
    idle_s: float | None
    """Between two pieces of a body; None: as long as it takes."""
    stream: bool
    security: bool
    """Whether answers get the security headers that the service has not sent."""
    chain: Chain | None
    """What is done beyond forwarding; None: nothing."""
    handler: Handler
    recourse: Recourse | None = None
    """What its requests want beyond being passed on."""
