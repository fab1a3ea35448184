"""`devgate open`: a route in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from devgate.cli import words
from devgate.cli.client import converse, project_option

if TYPE_CHECKING:
    from devgate.model.snapshot import Snapshot
    from devgate.remote.control import RemoteControl


@click.command("open")
@click.argument("route", required=False, metavar="[ROUTE]", shell_complete=words.routes)
@click.option("--print", "only_print", is_flag=True, help="Only print the address.")
@project_option
def command(route: str | None, only_print: bool, project: str) -> None:
    """Open ROUTE in the browser, through the gateway; without it the gateway's address.

    ROUTE is a path, the name of a route as `devgate routes` lists it, or a service, which means its first route.
    """
    from devgate.escape import visible

    async def work(control: RemoteControl) -> str:
        return address_of(await control.pull(), route)

    address = converse(project, work)
    print(visible(address))
    if not only_print:
        _show(address)


def address_of(snapshot: Snapshot, route: str | None) -> str:
    """Where a route is.

    Raises:
        CommandError: there is none, or its path has places that somebody must fill in.
    """
    from urllib.parse import quote

    from devgate.errors import CommandError, Exit
    from devgate.model.expression import MARK

    if not route:
        return snapshot.url
    ids = {row.id: row for row in snapshot.routes}
    found = ids.get(route) or next((row for row in snapshot.routes if route in (row.path, row.service)), None)
    if found is None and not route.startswith("/"):
        from difflib import get_close_matches

        near = get_close_matches(route, [*ids, *(row.service for row in snapshot.routes)], n=1)
        raise CommandError(
            f"there is no route {route!r}",
            hint=f"did you mean {near[0]!r}?" if near else "see `devgate routes`, or give a path",
            code="unknown-route",
            status=404,
            exit_code=Exit.USAGE,
        )
    path = (found.path if found is not None else route).removesuffix("*")
    if found is not None and ({"{", "*"} & {*path} or path.startswith(MARK)):
        raise CommandError(
            f"{found.path} has a place to be filled in",
            hint="give the whole path",
            code="open-path",
            exit_code=Exit.USAGE,
        )
    return snapshot.url + quote(path, safe="/?#[]@!$&'()*+,;=:%~")


def _show(address: str) -> None:
    import webbrowser

    from devgate.errors import CommandError

    if not webbrowser.open(address):
        raise CommandError("there is no browser here", hint="$BROWSER says which to use", code="no-browser")
