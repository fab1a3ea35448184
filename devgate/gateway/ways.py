"""How instances are reached, and what their services are told: pools by address, and the head of a request as it goes out."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.gateway.failures import Failure
from devgate.gateway.forwarded import appended_lines, forwarded_lines
from devgate.gateway.headers import max_forwards_line
from devgate.gateway.upstream.dial import Origin
from devgate.gateway.upstream.pools import Pools

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from devgate.directory import Endpoint, Instance
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.lane import Lane
    from devgate.gateway.upstream.pool import Pool

MEMO_SIZE: Final = 256

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Way:
    """How an instance is reached in its present run."""

    endpoint: Endpoint
    pool: Pool
    host_line: bytes
    origins: tuple[bytes, ...]
    """What it may call itself in a `Location`, each as `http://host:port`."""


class Ways:
    """All that this gateway knows about its services' addresses.

    Args:
        now: monotonic seconds.
        pseudonym: tells this gateway from others in `Via`.
    """

    def __init__(self, now: Callable[[], float], pseudonym: str) -> None:
        self._pools = Pools(now)
        self._ways: dict[Instance, Way] = {}
        self._remote: frozenset[str] = frozenset()
        self._mark = b"devgate (%b)" % pseudonym.encode()
        self._after = b"%%b%%b%%bX-Request-ID: %%b\r\nVia: 1.1 %b\r\n\r\n" % self._mark
        """A head after its `Host` line: what passes, what concerns this hop, where it comes from, its id."""
        self._forwarded: dict[tuple[str, bytes, bytes], bytes] = {}
        self._tls: ssl.SSLContext | None = None

    def to(self, instance: Instance) -> Way:
        """The way to an instance that serves."""
        way = self._ways.get(instance)
        endpoint = instance.endpoint
        assert endpoint is not None  # it serves
        if way is None or way.endpoint is not endpoint:
            way = self._ways[instance] = self._find(endpoint, remote=instance.service in self._remote)
        return way

    def retain(self, instances: Collection[Instance], remote: frozenset[str]) -> None:
        """Forget all others, and close the connections that nobody will use.

        Args:
            remote: the services that may be beyond this machine and its private networks.
        """
        kept = instances if remote == self._remote else ()
        self._remote = remote
        self._ways = {instance: way for instance, way in self._ways.items() if instance in kept}
        self._pools.retain({way.pool.origin for way in self._ways.values()})

    async def aclose(self) -> None:
        await self._pools.aclose()

    def head(self, exchange: Exchange, lane: Lane, path: bytes) -> tuple[bytes, bytes]:
        """A request's head as a service gets it, before and after the `Host` line.

        Raises:
            Failure: it has been here before.
        """
        greeting = exchange.greeting
        noted = greeting.noted
        if b"via" in noted and self._mark in noted[b"via"]:
            raise Failure(
                "loop",
                f"The request came back to this gateway by way of {lane.backend.name}.",
                hint="the service's address leads to the gateway itself",
                stage="route",
            )
        hop = b""
        if exchange.upgrade:
            hop = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        elif b"te" in noted and b"trailers" in noted[b"te"].lower():
            hop = b"Connection: TE\r\nTE: trailers\r\n"
        if b"max-forwards" in noted:
            hop += max_forwards_line(exchange.method, noted[b"max-forwards"])
        return b"%b %b%b HTTP/1.1\r\n" % (exchange.method.encode(), path, exchange.query), self._after % (
            greeting.passing,
            hop,
            self._forwarded_lines(exchange, lane),
            exchange.id,
        )

    def _forwarded_lines(self, exchange: Exchange, lane: Lane) -> bytes:
        client, prefix = exchange.client, lane.route.prefix
        if lane.trusted is not None and lane.trusted.trusts(client.peer):
            return appended_lines(exchange.raw_headers, client.peer, exchange.host, client.port, prefix)
        key = (client.peer, exchange.host, prefix)
        lines = self._forwarded.get(key)
        if lines is None:
            if len(self._forwarded) >= MEMO_SIZE:
                self._forwarded.clear()
            lines = self._forwarded[key] = forwarded_lines(client.peer, exchange.host, client.port, prefix)
        return lines

    def _find(self, endpoint: Endpoint, *, remote: bool) -> Way:
        # A service on 127.0.0.1 may have bound ::1 only, and call itself localhost; that name is tried on both.
        local = endpoint.host == "127.0.0.1"
        origin = Origin(endpoint.scheme, "localhost" if local else endpoint.host, endpoint.port, remote=remote)
        if endpoint.scheme == "https" and self._tls is None:
            self._tls = ssl.create_default_context()
        pool = self._pools.get(origin, tls=self._tls if endpoint.scheme == "https" else None)
        authority = endpoint.url.partition("://")[2]
        if endpoint.port == _DEFAULT_PORTS.get(endpoint.scheme):
            authority = authority.rpartition(":")[0]
        names = {endpoint.url, endpoint.url.replace("127.0.0.1", "localhost") if local else endpoint.url}
        names.add(f"{endpoint.scheme}://{authority}")
        return Way(endpoint, pool, b"Host: %b\r\n" % authority.encode(), tuple(name.encode() for name in sorted(names)))
