"""Routes as rows of cells, each with the mark of the service behind it: pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from devgate.model.expression import MARK, PathExpression
from devgate.tui import format as fmt
from devgate.tui import rows
from devgate.tui.columns import Column, Row

if TYPE_CHECKING:
    from devgate.model.snapshot import RouteRow, Snapshot
    from devgate.tui.ink import Run, Runs

COLUMNS: Final = (
    Column("mark", "", 1),
    Column("route", "Route", 28, grow=1),
    Column("hits", "Hits", fmt.COUNT, right=True),
    Column("trend", "Last min.", 10, drop=3),
    Column("rate", "Req/m", fmt.COUNT, right=True, drop=5),
    Column("errors", "Err", 4, right=True, drop=1),
    Column("p50", "p50", fmt.MILLISECONDS, right=True, drop=4),
    Column("p95", "p95", fmt.MILLISECONDS, right=True, drop=2),
    Column("last", "Last", 4, right=True),
)


def routes(snapshot: Snapshot, selected: str = "") -> list[Row]:
    """One row a route, with the mark of the service behind it; the selected service's routes stand out."""
    marks = {row.name: rows.mark(row) for row in snapshot.services}
    faults = {row.route: row.words for row in snapshot.faults}
    paths = Counter(row.path for row in snapshot.routes)
    return [
        route(
            row,
            marks.get(row.service, ("✖", "bad")),
            here=row.service == selected,
            fault=faults.get(row.id, ""),
            shared=paths[row.path] > 1,
        )
        for row in snapshot.routes
    ]


def route(row: RouteRow, sign: Run, *, here: bool, fault: str = "", shared: bool = False) -> Row:
    traffic = row.traffic
    return Row(
        row.id,
        {
            "mark": (sign,),
            "route": (*_route_name(row, here=here, shared=shared), *(((f" {fault}", "warn"),) if fault else ())),
            "hits": (rows.number(fmt.count(traffic.total), traffic.total),),
            "trend": ((fmt.sparkline(traffic.spark, 10), "spark"),),
            "rate": (rows.number(fmt.count(traffic.per_minute), traffic.per_minute),),
            "errors": (rows.errors(traffic),),
            "p50": ((fmt.milliseconds(traffic.p50_ms), "plain" if traffic.p50_ms is not None else "muted"),),
            "p95": ((fmt.milliseconds(traffic.p95_ms), "plain" if traffic.p95_ms is not None else "muted"),),
            "last": (rows.status(traffic.last_status),),
        },
    )


def _route_name(row: RouteRow, *, here: bool, shared: bool) -> Runs:
    """The path first, because it tells routes apart; a name of its own instead, where it has one.

    Args:
        shared: another route has this path, so that what tells them apart comes first: a narrow pane cuts the end.
    """
    ink = "strong" if here else "plain"
    if not row.id.endswith(row.path):
        return ((row.id, ink),)
    methods = "|".join(row.methods)
    hosts = row.id.removesuffix(row.path).strip().removeprefix(methods).strip()
    besides = [(text, "muted") for text in (hosts, methods) if text]
    first, *rest = [*besides, (row.path, ink)] if shared else [(row.path, ink), *besides]
    return (first, *((f" {text}", shade) for text, shade in rest))


def fixed_part(path: str) -> str:
    """A route's path as far as it is known without asking: `/api/chat/{id}/x` begins with `/api/chat/`."""
    if path.startswith(MARK):
        return "".join(f"/{name}" for name in PathExpression(path).literal) or "/"
    for sign in ("*", "{"):
        path = path.partition(sign)[0]
    return path or "/"
