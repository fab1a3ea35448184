"""The one address in front of all services, as a profile describes it."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from devgate.model.middleware import LimitsSpec
from devgate.model.spec import Spec
from devgate.model.timeouts import TimeoutsSpec
from devgate.model.units import BodyLimit, Duration, Expected, Size

DEFAULT_ORIGINS = (
    "http://localhost:1420",
    "http://127.0.0.1:1420",
    "tauri://localhost",
    "http://tauri.localhost",
    "https://tauri.localhost",
)
"""A Tauri v2 front end in development and packaged on every system (DESKTOP.md 1)."""

DEFAULT_EXPOSED = (
    "X-Request-ID",
    "RateLimit",
    "RateLimit-Policy",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "Retry-After",
    "ETag",
    "Server-Timing",
    "X-Devgate-Error",
    "Proxy-Status",
    "Cache-Status",
    "X-Response-Time",
    "X-Sync-Status",
    "Grpc-Status",
    "Grpc-Message",
)
"""What the gateway adds to answers, and where gRPC-web says how a call has ended that has no message."""


def _network(text: str) -> str:
    """An address or a network.

    Raises:
        ValueError: it is neither.
    """
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is neither an address nor a network; write 127.0.0.1 or 10.0.0.0/8") from None
    return text


Network = Annotated[str, AfterValidator(_network), Expected("an address or a network such as 10.0.0.0/8")]


class CorsSpec(Spec):
    """Cross-origin rules (Fetch standard; SEMANTICS 3.4)."""

    origins: tuple[str, ...] = DEFAULT_ORIGINS
    """Origins that may read answers: exact, scheme and port included. `http://*.example.test` stands for one label. `*` only
    with `credentials: false`. `null` is refused: any page can produce it."""
    methods: tuple[str, ...] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    """Methods a preflight may ask for."""
    headers: tuple[str, ...] = ("*", "Authorization")
    """Request headers a preflight may ask for. `*` is any header but `Authorization`, which must be named."""
    expose: tuple[str, ...] = DEFAULT_EXPOSED
    """Response headers that page code may read."""
    credentials: bool = True
    """Whether cookies and client certificates are allowed."""
    max_age: Duration = 600.0
    """How long a browser may remember a preflight."""
    upstream: Literal["override", "passthrough", "fill"] = "override"
    """What happens to a service's own CORS headers: replaced, kept, or kept and completed."""


class GatewaySpec(Spec):
    """The one address in front of all services."""

    host: str = "127.0.0.1"
    """Address to listen on. Anything but loopback needs `--expose`. `127.0.0.1` also binds `::1` where there is one."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port to listen on; 0 takes a free one."""
    hosts: tuple[str, ...] = ()
    """Further names that a request's `Host` may carry, beyond `localhost`, `*.localhost` and our own addresses."""
    cors: CorsSpec = Field(default_factory=CorsSpec)
    """Which pages of other origins may talk to the services."""
    timeouts: TimeoutsSpec = Field(default_factory=TimeoutsSpec)
    """How long each phase of a request may take, where neither its route nor its service says so."""
    max_body: BodyLimit = "off"
    """Bytes that a request's body may have, else 413."""
    hold: Duration = 30.0
    """How long a request waits for a service that is starting or restarting before it gets a 503."""
    hold_unmanaged: Duration = 0.0
    """The same for a service that devgate does not run (`url`) and that refuses connections: how long a request waits for
    somebody to start it."""
    limits: LimitsSpec = Field(default_factory=LimitsSpec)
    """How many requests may come, and what happens to those beyond."""
    trusted_proxies: tuple[Network, ...] = ()
    """Addresses and networks of proxies in front of devgate: what they say in `Forwarded` and `X-Forwarded-*` is passed on with
    their own address added, and limits `by: ip` count for whom they ask. Of others it is replaced."""
    health: bool = True
    """Whether the gateway itself answers `/health` and `/health/*`. `/_devgate/health` answers always."""
    routes_hint: bool = True
    """Whether a 404 names the nearest routes. Not in development alone: here is nobody to hide them from."""
    debug_headers: bool = False
    """Whether answers say how they came about: `X-Devgate-Attempts`, how often a service was asked (retries, second attempts and
    what a restart made necessary are all counted)."""
    cache_memory: Size = 64 * 2**20
    """How much memory the answers may take that routes with `cache` keep; those not used for longest go first."""
