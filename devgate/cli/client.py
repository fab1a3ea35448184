"""What every client verb begins with: find the devgate that runs here, and ask it something."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from devgate.errors import CommandError
    from devgate.remote.control import RemoteControl
    from devgate.runfile import RunFile

T = TypeVar("T")

project_option = click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False),
    default=".",
    help="Folder of the project; default: here or the nearest above where devgate runs.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")


def locate(project: str) -> RunFile:
    """The devgate that runs in `project` or above.

    Raises:
        DevgateError: none does, or its run file cannot be used (exit 5).
    """
    from devgate import runfile

    folder = Path(project).resolve()
    found = runfile.search(folder)
    if found is not None and found[1].alive:
        return found[1]
    raise runfile.exposed(folder) or nothing_runs(found[1] if found else None)


def nothing_runs(dead: RunFile | None) -> CommandError:
    """The answer to every verb that needs a running devgate; `dead` left a run file behind."""
    from devgate.errors import CommandError, Exit

    died = f": pid {dead.pid} ended without clearing up" if dead else ""
    return CommandError(
        f"no devgate runs here{died}",
        hint="start it with `devgate up`, or name its folder with --project",
        code="not-running",
        status=503,
        exit_code=Exit.NOT_RUNNING,
    )


def connect(run: RunFile) -> RemoteControl:
    from devgate.remote.control import RemoteControl
    from devgate.remote.link import LoopbackHttp

    return RemoteControl(LoopbackHttp(run.control_url, run.token), publish=lambda event: None)


def converse(project: str, work: Callable[[RemoteControl], Awaitable[T]]) -> T:
    """Run `work` with the devgate that runs in `project`.

    Raises:
        CommandError: none does, or it refuses.
    """
    import asyncio

    run = locate(project)

    async def talk() -> T:
        return await work(connect(run))

    return asyncio.run(talk())


def check_names(names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse the first name that no service has, before anything is done for the others.

    Raises:
        CommandError: with the nearest name (exit 2).
    """
    from devgate.engine.commands import unknown_service

    known = list(known)
    for name in names:
        if name not in known:
            raise unknown_service(name, known)
