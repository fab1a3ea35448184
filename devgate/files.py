"""Files that change: watchdog's threads on one side, one debounced call on the event loop on the other.

A path is watched whether it exists or not. A file is watched through its folder, because editors replace files instead of
writing them; a folder with everything below; what is missing through the nearest folder that is there. When folders on the way
come, go or are replaced, the watches move along.

    watchdog thread: event -> does it concern the watch, is it wanted -> pending      (any number, cheap to drop)
    event loop:      woken once -> watches moved if need be -> quiet for a while -> `changed(paths)`
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from devgate.policy.debounce import Debounce

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver, ObservedWatch

    from devgate.clock import Clock

log = logging.getLogger(__name__)

POLL_S: Final = 2.0
"""Between two looks where the system cannot tell."""
MOST_PENDING: Final = 1_000
"""Paths of one burst that are kept; that there were more is not worth the memory."""


class Folder(NamedTuple):
    """What is asked of the observer."""

    path: str
    deep: bool
    """With everything below."""


def everything(_path: Path) -> bool:
    """The filter that lets all through."""
    return True


class FileWatcher:
    """The one observer of a running devgate. Its threads start with the first watch and end with `close`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._observer: BaseObserver | None = None
        self._polling = False
        self._watches: set[FileWatch] = set()

    def watch(
        self,
        paths: Iterable[Path],
        changed: Callable[[frozenset[Path]], None],
        *,
        debounce_s: float,
        wanted: Callable[[Path], bool] = everything,
    ) -> FileWatch:
        """Call `changed` on the running loop when one of `paths`, or something below them, has changed and then been quiet.

        Args:
            paths: absolute; they need not exist.
            wanted: which of the changed paths count. Called in another thread, often.
        """
        watch = FileWatch(self, paths, changed, Debounce(debounce_s), wanted, self._clock, asyncio.get_running_loop())
        self._watches.add(watch)
        watch.follow()
        return watch

    def close(self) -> None:
        """End every watch and the threads; closing twice is fine."""
        for watch in tuple(self._watches):
            watch.close()
        observer, self._observer = self._observer, None
        if observer is not None and observer.is_alive():
            observer.stop()
            observer.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def forget(self, watch: FileWatch) -> None:
        self._watches.discard(watch)

    def schedule(self, watch: FileWatch, folder: Folder) -> ObservedWatch | None:
        """Have the observer tell `watch` about `folder`; None if the folder cannot be watched (it may just have gone)."""
        from watchdog import events as kinds

        # Not even asked for: opening and reading, or looking at a file would look like changing it.
        changes = [
            kinds.FileCreatedEvent, kinds.FileModifiedEvent, kinds.FileMovedEvent, kinds.FileDeletedEvent,
            kinds.DirCreatedEvent, kinds.DirMovedEvent, kinds.DirDeletedEvent,
        ]  # fmt: skip
        try:
            observer = self._running()
            handler: Any = watch
            return observer.schedule(handler, folder.path, recursive=folder.deep, event_filter=changes)
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            log.debug("cannot watch %s: %s", folder.path, error)
            return None
        except OSError as error:  # a limit of the system's: fs.inotify.max_user_watches or max_user_instances
            if self._polling:
                log.warning("cannot watch %s: %s", folder.path, error)
                return None
            self._poll_instead(error)
            return watch.scheduled(folder)

    def unschedule(self, watch: FileWatch, observed: ObservedWatch) -> None:
        """Take back one `schedule`."""
        if self._observer is None:
            return
        try:
            handler: Any = watch
            self._observer.remove_handler_for_watch(handler, observed)
            if not any(other.uses(observed) for other in self._watches if other is not watch):
                self._observer.unschedule(observed)
        except KeyError:  # the observer gave the folder up before we did
            pass

    def give_up(self, observed: ObservedWatch) -> None:
        """End a watch whose folder is gone, for everybody who uses it: each hears of it and asks anew, for the folder that
        may have come in its place."""
        for watch in self._watches:
            watch.lose(observed)
        if self._observer is not None:
            try:
                self._observer.unschedule(observed)
            except KeyError:
                pass

    def _running(self) -> BaseObserver:
        if self._observer is None:
            _hush_watchdog()
            if self._polling:
                from watchdog.observers.polling import PollingObserver

                self._observer = PollingObserver(timeout=POLL_S)
            else:
                from watchdog.observers import Observer

                self._observer = Observer()
            self._observer.start()
        return self._observer

    def _poll_instead(self, error: OSError) -> None:
        log.warning("the system watches no more files (%s): looking every %g s instead", error, POLL_S)
        self._polling = True
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join()
        for watch in tuple(self._watches):
            watch.start_over()


class FileWatch:
    """One set of paths. Made by `FileWatcher.watch`; watchdog sees it as an event handler."""

    def __init__(
        self,
        owner: FileWatcher,
        paths: Iterable[Path],
        changed: Callable[[frozenset[Path]], None],
        debounce: Debounce,
        wanted: Callable[[Path], bool],
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._owner = owner
        self._paths = [os.path.abspath(path) for path in paths]
        self._changed = changed
        self._debounce = debounce
        self._wanted = wanted
        self._clock = clock
        self._loop = loop
        self._observed: dict[Folder, ObservedWatch] = {}
        self._there: set[str] = set()
        """Those of the paths that existed when last looked."""
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        # Shared with the observer's threads:
        self._lock = threading.Lock()
        self._targets: frozenset[str] = frozenset()
        self._above: frozenset[str] = frozenset()
        """The targets and every folder above them: an event there may mean that watches have to move."""
        self._pending: set[str] = set()
        self._gone: set[str] = set()
        """Folders that were deleted or moved away: their watches are dead, whatever is there now."""
        self._woken = False

    def close(self) -> None:
        """No call of `changed` comes after this; closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for observed in self._observed.values():
            self._owner.unschedule(self, observed)
        self._observed.clear()
        self._owner.forget(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # In the observer's threads

    def dispatch(self, event: FileSystemEvent) -> None:
        """What watchdog calls."""
        wake = False
        for raw in (event.src_path, event.dest_path):
            path = os.fsdecode(raw)
            if not path:
                continue
            structural = path in self._above
            if not structural and not (self._concerns(path) and self._wanted(Path(path))):
                continue
            with self._lock:
                if structural and event.event_type in ("deleted", "moved") and raw == event.src_path:
                    self._gone.add(path)
                if len(self._pending) < MOST_PENDING:
                    self._pending.add(path)
                wake = wake or not self._woken
                self._woken = True
        if wake:
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:  # the loop has been closed: nobody wants to know
                pass

    def _concerns(self, path: str) -> bool:
        return any(path.startswith(target + os.sep) for target in self._targets)

    # On the loop

    def follow(self) -> None:
        """Bring the observer's watches in line with what exists now."""
        targets = {path for nominal in self._paths for path in (nominal, os.path.realpath(nominal))}
        self._targets = frozenset(targets)
        self._above = frozenset(targets | {str(above) for target in targets for above in Path(target).parents})
        with self._lock:
            gone, self._gone = self._gone, set()
        wanted = _folders(targets)
        for folder in [one for one in self._observed if one.path in gone]:
            self._owner.give_up(self._observed[folder])
        for folder in self._observed.keys() - wanted:
            self._owner.unschedule(self, self._observed.pop(folder))
        for folder in wanted - self._observed.keys():
            observed = self._owner.schedule(self, folder)
            if observed is not None:
                self._observed[folder] = observed
        self._there = {path for path in self._paths if os.path.exists(path)}

    def scheduled(self, folder: Folder) -> ObservedWatch | None:
        return self._observed.get(folder)

    def uses(self, observed: ObservedWatch) -> bool:
        return observed in self._observed.values()

    def lose(self, observed: ObservedWatch) -> None:
        self._observed = {folder: one for folder, one in self._observed.items() if one != observed}

    def start_over(self) -> None:
        """The observer has been replaced."""
        self._observed.clear()
        self.follow()

    def _wake(self) -> None:
        with self._lock:
            self._woken = False
            structural = not self._above.isdisjoint(self._pending)
            relevant = {path for path in self._pending if path in self._targets or path not in self._above}
            self._pending = relevant
        if self._closed:
            return
        if structural:
            before = self._there
            self.follow()
            appeared = before ^ self._there
            with self._lock:
                self._pending |= appeared
                relevant = self._pending
        if relevant:
            self._debounce.touch(self._clock.now())
            self._arm()

    def _arm(self) -> None:
        due = self._debounce.due
        if due is not None:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(max(0.0, due - self._clock.now()), self._fire)

    def _fire(self) -> None:
        if not self._debounce.take(self._clock.now()):
            self._arm()
            return
        with self._lock:
            paths, self._pending = self._pending, set()
        self._changed(frozenset(map(Path, paths)))


def _hush_watchdog() -> None:
    """Keep off the terminal what watchdog 7 says about two harmless races of its own.

    Folders that are made while it adds their parent are added twice: a warning. A thread that is being ended looks once more:
    an error in the log. The warning would be worse than noise where warnings are errors, as it would end the observing thread.
    """
    warnings.filterwarnings("ignore", message="Callback with id", category=RuntimeWarning)
    logging.getLogger("watchdog.observers.inotify").addFilter(_worth_saying)


def _worth_saying(record: logging.LogRecord) -> bool:
    return "when the thread is inactive" not in record.getMessage()


def _folders(targets: Iterable[str]) -> set[Folder]:
    """What has to be observed to see every change of the targets."""
    folders = set()
    for target in targets:
        if os.path.isdir(target) and not os.path.islink(target):
            folders.add(Folder(target, deep=True))
        above = os.path.dirname(target)
        while not os.path.isdir(above):
            above = os.path.dirname(above)
        folders.add(Folder(os.path.realpath(above), deep=False))
    return folders
