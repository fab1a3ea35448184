"""Whether each route can ever win, and whether somebody is there who answers. Pure: sends nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

from devgate.gateway.table import RoutingTable
from devgate.model.status import FAILED, HealthState, ServiceState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from devgate.gateway.table import Route
    from devgate.model.route import RouteSpec
    from devgate.model.snapshot import ServiceRow

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")
ANYTHING: Final = "devgate-sample"
"""Stands for what a route leaves open; no route names it."""


@dataclass(frozen=True, slots=True)
class Verified:
    route: str
    service: str
    verdict: Literal["good", "warning", "bad"]
    detail: str


def verify(specs: Sequence[RouteSpec], services: Mapping[str, ServiceRow] | None) -> list[Verified]:
    """One answer for each route, in their order.

    Args:
        services: of a devgate that runs; None: whether anybody answers is not asked.
    """
    table = RoutingTable(specs)
    found = []
    for route in table.routes:
        service = route.spec.service
        rival = _rival(table, route)
        if rival:
            found.append(Verified(route.id, service, "bad", f"never wins: {rival} takes its requests"))
        elif services is None:
            found.append(Verified(route.id, service, "good", ""))
        else:
            found.append(Verified(route.id, service, *_reach(services.get(service))))
    return found


def _rival(table: RoutingTable, route: Route) -> str:
    """Who takes all that the route was written for; empty if something is left to it."""
    rival = ""
    for method, path, host, headers in _samples(route):
        winner = table.explain(method, path, host, headers).winner
        if winner is route or (route.expression is not None and not _takes_all_below(winner, route)):
            return ""
        rival = winner.id if winner is not None else rival
    return rival or "nobody"


def _takes_all_below(winner: Route | None, route: Route) -> bool:
    """Whether who wins the literal beginning of an expression wins whatever begins so. What fits it else cannot be listed."""
    return winner is not None and winner.expression is None and winner.rest and len(winner.parts) <= len(route.parts)


def _samples(route: Route) -> Iterator[tuple[str, bytes, bytes, list[tuple[bytes, bytes]]]]:
    """Requests that the route fits, as plain as can be: what it does not ask for is not there, or is something unheard of."""
    spec = route.spec
    hosts = [host.replace("*", ANYTHING, 1) for host in spec.hosts] or [f"{ANYTHING}.invalid"]
    headers = [(name, ANYTHING.encode() if value is None else value) for name, value in route.headers]
    for method, path, host in product(spec.methods or METHODS, _paths(route), hosts):
        yield method, path, host.encode("utf-8", "replace"), headers


def _paths(route: Route) -> list[bytes]:
    """Raw paths that fit the route; of an expression its literal beginning."""
    if route.expression is not None:
        return [b"/" + b"/".join(quote(part or b"").encode() for part in route.parts)]
    names = [name for name in route.spec.path.split("/") if name]
    if names[-1:] == ["*"]:
        names.pop()
    names = [ANYTHING if name == "*" or name.startswith("{") else name for name in names]
    paths = ["/" + "/".join(names)]
    if route.rest:
        paths.append("/" + "/".join([*names, ANYTHING]))
    return [path.encode("utf-8", "surrogateescape") for path in paths]


def _reach(row: ServiceRow | None) -> tuple[Literal["good", "warning", "bad"], str]:
    if row is None:
        return "bad", "no such service runs here"
    why = f": {row.cause}" if row.cause else ""
    if row.state in FAILED:
        return "bad", f"{row.name} is {row.state.value}{why}"
    if row.state is not ServiceState.READY:
        return "warning", f"{row.name} is {row.state.value}{why}"
    if row.health in (HealthState.UNHEALTHY, HealthState.DEGRADED):
        return "warning", f"{row.name} is {row.health.value}" + (f": {row.health_detail}" if row.health_detail else "")
    return "good", ""
