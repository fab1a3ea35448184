"""`devgate wait`: until services are where a script needs them, or can no longer get there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import click

from devgate.cli import words
from devgate.cli.client import check_names, converse, project_option
from devgate.cli.values import DURATION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.errors import CommandError
    from devgate.model.snapshot import ServiceRow, Snapshot
    from devgate.remote.control import RemoteControl

Goal = Literal["ready", "stopped", "completed"]
LOOK_S: Final = 10.0
"""How long one question waits for something new."""


@click.command("wait")
@click.argument("services", nargs=-1, metavar="[SVC]...", shell_complete=words.services)
@click.option("--for", "goal", type=click.Choice(["ready", "stopped", "completed"]), default="ready", show_default=True)
@click.option(
    "--timeout", type=DURATION, default=120.0, show_default="120s", help="How long to wait; exit 124 after it."
)
@project_option
def command(services: tuple[str, ...], goal: Goal, timeout: float, project: str) -> None:
    """Wait until services are ready, stopped or completed: those named, or all that are meant to run.

    Ends at once with exit 1 when one has crashed, and with exit 4 when one cannot start.
    """

    converse(project, lambda control: reach(control, services, goal, timeout))


async def reach(control: RemoteControl, services: Sequence[str], goal: Goal, timeout_s: float) -> None:
    """Wait until services, or all that are meant to run, are where they should be.

    Raises:
        CommandError: there is no such service, it cannot get there, or time ran out.
    """
    import asyncio

    check_names(services, [row.name for row in (await control.pull()).services])
    try:
        async with asyncio.timeout(timeout_s):
            while open_ := _open(control.snapshot(), services, goal):
                _refuse_hopeless(open_, goal)
                await control.pull(LOOK_S)
    except TimeoutError:
        raise _too_slow(_open(control.snapshot(), services, goal), goal, timeout_s) from None


def _open(snapshot: Snapshot, names: Sequence[str], goal: Goal) -> list[ServiceRow]:
    """The services that are not there yet."""
    from devgate.model.status import Owner, ServiceState

    at_rest = {
        ServiceState.STOPPED,
        ServiceState.EXITED,
        ServiceState.COMPLETED,
        ServiceState.CRASHED,
        ServiceState.BLOCKED,
    }
    done = {
        "ready": {ServiceState.READY, ServiceState.COMPLETED},
        "completed": {ServiceState.COMPLETED},
        "stopped": at_rest,
    }[goal]
    if names:
        rows = [row for row in snapshot.services if row.name in names]
    elif goal == "stopped":
        rows = [row for row in snapshot.services if row.owner is Owner.DEVGATE]
    else:  # what somebody stopped, or what starts only when asked for, is not waited for
        rows = [row for row in snapshot.services if row.state is not ServiceState.STOPPED]
    return [row for row in rows if row.state not in done]


def _refuse_hopeless(rows: Sequence[ServiceRow], goal: Goal) -> None:
    """Raises CommandError for a service that gets there only if a person does something."""
    from devgate.errors import CommandError, Exit
    from devgate.model.status import ServiceState

    for row in rows:
        if row.state in (ServiceState.CRASHED, ServiceState.BLOCKED, ServiceState.EXITED) and goal != "stopped":
            blocked = row.state is ServiceState.BLOCKED
            raise CommandError(
                f"{row.name} is {row.state.value}, not {goal}: {row.cause or row.last_error or 'no reason given'}",
                hint=f"see `devgate logs {row.name}`",
                code=row.state.value,
                exit_code=Exit.SERVICE_BLOCKED if blocked else Exit.SERVICE_FAILED,
            )


def _too_slow(rows: Sequence[ServiceRow], goal: Goal, timeout_s: float) -> CommandError:
    from devgate.errors import CommandError, Exit

    texts = [
        f"{row.name} is {row.state.value}" + f" (for {', '.join(row.waiting_for)})" * bool(row.waiting_for)
        for row in rows
    ]
    return CommandError(
        f"not {goal} after {timeout_s:g} s: {'; '.join(texts)}",
        hint="see `devgate status`, or give it longer with --timeout",
        code="timeout",
        exit_code=Exit.TIMEOUT,
    )
