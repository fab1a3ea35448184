"""What an answer tells the gateway's cache: `CDN-Cache-Control` where it has one (RFC 9213), else `Cache-Control`.

A service that speaks to the caches in front of it apart from browsers speaks to this one: a gateway works on its behalf, as a CDN
does, and stands where one will stand later. So the target list (2.2) is that one field. A name of our own before it, as
CDNs have theirs, would be one that no service sends.

It is a structured field (RFC 8941 3.2) and no second `Cache-Control`: keys are in lower case, of equal ones the last counts, a
field that does not parse is ignored as a whole, and a number in quotes is no number. No library is taken for it: all that can
stand here is a dictionary of plain items. Lists within it are not read, for no directive has one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from devgate.policy.cache_control import directives

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devgate.policy.cache_control import Directives

FIELD: Final = b"cdn-cache-control"
_NUMBERS: Final = frozenset({b"max-age", b"s-maxage", b"stale-if-error", b"stale-while-revalidate"})
"""Directives whose values are whole numbers; with another they are not there (RFC 9213 2.1)."""
_KEY: Final = rb"[a-z*][a-z0-9_.*-]*"
_ITEM: Final = (
    rb"-?[0-9]{1,15}(?:\.[0-9]{1,3})?"
    rb'|"(?:[ !#-\[\]-~]|\\["\\])*"'
    rb"|[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*"
    rb"|:[A-Za-z0-9+/=]*:"
    rb"|\?[01]"
)
_MEMBER: Final = re.compile(
    rb"(%b)(?:=(%b))?(?:; *%b(?:=(?:%b))?)*[ \t]*(?:,[ \t]*(?=[^ \t])|\Z)" % (_KEY, _ITEM, _KEY, _ITEM)
)


class Told(NamedTuple):
    """See the module."""

    directives: Directives
    targeted: bool
    """Whether it is said to caches like this one: then `Expires` is not meant for it either."""


def told(answer: Iterable[tuple[bytes, bytes]]) -> Told:
    """The directives that count."""
    targeted, general = [], []
    for name, value in answer:
        key = name.lower()
        if key == FIELD:
            targeted.append(value)
        elif key == b"cache-control":
            general.append(value)
    members = _dictionary(b",".join(targeted)) if targeted else {}
    if not members:
        return Told(directives(general), targeted=False)
    return Told({name: item for name, item in members.items() if _meant(name, item)}, targeted=True)


def _meant(name: bytes, item: bytes | None) -> bool:
    if name in _NUMBERS:
        return item is not None and item.removeprefix(b"-").isdigit()
    return item != b"?0"


def _dictionary(value: bytes) -> dict[bytes, bytes | None]:
    """Keys and items of a structured field, without parameters; empty where it does not parse."""
    found: dict[bytes, bytes | None] = {}
    value, at = value.strip(b" \t"), 0
    while at < len(value):
        match = _MEMBER.match(value, at)
        if match is None:
            return {}
        found[match[1]] = match[2]
        at = match.end()
    return found
