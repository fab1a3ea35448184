"""What `switch` and `reload` have in common: show the plan, ask where something would be lost or is new here, apply."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from devgate.escape import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.errors import CommandError
    from devgate.model.plan import Plan
    from devgate.model.snapshot import ServiceRow
    from devgate.remote.control import RemoteControl


trust_option = click.option("--trust", is_flag=True, help="Agree to the commands that are new in it.")


async def carry_out(
    control: RemoteControl,
    plan: Plan,
    *,
    dry_run: bool,
    yes: bool,
    trust: bool,
    as_json: bool,
    waiting: Sequence[ServiceRow] = (),
) -> None:
    """Show `plan` and apply it.

    Args:
        yes: whoever asks knows that something may be lost.
        trust: whoever asks agrees to what nobody has agreed to yet.
        waiting: services that an earlier change left stale, which a plan knows nothing of.

    Raises:
        CommandError: something would be lost, nobody said yes, and there is nobody to ask (exit 6); or it runs commands that
            nobody agrees to (exit 2).
    """
    show(plan, as_json=as_json, waiting=waiting)
    if dry_run or plan.empty:
        return
    somebody = sys.stdin.isatty() and not as_json
    if plan.unapproved and not trust:
        if not somebody or not click.confirm("Agree to these commands, and apply it?", err=True):
            raise _not_agreed(plan)
    elif loses(plan) and not yes:
        if not somebody:
            raise _nobody_to_ask(plan)
        if not click.confirm("Apply it?", default=True, err=True):
            return
    await control.profiles.apply(plan, by="command line", agreed=bool(plan.unapproved))
    if not as_json:
        print(f"\n{visible(plan.name)} is running")


def show(plan: Plan, *, as_json: bool, waiting: Sequence[ServiceRow] = ()) -> None:
    from devgate.cli.table import painted, wants_colour
    from devgate.model.wire import encode, plain
    from devgate.tui.plan_text import lines

    if as_json:
        stale = [{"service": row.name, "keys": row.stale} for row in waiting]
        print(encode({**plain(plan), "empty": plan.empty, "summary": plan.summary, "waiting": stale}))
        return
    if plan.empty and waiting:  # "nothing to do" would be only half the truth
        print("Nothing is new in the profile.")
        return
    for line in lines(plan):
        print(painted(line, colour=wants_colour()))


def loses(plan: Plan) -> bool:
    """Whether something that runs is interrupted."""
    return bool(plan.stop or plan.restart or plan.rebind)


def _not_agreed(plan: Plan) -> CommandError:
    from devgate.errors import CommandError, Exit

    return CommandError(
        f"not applied: {plan.source} runs commands that nobody has agreed to",
        hint="read what is new in the plan, then say --trust",
        code="untrusted-profile",
        exit_code=Exit.USAGE,
    )


def _nobody_to_ask(plan: Plan) -> CommandError:
    from devgate.errors import CommandError, Exit

    return CommandError(
        f"not applied: it would stop or restart services ({plan.summary})",
        hint="say --yes, or look only with --dry-run",
        code="confirmation-needed",
        exit_code=Exit.OTHER_RUNNING,
    )
