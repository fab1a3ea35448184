"""`devgate faults`, `devgate faults add` and `devgate faults clear`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from devgate.cli import words
from devgate.cli.client import converse, json_option, project_option
from devgate.cli.values import DURATION, SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.model.snapshot import FaultRow, RouteRow
    from devgate.remote.control import RemoteControl


@click.group("faults", invoke_without_command=True)
@json_option
@project_option
@click.pass_context
def command(context: click.Context, as_json: bool, project: str) -> None:
    """List what goes wrong on demand, have something else go wrong with a route's requests, or let them all be."""
    if context.invoked_subcommand is not None:
        return

    async def show(control: RemoteControl) -> None:
        _print((await control.pull()).faults, as_json=as_json)

    converse(project, show)


@command.command("add")
@click.argument("route", shell_complete=words.route_ids)
@click.option("--latency", type=DURATION, default=0.0, help="How long a request waits before it goes on.")
@click.option("--status", type=int, default=0, help="What devgate answers instead of the service: 400 to 599.")
@click.option("--cut", type=SIZE, default=None, help="Reset the connection after so many bytes of the answer's body.")
@click.option("--throttle", type=SIZE, default=0, help="Bytes a second that the answer may have, such as 64KiB.")
@click.option("--share", type=float, default=1.0, help="Share of the requests that it happens to; default: 1, all.")
@click.option("--no-count", is_flag=True, help="The service's breaker does not take it for the service's failure.")
@click.option(
    "--for", "lasts", type=DURATION, default=None, show_default="10m", help="After how long it ends by itself."
)
@project_option
def add(
    route: str,
    latency: float,
    status: int,
    cut: int | None,
    throttle: int,
    share: float,
    no_count: bool,
    lasts: float | None,
    project: str,
) -> None:
    """Have something go wrong with the requests of ROUTE, in place of what goes wrong now.

    ROUTE is the name of a route as `devgate routes` lists it, or its path where no other route has it.
    """
    from devgate.escape import visible
    from devgate.model.fault import LASTS_S, Fault
    from devgate.model.units import format_duration

    try:
        fault = Fault(latency, status, cut, throttle, share, not no_count)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    lasts_s = LASTS_S if lasts is None else lasts

    async def work(control: RemoteControl) -> None:
        name = called((await control.pull()).routes, route)
        await control.gateway.set_fault(name, fault, lasts_s)
        print(f"{visible(name)}: {fault.words}, for {format_duration(lasts_s)}")

    converse(project, work)


@command.command("clear")
@click.argument("route", required=False, shell_complete=words.faulty_routes)
@project_option
def clear(route: str | None, project: str) -> None:
    """Let the requests of ROUTE be, or those of all routes."""
    from devgate.escape import visible

    async def work(control: RemoteControl) -> None:
        snapshot = await control.pull()
        name = None if route is None else called(snapshot.routes, route)
        await control.gateway.clear_faults(name)
        gone = [row.route for row in snapshot.faults if name in (None, row.route)]
        print("\n".join(f"{visible(one)}: no fault any more" for one in gone) or "there was no fault")

    converse(project, work)


def called(routes: Sequence[RouteRow], text: str) -> str:
    """The id of the route that is meant; what means none, or several, is left as it is and refused by devgate."""
    alike = [row.id for row in routes if row.path == text]
    return alike[0] if len(alike) == 1 and not any(row.id == text for row in routes) else text


def _print(faults: tuple[FaultRow, ...], *, as_json: bool) -> None:
    from devgate.cli.table import say
    from devgate.model.units import format_duration
    from devgate.model.wire import encode
    from devgate.tui.columns import Column, Row

    if as_json:
        print(encode(faults))
        return
    if not faults:
        print("no faults")
        return
    columns = [
        Column("route", "Route", 24, grow=1),
        Column("fault", "Fault", 24, grow=1),
        Column("left", "Left", 8, right=True),
        Column("source", "By", 8),
    ]
    say(
        columns,
        [
            Row(
                row.route,
                {
                    "route": ((row.route, "strong"),),
                    "fault": ((row.words, "warn"),),
                    "left": (("-" if row.left_s is None else format_duration(round(row.left_s)), "plain"),),
                    "source": ((row.source, "muted"),),
                },
            )
            for row in faults
        ],
    )
