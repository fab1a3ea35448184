"""Which answers are worth compressing, and for whom it may be done (SEMANTICS 3.7, RFC 9110 8.4, 12.5.3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEAST: Final = 1_024
"""A smaller body gains nothing: it fits into one packet as it is."""

_TYPES: Final = frozenset(
    b"application/json application/javascript application/xml application/xhtml+xml application/manifest+json "
    b"application/wasm application/graphql application/x-ndjson application/problem+json application/ld+json "
    b"image/svg+xml image/bmp font/ttf font/otf".split()
)
_ALIASES: Final = {"x-gzip": "gzip"}
_SUFFIXES: Final = (b"+json", b"+xml", b"+text")
_Q: Final = re.compile(rb"0(\.\d{0,3})?|1(\.0{0,3})?")
_NEVER: Final = frozenset({b"text/event-stream"})
"""Each event has to leave when it happens, and some clients do not undo a coding as they read."""


def compressible(content_type: bytes) -> bool:
    """Whether bodies of this type shrink."""
    kind = content_type.partition(b";")[0].strip().lower()
    if kind in _NEVER or kind.startswith(b"application/grpc"):
        return False
    return kind.startswith(b"text/") or kind in _TYPES or kind.endswith(_SUFFIXES)


def chosen(accepted: bytes, offered: Sequence[str]) -> str:
    """The coding that an `Accept-Encoding` likes best, of several the first that is offered. Empty where it takes none, or
    likes the plain form better. Who sends no such header mostly expects the plain form.
    """
    weights = {}
    for item in accepted.lower().split(b","):
        coding, _, parameters = item.partition(b";")
        name = coding.strip().decode("latin-1")
        weights[_ALIASES.get(name, name)] = _weight(parameters)
    others = weights.get("*", 0.0)
    best = max(offered, key=lambda coding: weights.get(coding, others), default="")
    weight = weights.get(best, others)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else ""


def may_transform(cache_control: bytes) -> bool:
    """Whether somebody in the middle may change the representation (RFC 9111 5.2.2.6)."""
    return b"no-transform" not in (part.strip() for part in cache_control.lower().split(b","))


def weakened(tag: bytes) -> bytes:
    """An entity tag of what is equal in meaning and no more in bytes (RFC 9110 8.8.1)."""
    return tag if tag[:2] in (b"W/", b"w/") else b"W/" + tag


def varying(values: Iterable[bytes]) -> bool:
    """Whether `Vary` already says that the answer depends on `Accept-Encoding`."""
    named = {name.strip().lower() for value in values for name in value.split(b",")}
    return not named.isdisjoint((b"*", b"accept-encoding"))


def _weight(parameters: bytes) -> float:
    name, _, value = parameters.partition(b"=")
    if name.strip() != b"q":
        return 1.0
    return float(value) if _Q.fullmatch(value.strip()) else 0.0
