"""`devgate breakers`, `devgate breakers reset` and `devgate breakers force`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from devgate.cli import words
from devgate.cli.client import check_names, converse, json_option, project_option
from devgate.model.status import Forced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.model.snapshot import BreakerRow, ServiceRow
    from devgate.remote.control import RemoteControl


@click.group("breakers", invoke_without_command=True)
@json_option
@project_option
@click.pass_context
def command(context: click.Context, as_json: bool, project: str) -> None:
    """Show when requests to a failing service are refused at once, close a circuit breaker, or decide over its head."""
    if context.invoked_subcommand is not None:
        return

    async def show(control: RemoteControl) -> None:
        _print((await control.pull()).services, as_json=as_json)

    converse(project, show)


@command.command("reset")
@click.argument("service", metavar="SVC", shell_complete=words.services)
@project_option
def reset(service: str, project: str) -> None:
    """Close the breaker of SVC, and end what was forced."""

    async def work(control: RemoteControl) -> None:
        check_names([service], [row.name for row in (await control.pull()).services])
        await control.gateway.reset_breaker(service)
        await _say(control, service)

    converse(project, work)


@command.command("force")
@click.argument("service", metavar="SVC", shell_complete=words.services)
@click.argument("forced", metavar="HOW", type=click.Choice([forced.value for forced in Forced]))
@project_option
def force(service: str, forced: str, project: str) -> None:
    """Decide over the head of the breaker of SVC, until it is reset.

    HOW is open (every request is refused), closed (every request passes, nothing moves), metrics_only (it counts and moves, and
    refuses nothing) or disabled (nothing is counted either).
    """

    async def work(control: RemoteControl) -> None:
        check_names([service], [row.name for row in (await control.pull()).services])
        await control.gateway.force_breaker(service, Forced(forced))
        await _say(control, service)

    converse(project, work)


async def _say(control: RemoteControl, service: str) -> None:
    """How the breaker is now."""
    from devgate.tui import rows

    row = next(row for row in (await control.pull()).services if row.name == service)
    print(f"{service}: {rows.overruled(row.breaker) or rows.breaker(row.breaker)[0]}")


def _why(breaker: BreakerRow) -> str:
    from devgate.tui import rows

    return rows.overruled(breaker) or (breaker.counted if breaker.failures else breaker.why)


def _print(services: Sequence[ServiceRow], *, as_json: bool) -> None:
    from devgate.cli.table import say
    from devgate.model.wire import encode
    from devgate.tui import rows
    from devgate.tui.columns import Column, Row

    if as_json:
        print(encode({row.name: row.breaker for row in services}))
        return
    columns = [
        Column("service", "Service", 16, grow=1, most=28),
        Column("breaker", "Breaker", 9),
        Column("opened", "Opened", 6, right=True),
        Column("refused", "Refused", 7, right=True),
        Column("why", "Why", 24, grow=3),
    ]
    say(
        columns,
        [
            Row(
                row.name,
                {
                    "service": ((row.name, "strong"),),
                    "breaker": (rows.breaker(row.breaker),),
                    "opened": (rows.number(f"{row.breaker.opened}x", row.breaker.opened),),
                    "refused": (rows.number(str(row.breaker.totals.rejected), row.breaker.totals.rejected),),
                    "why": ((_why(row.breaker), "plain"),),
                },
            )
            for row in services
        ],
    )
