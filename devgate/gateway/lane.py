"""What the gateway keeps beside a profile's routes and services: the parts that live on while profiles come and go.

A `Backend` belongs to a service, a `Lane` to a route of one table. Reloading makes new lanes over the old backends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devgate.gateway.breakers import Fuse
    from devgate.gateway.hold import Queue
    from devgate.gateway.middleware.chain import Chain
    from devgate.gateway.stats import Traffic
    from devgate.gateway.table import Route
    from devgate.policy.balance import RoundRobin
    from devgate.policy.cors import CorsPolicy


@dataclass(slots=True)
class Backend:
    """One service, as requests meet it."""

    name: str
    fuse: Fuse
    queue: Queue
    balance: RoundRobin
    waiting: int = 0
    """Requests that wait for a probe's outcome."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One route, with everything that its requests need."""

    route: Route
    backend: Backend
    traffic: Traffic
    cors: CorsPolicy
    hold_s: float
    """How long a request may wait for the service to come back."""
    connect_s: float | None
    """None: two seconds on this machine, ten elsewhere."""
    response_s: float | None
    """Until the response head; None for streams."""
    idle_s: float | None
    """Between two pieces of a body; None for streams."""
    stream: bool
    security: bool
    """Whether answers get the security headers that the service has not sent."""
    chain: Chain | None
    """What is done beyond forwarding; None: nothing."""
