"""`devgate reload`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from devgate.cli.client import converse, json_option, project_option
from devgate.cli.planning import carry_out, trust_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.model.snapshot import ServiceRow
    from devgate.remote.control import RemoteControl


@click.command("reload")
@click.option("--dry-run", is_flag=True, help="Show the plan, change nothing.")
@click.option("--apply", "restart_stale", is_flag=True, help="Also restart the services that wait for it (stale).")
@trust_option
@json_option
@project_option
def command(dry_run: bool, restart_stale: bool, trust: bool, as_json: bool, project: str) -> int:
    """Read the running profile again and take what has changed.

    What needs a restart is marked stale until somebody asks: with --apply, `devgate restart`, or `r` on the screen.
    """

    async def work(control: RemoteControl) -> int:
        plan = await control.profiles.propose()
        stale = await _stale(control)
        await carry_out(control, plan, dry_run=dry_run, yes=True, trust=trust, as_json=as_json, waiting=stale)
        if not dry_run and not plan.empty:
            stale = await _stale(control)
        if not as_json:
            _tell(stale, restart=restart_stale, dry_run=dry_run)
        return (
            await _restart(control, [row.name for row in stale], quiet=as_json) if restart_stale and not dry_run else 0
        )

    return converse(project, work)


async def _stale(control: RemoteControl) -> list[ServiceRow]:
    return [row for row in (await control.pull()).services if row.stale]


def _tell(stale: Sequence[ServiceRow], *, restart: bool, dry_run: bool) -> None:
    """What an earlier change still waits for: a plan compares profiles, and knows nothing of what runs."""
    from devgate.cli.table import painted, wants_colour

    what = "waits for a restart" if not restart else "would restart" if dry_run else "restarts"
    for row in stale:
        line = ((f"{row.name} {what} to take ", "plain"), (", ".join(row.stale), "info"))
        print(painted(line, colour=wants_colour()))
    if stale and not restart:
        print("`devgate reload --apply` restarts what waits")


async def _restart(control: RemoteControl, names: Sequence[str], *, quiet: bool) -> int:
    """Returns 0, or the exit code of the first that did not come back."""
    import asyncio

    from devgate.cli.main import report
    from devgate.errors import DevgateError

    results = await asyncio.gather(*(control.services.restart(name) for name in names), return_exceptions=True)
    code = 0
    for name, result in zip(names, results, strict=True):
        if isinstance(result, DevgateError):
            report(result)
            code = code or result.exit_code
        elif result is not None:
            raise result
        elif not quiet:
            print(f"{name} is back")
    return code
