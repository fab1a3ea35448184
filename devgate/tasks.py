"""The only place that starts tasks, so that each has a name and an owner that outlives it.

A `Scope` is an `asyncio.TaskGroup` that ends by cancelling what still runs. Three kinds of task live in one:

- `fatal`: the scope falls when it fails, and so does whoever entered the scope;
- `guarded`: a bug in it is reported and it is started again after a growing pause;
- `once`: a bug in it is reported; it is not started again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Self, TypeVar

from devgate.model.events import ComponentFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from devgate.model.events import Publish

T = TypeVar("T")

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


class Scope:
    """A named set of tasks; leaving it cancels and awaits every one that is left."""

    def __init__(self, name: str, publish: Publish) -> None:
        self.name = name
        self._publish = publish
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(kind, error, trace)

    def fatal(self, name: str, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work`; its failure ends the scope."""
        return self._start(name, work)

    def once(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` once; a failure is reported and goes no further."""

        async def run() -> None:
            try:
                await work
            except Exception as error:
                self._report(name, error)

        return self._start(name, run())

    def guarded(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """Run `work()` again and again until it returns; a failure is reported and followed by a growing pause."""

        async def run() -> None:
            pause_s = FIRST_PAUSE_S
            while True:
                try:
                    await work()
                except Exception as error:
                    self._report(name, error)
                else:
                    return
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

        return self._start(name, run())

    def _start(self, name: str, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self._group.create_task(work, name=f"{self.name}.{name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _report(self, name: str, error: Exception) -> None:
        component = f"{self.name}.{name}"
        log.error("%s failed", component, exc_info=error)
        self._publish(ComponentFailed(component=component, error=f"{type(error).__name__}: {error}"))
