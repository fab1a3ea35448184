"""Who goes where when a client should keep to its place: cookies and hashes (SEMANTICS 3.5).

A cookie's value says in the open where it leads, as `service.replica`: there is nothing to hide on a developer's machine, and it
can be set by hand to try the other side. It is a wish: what names no place that is there counts for nothing.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Place(NamedTuple):
    """Where a client belongs."""

    service: str
    replica: int
    """-1: anywhere there."""


def cookie_value(cookies: bytes, name: bytes) -> bytes:
    """The value of the first cookie of that name in a `Cookie` header (RFC 6265 5.4); empty if there is none."""
    for pair in cookies.split(b";"):
        key, _, value = pair.partition(b"=")
        if key.strip() == name:
            return value.strip(b' \t"')
    return b""


def read(value: bytes, services: Sequence[str]) -> Place | None:
    """The place that a cookie names, if it is one of `services`."""
    service, dot, replica = value.decode("latin-1").rpartition(".")
    if not dot or service not in services or not replica.isascii() or not replica.isdigit() or len(replica) > 4:
        return None
    return Place(service, int(replica))


def write(place: Place, name: str, life_s: float | None) -> bytes:
    """The value of a `Set-Cookie` that leads there.

    `SameSite=Lax` is what a browser would assume anyway; `None` would need TLS.
    """
    life = "" if life_s is None else f"; Max-Age={int(life_s)}"
    return f"{name}={place.service}.{place.replica}; Path=/; HttpOnly; SameSite=Lax{life}".encode("latin-1")


def fraction(value: bytes) -> float:
    """A number in [0, 1) that belongs to a value: the same today and tomorrow, and in every devgate."""
    return int.from_bytes(hashlib.blake2b(value, digest_size=7).digest()) / 2**56


def side(shares: Mapping[str, float], draw: float) -> str:
    """The one of `shares` (name to weight) that a `draw` in [0, 1) falls on."""
    wanted = draw * sum(shares.values())
    last = ""
    for name, share in shares.items():
        if share > 0:
            last = name
            if wanted < share:
                return name
        wanted -= share
    return last
