"""`devgate switch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from devgate.cli import words
from devgate.cli.client import converse, json_option, project_option
from devgate.cli.planning import carry_out, trust_option

if TYPE_CHECKING:
    from devgate.remote.control import RemoteControl


@click.command("switch")
@click.argument("profile", shell_complete=words.profiles)
@click.option("--dry-run", is_flag=True, help="Show the plan, change nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask whether something may be interrupted.")
@trust_option
@json_option
@project_option
def command(profile: str, dry_run: bool, yes: bool, trust: bool, as_json: bool, project: str) -> None:
    """Switch the running devgate to PROFILE: equal services keep running, the address stays.

    A path is taken as the running devgate sees it: relative to its project's folder.
    """

    async def work(control: RemoteControl) -> None:
        plan = await control.profiles.propose(profile)
        await carry_out(control, plan, dry_run=dry_run, yes=yes, trust=trust, as_json=as_json)

    converse(project, work)
