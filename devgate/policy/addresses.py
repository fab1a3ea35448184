"""Which hosts a gateway may talk to: the defence against a profile that makes it fetch for somebody else (SEMANTICS 4, threat 8).

This machine and its private networks are what a development gateway is for. Beyond them needs a word of the user's. Link-local
addresses and the others under which clouds hand out credentials are refused whatever anybody says.
"""

from __future__ import annotations

import re
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final


class Reach(Enum):
    """How far away a host is."""

    LOOPBACK = "loopback"
    PRIVATE = "private"
    """An address of a private network, or a name that only such a network can have."""
    REMOTE = "remote"
    PROHIBITED = "prohibited"
    """Never dialled."""
    MALFORMED = "malformed"
    """Neither an address nor a name, or an address in a spelling that hides it (`0x7f.1`, `2130706433`)."""


# Where clouds answer beside 169.254.0.0/16: Alibaba, Oracle, Azure, EC2 over IPv6.
_METADATA: Final = frozenset(
    map(ip_address, ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"))
)
_METADATA_NAMES: Final = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)
_SHARED: Final = ip_network("100.64.0.0/10")  # RFC 6598; overlay networks live there
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052
_PRIVATE_ENDS: Final = (".local", ".internal", ".lan", ".home.arpa", ".test", ".home", ".localdomain")
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)
_NUMERIC: Final = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)")


def reach_of(address: IPv4Address | IPv6Address) -> Reach:
    """How far away an address is; of one that wraps another, how far the inner one is."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return reach_of(address.ipv4_mapped)
        if address in _NAT64:
            return reach_of(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.sixtofour is not None:
            return reach_of(address.sixtofour)
    if address.is_loopback:
        return Reach.LOOPBACK
    special = address.is_link_local or address.is_unspecified or address.is_multicast or address.is_reserved
    if special or address in _METADATA:
        return Reach.PROHIBITED
    return Reach.PRIVATE if address.is_private or address in _SHARED else Reach.REMOTE


def reach_of_host(host: str) -> Reach:
    """How far away a host of a URL seems: an address as it is, a name by what it looks like. What a name resolves to has to be
    asked again with `may_dial`, for every address."""
    name = host.lower().rstrip(".").strip("[]")
    try:
        return reach_of(ip_address(name))
    except ValueError:
        pass
    if not _NAME.fullmatch(name) or _NUMERIC.fullmatch(name):
        return Reach.MALFORMED
    if name == "localhost" or name.endswith(".localhost"):
        return Reach.LOOPBACK
    if name in _METADATA_NAMES:
        return Reach.PROHIBITED
    return Reach.PRIVATE if "." not in name or name.endswith(_PRIVATE_ENDS) else Reach.REMOTE


def may_dial(address: IPv4Address | IPv6Address, *, remote: bool) -> bool:
    """Whether a connection to this address may be made; `remote` is the user's word for the world outside."""
    reach = reach_of(address)
    return reach in (Reach.LOOPBACK, Reach.PRIVATE) or (remote and reach is Reach.REMOTE)


def is_loopback(host: str) -> bool:
    """Whether a listener on this host can only be reached from this machine."""
    return host == "localhost" or (reach_of_host(host) is Reach.LOOPBACK and not host.lower().endswith("localhost"))
