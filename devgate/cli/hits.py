"""`devgate hits`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from devgate.cli.client import converse, json_option, project_option

if TYPE_CHECKING:
    from devgate.remote.control import RemoteControl


@click.command("hits")
@json_option
@project_option
def command(as_json: bool, project: str) -> None:
    """Show requests, errors and times of each route since devgate started."""

    async def work(control: RemoteControl) -> None:
        from devgate.cli.table import say
        from devgate.model.wire import encode
        from devgate.tui import route_rows

        snapshot = await control.pull()
        if as_json:
            print(encode({"total": snapshot.traffic, "routes": snapshot.routes}))
            return
        say([column for column in route_rows.COLUMNS if column.key != "trend"], route_rows.routes(snapshot))

    converse(project, work)
