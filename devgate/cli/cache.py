"""`devgate cache` and `devgate cache clear`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from devgate.cli.client import converse, json_option, project_option

if TYPE_CHECKING:
    from devgate.remote.control import RemoteControl


@click.group("cache", invoke_without_command=True)
@json_option
@project_option
@click.pass_context
def command(context: click.Context, as_json: bool, project: str) -> None:
    """Show how many answers are kept, and how often that was of use. Routes keep answers with `cache:` in the profile."""
    if context.invoked_subcommand is not None:
        return

    async def show(control: RemoteControl) -> None:
        from devgate.model.wire import encode

        row = (await control.pull()).cache
        if as_json:
            print(encode(row))
            return
        asked = row.hits + row.misses
        share = f", {row.hits / asked:.0%} of {asked:,} requests" if asked else ""
        print(f"{row.answers:,} answers kept in {_mib(row.bytes)} of {_mib(row.limit)}; {row.hits:,} hits{share}")

    converse(project, show)


@command.command("clear")
@click.argument("path", default="")
@project_option
def clear(path: str, project: str) -> None:
    """Drop the kept answers whose path begins with PATH, or all."""

    async def work(control: RemoteControl) -> None:
        count = await control.gateway.clear_cache(path)
        print(f"{count:,} {'answer' if count == 1 else 'answers'} dropped")

    converse(project, work)


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
