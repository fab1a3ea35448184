"""`devgate faults`, `devgate faults add` and `devgate faults clear`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from devgate.cli.client import converse, json_option, project_option
from devgate.cli.values import DURATION, SIZE

if TYPE_CHECKING:
    from devgate.model.snapshot import FaultRow
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
@click.argument("route")
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
    """Have something go wrong with the requests of ROUTE, as `devgate routes` calls it, in place of what goes wrong now."""
    from devgate.model.fault import LASTS_S, Fault
    from devgate.model.units import format_duration

    try:
        fault = Fault(latency, status, cut, throttle, share, not no_count)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    lasts_s = LASTS_S if lasts is None else lasts

    async def work(control: RemoteControl) -> None:
        await control.gateway.set_fault(route, fault, lasts_s)
        print(f"{route}: {fault.words}, for {format_duration(lasts_s)}")

    converse(project, work)


@command.command("clear")
@click.argument("route", required=False)
@project_option
def clear(route: str | None, project: str) -> None:
    """Let the requests of ROUTE be, or those of all routes."""

    async def work(control: RemoteControl) -> None:
        before = (await control.pull()).faults
        await control.gateway.clear_faults(route)
        gone = [row.route for row in before if route in (None, row.route)]
        print("\n".join(f"{name}: no fault any more" for name in gone) or "there was no fault")

    converse(project, work)


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
