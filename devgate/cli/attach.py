"""`devgate attach`: the screen of a devgate in another process. Leaving it stops nothing unless the quit dialog says so."""

from __future__ import annotations

import asyncio
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from devgate.cli.client import connect, locate, project_option
from devgate.errors import CommandError, Exit

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.remote.control import RemoteControl
    from devgate.runfile import RunFile
    from devgate.supervisor.guardian import Guardian


@click.command("attach")
@project_option
def command(project: str) -> int:
    """Open the screen of the devgate that runs here.

    `d` leaves it and everything goes on; `q` asks whether to stop devgate.
    """
    return attach(locate(project))


def attach(run: RunFile) -> int:
    """Show the screen of `run` until it is left or devgate has ended; returns the exit code.

    Raises:
        CommandError: there is no terminal, or no answer.
    """
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise CommandError(
            "the screen needs a terminal",
            hint="without one there are `devgate status` and `devgate logs -f`",
            code="no-terminal",
            exit_code=Exit.USAGE,
        )
    import gc

    from devgate.supervisor.guardian import Guardian

    gc.enable()  # `up` has held it
    with Guardian.start("") as guardian:  # it has no process to end, but a terminal to give back
        return asyncio.run(_attach(run, guardian))


async def _attach(run: RunFile, guardian: Guardian) -> int:
    from devgate.cli.launch import STOPPED_BY
    from devgate.cli.screen_settings import keys_file, theme
    from devgate.tasks import Scope
    from devgate.tui.session import run_screen

    left: list[str] = []
    async with connect(run) as control:
        guardian.screen(on=True)
        try:
            async with Scope("attach", lambda event: None) as scope:
                screen = run_screen(control, keymap=keys_file(), theme=theme(), attached=True)
                shown = scope.fatal("screen", screen)
                gone = scope.fatal("gone", control.gone())

                def leave(name: str) -> None:
                    left.append(name)
                    shown.cancel()

                for name in STOPPED_BY:
                    _on_signal(name, partial(leave, name))
                await asyncio.wait({shown, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            guardian.screen(on=False)
        stopped = _has_stopped(control)
    if left:
        return STOPPED_BY[left[0]]
    if stopped:
        print(f"devgate at {run.url} has stopped")
    else:
        print(f"devgate goes on at {run.url}; `devgate attach` shows it, `devgate down` stops it")
    return Exit.SERVICE_FAILED if shown.done() and not shown.cancelled() and shown.result() else Exit.OK


def _has_stopped(control: RemoteControl) -> bool:
    """Whether it is about to, too: who has seen the last service go need not hear that devgate goes on."""
    try:
        return control.snapshot().stopping
    except CommandError:
        return True


def _on_signal(name: str, act: Callable[[], object]) -> None:
    number = getattr(signal, name, None)
    if number is not None:
        try:
            asyncio.get_running_loop().add_signal_handler(number, act)
        except NotImplementedError:  # Windows' loop; its console ends us without asking
            pass
