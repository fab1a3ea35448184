"""The profile again, when one of its files has changed.

    files change -> quiet for `reload.debounce` -> load -> the same: nothing | good: `changed` | bad: `rejected`

What is watched follows: a broken file names no base any more, but its last good version did; a switch brings other files.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from devgate.errors import ProfileError
    from devgate.files import FileWatch, FileWatcher
    from devgate.profile.loading import Attempt, Loaded


class Reload:
    """Watches the files of whatever profile runs.

    Args:
        current: what runs.
        attempt: loads it again, with what the command line puts over it.
        watcher: the observer to share.
        changed: given a good profile that is not what runs, or that is again what runs after bad ones.
        rejected: given the error of a bad one, once for each different error.
    """

    def __init__(
        self,
        *,
        current: Callable[[], Loaded],
        attempt: Callable[[str], Attempt],
        watcher: FileWatcher,
        changed: Callable[[Loaded], Awaitable[None]],
        rejected: Callable[[ProfileError], None],
    ) -> None:
        self._current = current
        self._attempt = attempt
        self._watcher = watcher
        self._changed = changed
        self._rejected = rejected
        self._wake = asyncio.Event()
        self._told = ""
        """The last error that was announced, as text; empty while the files are good."""

    def switched(self) -> None:
        """Another profile runs now, with other files."""
        self._wake.set()

    async def watch(self) -> None:
        """Run until cancelled. Begins with a look: the files may have changed since they were loaded."""
        watch: FileWatch | None = None
        watched: frozenset[Path] = frozenset()
        self._wake.set()
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                files = await self._look()
                if files != watched:
                    before = watch
                    debounce_s = self._current().profile.reload.debounce
                    watch = self._watcher.watch(files, lambda _: self._wake.set(), debounce_s=debounce_s)
                    watched = files
                    if before is not None:
                        before.close()
                    # What changed while nobody watched the new ones would be missed.
                    self._wake.set()
        finally:
            if watch is not None:
                watch.close()

    async def _look(self) -> frozenset[Path]:
        """Load, tell, and say what to watch from now on."""
        running = self._current()
        if not running.profile.reload.watch:
            return frozenset()
        attempt = self._attempt(running.ref)
        loaded, error = attempt.loaded, attempt.error
        if error is not None:
            text = "\n".join([error.message, *map(str, error.problems)])
            if text != self._told:
                self._told = text
                self._rejected(error)
        elif loaded is not None and (self._told or loaded.profile.digest != running.profile.digest):
            self._told = ""
            await self._changed(loaded)
        return frozenset({*running.files, *attempt.files, *self._current().files})
