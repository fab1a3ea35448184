"""Runs programs beside the screen: one that takes the terminal over for a while, or one that is only given text.

The gateway serves on meanwhile, so nothing here blocks the loop. A program that has the terminal gets a process group of its own,
as from a shell: Ctrl-C in a pager must not reach devgate, and Ctrl-Z, which nobody could undo, is undone at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from textual.app import SuspendNotSupported

from devgate.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textual.app import App

_LOOK_S: Final = 0.03
"""Between two looks whether it has ended: nobody notices, and only waitpid tells of a program that was stopped and not ended."""
_FAREWELL_S: Final = 1.0
"""What a program has to put its things in order when devgate ends under it."""
_CLIPBOARD_S: Final = 3.0


async def take_over(app: App[Any], command: list[str]) -> None:
    """Give the terminal to a program until it ends.

    Raises:
        CommandError: it does not start, or the terminal cannot be given away.
    """
    failure: BaseException | None = None
    try:
        with app.suspend():  # which takes the terminal back only if nothing is raised in it
            try:
                await (_run_on_windows(command) if sys.platform == "win32" else _run(command))
            except BaseException as error:
                failure = error
    except SuspendNotSupported:
        raise CommandError("this terminal cannot be given to another program") from None
    if isinstance(failure, OSError):
        reason = failure.strerror or str(failure)
        raise CommandError(
            f"{command[0]} does not start: {reason}", hint="$PAGER and $EDITOR say what to use"
        ) from failure
    if failure is not None:
        raise failure


async def _run(command: list[str]) -> None:
    with _foreground() as give:
        process = subprocess.Popen(command, process_group=0)  # noqa: ASYNC220 - not asyncio's, which reaps what we look at
        give(process.pid)
        try:
            while not _has_ended(process):  # noqa: ASYNC110 - nobody else tells
                await asyncio.sleep(_LOOK_S)
        finally:
            if process.returncode is None:
                await _end(process)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    pid, status = os.waitpid(process.pid, os.WNOHANG | os.WUNTRACED)
    if pid and os.WIFSTOPPED(status):
        os.killpg(process.pid, signal.SIGCONT)
    elif pid:
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode is not None


async def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGHUP)
    for _ in range(round(_FAREWELL_S / _LOOK_S)):
        if _has_ended(process):
            return
        await asyncio.sleep(_LOOK_S)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


async def _run_on_windows(command: list[str]) -> None:  # pragma: no cover  - a console has no process groups
    with subprocess.Popen(command) as process:  # noqa: ASYNC220
        while process.poll() is None:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)


@contextmanager
def _foreground() -> Iterator[Callable[[int], None]]:
    """Lets another process group have the terminal, and takes it back afterwards with its settings as they were."""
    import termios

    terminal = sys.__stdin__.fileno() if sys.__stdin__ is not None else 0
    settings = termios.tcgetattr(terminal)

    def give(group: int) -> None:
        try:
            os.tcsetpgrp(terminal, group)
            os.killpg(group, signal.SIGCONT)  # it may have asked for the terminal before it was its own
        except (ProcessLookupError, PermissionError):  # it has ended already
            pass

    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # who is not in the foreground is stopped for taking it
    try:
        yield give
    finally:
        os.tcsetpgrp(terminal, os.getpgrp())
        termios.tcsetattr(terminal, termios.TCSADRAIN, settings)
        signal.signal(signal.SIGTTOU, before)


async def feed(command: list[str], text: str) -> bool:
    """Give a program text to read; whether it took it."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_CLIPBOARD_S):
            await process.communicate(text.encode("utf-8", "replace"))
    except (TimeoutError, OSError):
        if process.returncode is None:
            process.kill()
        return False
    return process.returncode == 0
