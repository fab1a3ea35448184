"""A service's terminal, as those see it who type into it or show it: it outlasts the processes that run in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.errors import CommandError
from devgate.supervisor.launch import WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.supervisor.launch import Window
    from devgate.supervisor.service import Service
    from devgate.supervisor.spawn import Child


class Console:
    """Of a service that devgate runs, whether it has a terminal just now or not."""

    def __init__(self, service: Service) -> None:
        self.window = WINDOW
        """How large it is, if there is one."""
        self._service = service

    async def type(self, data: bytes) -> None:
        """Type into it.

        Raises:
            CommandError: there is none, the service does not run, or does not read.
        """
        child = self._child
        if child is None:
            raise self._closed()
        if not await child.type(data):
            raise CommandError(f"{self._service.name} does not read what is typed", code="not-reading")

    def resize(self, window: Window) -> None:
        """Make it so large, now and for the runs to come."""
        self.window = window
        child = self._child
        if child is not None:
            child.resize(window)

    @property
    def _child(self) -> Child | None:
        """The process that runs in it."""
        run = self._service.runners[0].now
        return run.child if run is not None and run.code is None and run.launch.window is not None else None

    def _closed(self) -> CommandError:
        service = self._service
        if not service.spec.tty:
            message, hint = "has no terminal of its own", "`tty: true` in the profile gives it one"
        elif service.alive:
            message, hint = "runs as a stand-in, which has no terminal", ""
        else:
            message, hint = "does not run", "start it first"
        return CommandError(f"{service.name} {message}", hint=hint, code="no-terminal")


class NoConsole:
    """Of a service that somebody else runs: it has no terminal of ours."""

    def __init__(self, refusal: Callable[[], CommandError]) -> None:
        self._refusal = refusal

    async def type(self, data: bytes) -> None:
        """Raises CommandError."""
        raise self._refusal()

    def resize(self, window: Window) -> None:
        """Has no effect."""
