"""Which answers are worth compressing, and for whom it may be done (SEMANTICS 3.7, RFC 9110 8.4, 12.5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST: Final = 1_024
"""A smaller body gains nothing: it fits into one packet as it is."""

_TYPES: Final = frozenset(
    b"application/json application/javascript application/xml application/xhtml+xml application/manifest+json "
    b"application/wasm application/graphql application/x-ndjson application/problem+json application/ld+json "
    b"image/svg+xml image/bmp font/ttf font/otf".split()
)
_SUFFIXES: Final = (b"+json", b"+xml", b"+text")
_NEVER: Final = frozenset({b"text/event-stream"})
"""Each event has to leave when it happens, and some clients do not undo a coding as they read."""


def compressible(content_type: bytes) -> bool:
    """Whether bodies of this type shrink."""
    kind = content_type.partition(b";")[0].strip().lower()
    if kind in _NEVER or kind.startswith(b"application/grpc"):
        return False
    return kind.startswith(b"text/") or kind in _TYPES or kind.endswith(_SUFFIXES)


def accepts_gzip(accepted: bytes) -> bool:
    """Whether an `Accept-Encoding` allows gzip; without that header nothing but the plain form is expected by most programs."""
    verdict = False
    for item in accepted.lower().split(b","):
        coding, _, parameters = item.partition(b";")
        coding = coding.strip()
        if coding in (b"gzip", b"x-gzip"):
            return _weight(parameters) > 0
        if coding == b"*":
            verdict = _weight(parameters) > 0
    return verdict


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
    try:
        return float(value)
    except ValueError:
        return 0.0
