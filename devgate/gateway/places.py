"""Where a request of a route with several sides or a sticky client goes: `policy.sticky` applied to headers and instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.policy.sticky import cookie_value, fraction, read, side

if TYPE_CHECKING:
    from devgate.directory import Entry, Instance
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.recourse import Recourse
    from devgate.policy.sticky import Place


def mark_of(exchange: Exchange, recourse: Recourse) -> bytes:
    """The header value that decides where a client belongs; empty where a cookie does."""
    sticky = recourse.sticky
    return b"" if sticky is None or sticky.header is None else exchange.header(sticky.header.lower().encode())


def place_of(exchange: Exchange, recourse: Recourse) -> Place | None:
    """Where a client's cookie leads, if that is a side of this route."""
    sticky = recourse.sticky
    if sticky is None or mark_of(exchange, recourse):
        return None
    value = cookie_value(exchange.header(b"cookie"), sticky.cookie.encode())
    return read(value, tuple(recourse.sides))


def side_of(exchange: Exchange, recourse: Recourse, place: Place | None) -> str:
    """The service that is asked."""
    sides = tuple(recourse.sides)
    if len(sides) == 1:
        return sides[0]
    if place is not None:
        return place.service
    mark = mark_of(exchange, recourse)
    return side(recourse.shares, fraction(mark)) if mark else recourse.turns.pick(sides)


def why_there(exchange: Exchange, recourse: Recourse, place: Place | None) -> str:
    """Why a request has gone to its side, in words."""
    if place is not None:
        return "as its cookie says"
    if mark_of(exchange, recourse) and recourse.sticky is not None:
        return f"by its header {recourse.sticky.header}"
    return "whose turn it was: " + ", ".join(f"{name} {share:g} %" for name, share in recourse.shares.items())


def instance_of(exchange: Exchange, recourse: Recourse, place: Place | None, entry: Entry) -> Instance | None:
    """The instance that a client keeps to, as long as it is there; None: whoever's turn it is."""
    there = entry.takers(exchange.method)
    if recourse.sticky is None or not there:
        return None
    if place is not None and place.service == entry.service:
        return next((one for one in there if one.replica == place.replica), None)
    mark = mark_of(exchange, recourse)
    # Not the same fraction that has chosen the side, or one side's clients would all be at one end of its instances.
    return there[int(fraction(mark + b"\0") * len(there))] if mark else None
