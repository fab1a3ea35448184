"""How others find this devgate: the run file, kept true while it runs, and what a predecessor has left behind."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from devgate import processes, runfile
from devgate.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)


class Presence:
    """The run file of this process in one project's state folder."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._run: runfile.RunFile | None = None

    @contextmanager
    def announced(self, run: runfile.RunFile) -> Iterator[runfile.RunFile | None]:
        """Be found from here on until the end. Yields the run file of a predecessor that was killed, if it left one.

        Raises:
            StartError: another devgate runs here.
        """
        before = runfile.claim(self._state_dir, run)
        self._run = run
        try:
            yield before
        finally:
            try:
                runfile.release(self._state_dir, self._run)
            except OSError as error:  # somebody has removed the folder: nothing is left to release
                log.debug("run file: %s", error)

    def update(self, *, url: str, profile: str) -> None:
        """Say what has changed."""
        if self._run is None or (self._run.url, self._run.profile) == (url, profile):
            return
        run = replace(self._run, url=url, profile=profile)
        try:
            runfile.claim(self._state_dir, run)
        except (
            OSError,
            StartError,
        ) as error:  # no reason to undo a switch: commands come to the control API, which stays
            log.warning("the run file could not be written: %s", error)
        else:
            self._run = run


async def end_leftovers(before: runfile.RunFile | None) -> str:
    """End what a killed devgate, and its killed guardian, have left: it holds ports that are wanted now. Says what it did."""
    if before is None or not before.mark:
        return ""
    ended = await asyncio.to_thread(processes.end, {}, before.mark)
    count = len(ended.asked)
    return f"ended {count} process{'' if count == 1 else 'es'} of a devgate that was killed here" if count else ""
