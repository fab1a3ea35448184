"""Who may say on whose behalf a request comes (SEMANTICS 3.2, 3.6): proxies in front of the gateway that the profile trusts."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class TrustedProxies:
    """Addresses and networks. Who is not among them is believed nothing: `X-Forwarded-For` is for everybody to write."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(ip_network(network, strict=False) for network in networks)

    def trusts(self, address: str) -> bool:
        """Whether a peer is one of them."""
        found = _parsed(address)
        return found is not None and any(found in network for network in self._networks)

    def client(self, peer: str, forwarded_for: bytes) -> str:
        """For whom a request counts: of those that it has come by, from the last to the first, the first that is not trusted.

        Args:
            forwarded_for: `X-Forwarded-For` as it came, all lines joined by a comma.
        """
        hops = [hop.strip() for hop in forwarded_for.decode("latin-1").split(",") if hop.strip()]
        client = peer
        while self.trusts(client) and hops:
            hop = hops.pop().removeprefix("[").partition("]")[0]
            if _parsed(hop) is None:
                break  # a name, a port or nonsense: who has passed it on is the last that is known
            client = hop
        return client


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
