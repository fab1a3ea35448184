"""What becomes of a request before any route is asked, without sending it: for `devgate routes explain`.

It is taken through the same door as a real one (`reception.receive`), so it cannot be told anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from devgate.gateway.exchange import Exchange
from devgate.gateway.failures import Failure
from devgate.gateway.reception import receive
from devgate.gateway.rules import Rules
from devgate.policy.cors import CorsPolicy
from devgate.policy.host import HostPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.gateway.greeting import Greeting
    from devgate.gateway.headers import Field
    from devgate.gateway.table import RoutingTable
    from devgate.model.profile import Profile

_UNSPECIFIED = ("0.0.0.0", "::")


class Outcome(NamedTuple):
    """See the module."""

    status: int
    """Of the answer that the gateway gives itself; 0: the request goes on to the routes."""
    code: str
    """Slug of its refusal; empty where it answers."""
    text: str
    """The same in words; of one that goes on, what is said of its `Origin`, if it has one."""


class _Nobody:
    """Stands for the client (`exchange.Client`), of which nothing is asked but to take the answer."""

    peer = ""
    port = 0
    ending = False
    greeting: Greeting | None = None

    def write(self, data: bytes) -> None:
        """Nobody reads it."""

    def date_line(self) -> bytes:
        return b""


def cross(
    profile: Profile, table: RoutingTable, method: str, target: bytes, fields: Sequence[Field], port: int
) -> Outcome:
    """What the gateway of `profile` makes of a request.

    Args:
        fields: its header fields; without `Host` it is called by its address.
        port: that the gateway listens on; 0: not known, and then any port is taken for it.
    """
    gateway = profile.gateway
    named = next((value for name, value in fields if name.lower() == b"host"), None)
    called = gateway.host if gateway.host not in _UNSPECIFIED else "localhost"
    host = (f"[{called}]" if ":" in called else called).encode() if named is None else named
    if not port and host.rpartition(b":")[2].isdigit() and not host.endswith(b"]"):
        host = host.rpartition(b":")[0]
    addresses = ("127.0.0.1", "::1", *(() if gateway.host in _UNSPECIFIED else (gateway.host,)))
    rules = Rules(
        table,
        (),
        HostPolicy(gateway.hosts, addresses, port),
        CorsPolicy(gateway.cors),
        None,
        health=gateway.health,
        hints=gateway.routes_hint,
        debug_headers=gateway.debug_headers,
    )
    others = [(name, value) for name, value in fields if name.lower() != b"host"]
    upgrade = any(name.lower() == b"upgrade" for name, _ in others)
    exchange = Exchange(
        cast("Any", _Nobody()),
        method,
        target,
        ((b"Host", host), *others),
        None,
        http10=False,
        close=False,
        upgrade=upgrade,
        arrived=0.0,
    )
    try:
        errand = receive(rules, exchange, lambda: b"-")
    except Failure as failure:
        return Outcome(failure.status, failure.code, failure.message + (f" ({failure.hint})" if failure.hint else ""))
    if errand is None:
        return Outcome(exchange.status, "", "devgate answers this itself: it is about the gateway, not a service")
    if errand.own is not None:
        read = method in ("GET", "HEAD")
        text = "devgate answers this itself: it is one of its own paths"
        return (
            Outcome(200, "", text) if read else Outcome(405, "method-not-allowed", f"{text}, and those are only read")
        )
    verdict = exchange.cors
    if verdict is None or not verdict.origin:
        return Outcome(0, "", "")
    origin = verdict.origin.decode("latin-1")
    word = "is allowed" if verdict.allowed else "is not allowed, so its page cannot read the answer"
    return Outcome(0, "", f"{origin} {word}")
