"""`devgate routes`, `devgate routes explain` and `devgate routes verify`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from devgate.cli.client import connect, json_option, project_option

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devgate.cli.verification import Verified
    from devgate.gateway.table import Explanation
    from devgate.gateway.threshold import Outcome
    from devgate.model.profile import Profile
    from devgate.model.snapshot import RouteRow, Snapshot

profile_option = click.option(
    "--profile", "ref", metavar="PROFILE", help="Not the running profile but this one's file."
)


@click.group("routes", invoke_without_command=True)
@profile_option
@json_option
@project_option
@click.pass_context
def command(context: click.Context, ref: str | None, as_json: bool, project: str) -> None:
    """List routes: of the running devgate, else of the profile that `devgate up` would take."""
    if context.invoked_subcommand is not None:
        return
    snapshot = _running(project) if ref is None else None
    rows = snapshot.routes if snapshot is not None else _written(_load(project, ref))
    if as_json:
        from devgate.model.wire import encode

        print(encode([_document(row) for row in rows]))
    else:
        _print(rows, snapshot)


@command.command("explain")
@click.argument("method")
@click.argument("path")
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A request header; again for more."
)
@profile_option
@json_option
@project_option
def explain(method: str, path: str, headers: tuple[str, ...], ref: str | None, as_json: bool, project: str) -> int:
    """Say which route a request takes, what is done to it on the way, what the service would see, and why the other routes do
    not get it.

    Nothing is sent. PATH may be a whole address. Where devgate answers before any route is asked, because of its name, the page's
    origin or a path of its own, that is said instead. Exit code 1 where the request is refused.
    """
    from urllib.parse import urlsplit

    from devgate.escape import visible
    from devgate.gateway.middleware.wording import told
    from devgate.gateway.table import RoutingTable
    from devgate.gateway.target import BadTarget, parse
    from devgate.gateway.threshold import cross

    running = _running(project) if ref is None else None
    profile = _load(project, running.profile_source if running is not None else ref)
    fields = [_header(text) for text in headers]
    host = next((value for name, value in fields if name.lower() == b"host"), profile.gateway.host.encode())
    table = RoutingTable(profile.routes)
    line = path.encode("utf-8", "surrogateescape")
    try:
        target = parse(method.upper(), line)
        found = table.explain(method.upper(), target.path, target.authority or host, fields)
    except BadTarget as error:
        raise click.UsageError(f"{visible(path)}: {error}; the gateway answers 400") from None
    port = profile.gateway.port if running is None else urlsplit(running.url).port or 0
    before = cross(profile, table, method.upper(), line, fields, port)
    if before.status:
        _print_before(before, as_json=as_json)
        return 1 if before.code else 0
    faults = None if running is None else running.faults
    way = () if found.winner is None else told(found.winner.spec, target.path, profile, faults)
    if before.text and way:
        way = (f"cors: {before.text}", *way)
    if as_json:
        _print_json(found, way)
    else:
        _print_explanation(found, way)
    return 0 if found.winner is not None else 1


@command.command("verify")
@profile_option
@json_option
@project_option
def verify(ref: str | None, as_json: bool, project: str) -> int:
    """Say of each route whether it can ever win, and whether its service is there. Nothing is sent.

    Without a running devgate, and with --profile, only the routes themselves. Exit code 1 if one is of no use.
    """
    from devgate.cli import verification
    from devgate.model.wire import encode

    snapshot = _running(project) if ref is None else None
    profile = _load(project, snapshot.profile_source if snapshot is not None else ref)
    services = {row.name: row for row in snapshot.services} if snapshot is not None else None
    found = verification.verify(profile.routes, services)
    if as_json:
        print(encode(found))
    else:
        _print_verified(found)
    return 1 if any(one.verdict == "bad" for one in found) else 0


def _running(project: str) -> Snapshot | None:
    """The picture of the devgate that runs here, if one does."""
    import asyncio

    from devgate import runfile

    run = runfile.find(Path(project).resolve())
    return asyncio.run(connect(run).pull()) if run is not None else None


def _load(project: str, ref: str | None) -> Profile:
    from devgate.profile.loading import load

    return load(ref, cwd=Path(project).resolve(), environ=os.environ, expose=True).profile


def _written(profile: Profile) -> Sequence[RouteRow]:
    from devgate.model.snapshot import RouteRow, TrafficRow

    return [RouteRow(route.id, route.path, route.methods, route.service, TrafficRow()) for route in profile.routes]


def _document(row: RouteRow) -> dict[str, Any]:
    return {"id": row.id, "path": row.path, "methods": row.methods, "service": row.service}


def _print(routes: Sequence[RouteRow], snapshot: Snapshot | None) -> None:
    """With a devgate behind it each route has the mark of its service."""
    from devgate.cli.table import say
    from devgate.tui import route_rows, rows
    from devgate.tui.columns import Column, Row

    columns = [Column("mark", "", 1), Column("route", "Route", 24, grow=1), Column("service", "Service", 16)]
    marks = {row.name: rows.mark(row) for row in snapshot.services} if snapshot is not None else {}
    faults = {row.route: row.words for row in snapshot.faults} if snapshot is not None else {}
    found = []
    for row in routes:
        cells = {
            "route": route_rows.route(row, ("", "plain"), here=False, fault=faults.get(row.id, "")).cells["route"],
            "service": ((row.service, "plain"),),
        }
        if row.service in marks:
            cells["mark"] = (marks[row.service],)
        found.append(Row(row.id, cells))
    say(columns, found)


def _header(text: str) -> tuple[bytes, bytes]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter(f"{text!r} is not NAME: VALUE", param_hint="-H")
    return name.strip().encode("utf-8", "surrogateescape"), value.strip().encode("utf-8", "surrogateescape")


def _print_before(outcome: Outcome, *, as_json: bool) -> None:
    from devgate.cli.table import painted, wants_colour

    if as_json:
        from devgate.model.wire import encode

        print(
            encode(
                {"route": None, "service": None, "status": outcome.status, "code": outcome.code, "why": outcome.text}
            )
        )
        return
    said = f": {outcome.code}, {outcome.text}" if outcome.code else f": {outcome.text}"
    print(painted(((str(outcome.status), "bad" if outcome.code else "good"), (said, "plain")), colour=wants_colour()))


def _print_explanation(found: Explanation, way: Sequence[str]) -> None:
    from devgate.cli.table import painted, wants_colour

    colour = wants_colour()
    if found.winner is not None:
        runs = ((found.winner.id, "strong"), (" -> ", "muted"), (found.winner.spec.service, "good"))
        print(painted(runs, colour=colour))
        print(
            painted(
                (("the service sees ", "muted"), (found.forwarded.decode("utf-8", "replace"), "plain")), colour=colour
            )
        )
        for line in way:
            print(painted((("on the way  ", "muted"), (line, "plain")), colour=colour))
    elif found.allow:
        print(painted((("405", "bad"), (f": the path matches, with {', '.join(found.allow)}", "plain")), colour=colour))
    else:
        print(painted((("404", "bad"), (": no route matches", "plain")), colour=colour))
        for route in found.nearest:
            print(painted((("near: ", "muted"), (route, "plain")), colour=colour))
    if len(found.candidates) > (found.winner is not None):
        print()
        _table(
            "Why",
            (
                (("●", "good") if one.wins else ("○", "muted"), one.route, one.service, one.why, one.wins)
                for one in found.candidates
            ),
        )


def _print_verified(found: Sequence[Verified]) -> None:
    marks = {"good": ("●", "good"), "warning": ("▲", "warn"), "bad": ("✖", "bad")}
    _table("Detail", ((marks[one.verdict], one.route, one.service, one.detail, False) for one in found))


def _table(title: str, lines: Iterable[tuple[tuple[str, str], str, str, str, bool]]) -> None:
    """Routes and what is to be said of each: mark, route, service, words under `title`, and whether it stands out."""
    from devgate.cli.table import say
    from devgate.tui.columns import Column, Row

    columns = [
        Column("mark", "", 1),
        Column("route", "Route", 24),
        Column("service", "Service", 16),
        Column("words", title, 30, grow=1),
    ]
    found = []
    for mark, route, service, words, strong in lines:
        cells = {
            "mark": (mark,),
            "route": ((route, "strong" if strong else "plain"),),
            "service": ((service, "plain"),),
            "words": ((words, "muted"),),
        }
        found.append(Row(route, cells))
    say(columns, found)


def _print_json(found: Explanation, way: Sequence[str]) -> None:
    from devgate.model.wire import encode

    winner = found.winner
    print(
        encode(
            {
                "route": winner.id if winner is not None else None,
                "service": winner.spec.service if winner is not None else None,
                "forwarded": found.forwarded.decode("utf-8", "surrogateescape") if winner is not None else None,
                "on_the_way": way,
                "status": None if winner is not None else 405 if found.allow else 404,
                "allow": found.allow,
                "nearest": found.nearest,
                "candidates": found.candidates,
            }
        )
    )
