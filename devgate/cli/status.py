"""`devgate status`: the screen's first view as text, once or again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from devgate.cli.client import converse, json_option, project_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devgate.model.snapshot import Snapshot
    from devgate.remote.control import RemoteControl
    from devgate.tui.ink import Run

AGAIN_S: Final = 20.0
"""How long one question of `--watch` waits for something new."""
BREATH_S: Final = 0.25
"""Between two pictures of `--watch`: nobody reads faster."""


@click.command("status")
@json_option
@click.option("--watch", is_flag=True, help="Again whenever something changes, until Ctrl-C.")
@project_option
def command(as_json: bool, watch: bool, project: str) -> None:
    """Show services, health and traffic of the devgate that runs here."""

    async def show(control: RemoteControl) -> None:
        import asyncio

        wait_s = 0.0
        while True:
            _print(await control.pull(wait_s), as_json=as_json, in_place=watch)
            if not watch:
                return
            wait_s = AGAIN_S
            await asyncio.sleep(BREATH_S)

    converse(project, show)


def _print(snapshot: Snapshot, *, as_json: bool, in_place: bool) -> None:
    import sys

    from devgate.model.wire import encode

    if as_json:
        print(encode(snapshot), flush=True)
        return
    text = "\n".join(lines(snapshot))
    home = "\x1b[H\x1b[J" if in_place and sys.stdout.isatty() else ""
    print(home + text, flush=True)


def lines(snapshot: Snapshot) -> Iterator[str]:
    """The head, the table, and below it what has no room in it."""
    from devgate.cli import table
    from devgate.tui import rows

    colour, width = table.wants_colour(), table.room()
    yield table.painted(rows.joined(head(snapshot)), colour=colour)
    for problem in snapshot.config_problems:
        first, *more = problem.split("\n")
        label = ("waits for agreement: ", "warn") if snapshot.config_waits else ("config error: ", "bad")
        yield table.painted((label, (first, "plain")), colour=colour)
        yield from (table.painted(((line, "plain"),), colour=colour) for line in more)
    columns = [column for column in rows.SERVICES if column.key not in ("trend", "why")]
    found = rows.services(snapshot)
    yield ""
    yield from table.lines(table.natural(columns, found, width), found, cut=width is not None, colour=colour)
    reasons = [(row, reason) for row in snapshot.services if (reason := rows.why(row))]
    if reasons:
        yield ""
    for row, reason in reasons:
        yield table.painted((rows.mark(row), (f" {row.name}: ", "strong"), *reason), colour=colour)


def head(snapshot: Snapshot) -> list[Run]:
    """Profile, address, how many are ready, health, versions, traffic, age."""
    from devgate.tui import format as fmt
    from devgate.tui import rows

    ready = "good" if snapshot.ready >= snapshot.total else "warn"
    health = {"healthy": "good", "unhealthy": "bad", "degraded": "warn"}.get(snapshot.health.value, "muted")
    parts: list[Run] = [
        (snapshot.profile, "title"),
        (snapshot.url, "key"),
        (f"{snapshot.ready}/{snapshot.total} ready", ready),
        (snapshot.health.value, health),
    ]
    parts.append(rows.sync_summary(snapshot))
    rate = snapshot.traffic.per_minute
    parts += [rows.number(f"{fmt.count(rate)} req/min", rate), (f"up {fmt.span(snapshot.uptime_s)}", "muted")]
    if rows.is_exposed(snapshot):
        parts.insert(2, rows.EXPOSED)
    if snapshot.stopping:
        parts.insert(2, ("stopping", "warn"))
    return parts
