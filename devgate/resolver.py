"""What the name of a host means: its addresses, looked up once and each of them checked (SEMANTICS 4, threat 8).

Whoever connects to a service asks here, the gateway as well as probes and the sync check: a name that looks like one of this
network can lead to the address where a cloud hands out credentials. `localhost` is never looked up (RFC 6761 6.3): it is
127.0.0.1, then ::1, because development servers bind one or the other and rarely both.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from ipaddress import ip_address
from typing import Final, NamedTuple

from devgate.policy.addresses import may_dial

LOOPBACKS: Final = ("127.0.0.1", "::1")


class Whereabouts(NamedTuple):
    """One address of a host."""

    family: socket.AddressFamily
    host: str
    """A literal address, a link-local one with its zone."""
    port: int


class ProhibitedError(OSError):
    """None of its addresses may be dialled."""


async def resolve(host: str, port: int, *, remote: bool = False) -> list[Whereabouts]:
    """The addresses of a host that may be dialled, in the order in which to try them; at least one.

    Args:
        remote: whether they may be beyond this machine and its private networks, by the user's word (`allow_remote`).

    Raises:
        ProhibitedError: it has addresses, and none may be dialled.
        OSError: it has none.
    """
    found = await _found(host, port)
    # What a name resolves to counts, whatever it looked like when the profile was checked.
    allowed = [one for one in found if may_dial(ip_address(one.host.partition("%")[0]), remote=remote)]
    if not allowed:
        raise ProhibitedError(errno.EACCES, f"{host} is at an address that may not be dialled")
    return allowed


def is_local(host: str) -> bool:
    """`localhost` and everything below it, and loopback addresses."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def _found(host: str, port: int) -> list[Whereabouts]:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        if is_local(host):
            return [Whereabouts(_family(literal), literal, port) for literal in LOOPBACKS]
    else:
        return [Whereabouts(_family(str(address)), host, port)]
    try:
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except ValueError as error:  # a NUL, or a label that IDNA does not know
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
    return [Whereabouts(family, str(where[0]), port) for family, _, _, _, where in infos]


def _family(literal: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in literal else socket.AF_INET
