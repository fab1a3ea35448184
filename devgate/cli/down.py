"""`devgate down`: returns when devgate and everything it ran are gone."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from devgate.cli.client import connect, nothing_runs, project_option
from devgate.cli.values import DURATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.processes import Process
    from devgate.runfile import RunFile

LOOK_S: Final = 0.05
"""Between two looks at a process that is not our child: there is nothing to wait on."""
GRACE_S: Final = 2.0
"""From TERM to KILL for what a dead devgate left behind; its guardian does the same, if it still can."""
_KILL: Final = getattr(signal, "SIGKILL", signal.SIGTERM)


@click.command("down")
@click.option("--timeout", type=DURATION, default=30.0, show_default="30s", help="How long to wait; exit 124 after it.")
@click.option("--now", is_flag=True, help="Kill at once: no draining, no signals, no grace.")
@project_option
def command(timeout: float, now: bool, project: str) -> None:
    """Stop the devgate that runs here, and everything it runs. Returns when all of it is gone."""
    from devgate import runfile

    folder = Path(project).resolve()
    found = runfile.search(folder)
    unusable = runfile.exposed(folder) if found is None or not found[1].alive else None
    if unusable is not None:
        raise unusable
    if found is None:
        raise nothing_runs(None)
    state, run = found
    was_alive = run.alive
    if was_alive:
        _ask_to_stop(run, now=now)
    gone = _within(timeout, lambda: not run.alive)
    left = _end_leftovers(run, timeout_s=timeout, now=now) if gone else []
    if not gone or left:
        raise _too_slow(["devgate itself"] if not gone else [f"pid {process.pid}" for process in left], timeout)
    runfile.release(state, run)
    if was_alive:
        print(f"devgate (pid {run.pid}) and everything it ran are gone")
    else:
        print(f"devgate (pid {run.pid}) had ended without clearing up; nothing of it is left now")


def _ask_to_stop(run: RunFile, *, now: bool) -> None:
    """By the control API; with `now` by a signal, too, if devgate does not listen any more. The guardian does the rest."""
    import asyncio
    import os

    from devgate.errors import CommandError

    try:
        asyncio.run(connect(run).stop("down", now=now))
    except CommandError as error:
        if not run.alive:
            return
        if error.code != "no-answer" or not now:
            error.hint = error.hint or "`devgate down --now` kills it"
            raise
        os.kill(run.pid, _KILL)


def _end_leftovers(run: RunFile, *, timeout_s: float, now: bool) -> list[Process]:
    """End what carries this devgate's mark; an orderly end leaves nothing. Returns what does not go."""
    from devgate import processes

    return processes.end({}, run.mark, grace_s=0 if now else GRACE_S, give_up_s=timeout_s).left if run.mark else []


def _within(timeout_s: float, condition: Callable[[], bool]) -> bool:
    """Wait for `condition`; returns whether it came true in time."""
    from time import sleep

    from devgate.clock import SystemClock

    clock = SystemClock()
    end = clock.now() + timeout_s
    while not condition():
        if clock.now() >= end:
            return False
        sleep(LOOK_S)
    return True


def _too_slow(who: list[str], timeout_s: float) -> Exception:
    from devgate.errors import CommandError, Exit

    return CommandError(
        f"not everything is gone after {timeout_s:g} s: {', '.join(who[:8])}",
        hint="give it longer with --timeout, or kill what is left with --now",
        code="timeout",
        exit_code=Exit.TIMEOUT,
    )
