"""What is asked of one service by its name.

An order returns when the state is reached, and raises the reason where it cannot be.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devgate.errors import CommandError
from devgate.model.status import ServiceState
from devgate.supervisor import eviction
from devgate.supervisor.external import External
from devgate.supervisor.launch import Window

if TYPE_CHECKING:
    from devgate.supervisor.fleet import Fleet
    from devgate.supervisor.service import Service

LARGEST_WINDOW: Final = 9_999


class Orders:
    """To the services of a fleet, and to those around one that are concerned with it.

    All raise `CommandError` for a name that no service has, and while devgate stops.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def start(self, name: str, *, dependents: bool = False) -> None:
        """Start it, and first what it needs; with `dependents` also all that need it, but for tasks that have done their work."""
        service = await self._up_to_date(name)
        service.check_ours()
        self._fleet.want([name])
        after = self._fleet.dependents(name) if dependents else []
        after = [other for other in after if not other.up and other.state is not ServiceState.COMPLETED]
        self._fleet.want([other.name for other in after])
        await service.start()
        for other in after:
            await other.start()

    async def stop(self, name: str, *, dependents: bool = False) -> None:
        """Stop it; with `dependents` also all that need it, and those first."""
        service = self._known(name)
        service.check_ours()
        before = [other for other in reversed(self._fleet.dependents(name)) if other.up] if dependents else []
        for other in before:
            other.unwant()
        for other in before:
            await other.down()
        await service.stop()

    async def kill(self, name: str) -> None:
        """End it now, without drain or signal."""
        await self._known(name).kill()

    async def restart(self, name: str, *, dependents: bool = False) -> None:
        """Replace its process; with `dependents` also those of all that need it, which are stopped first."""
        service = await self._up_to_date(name)
        service.check_ours()
        after = [other for other in self._fleet.dependents(name) if other.up] if dependents else []
        for other in reversed(after):
            other.unwant()
            other.entry.restarting = True
        for other in reversed(after):
            await other.down()
        try:
            await service.restart()
        finally:
            for other in after:
                other.want()
        for other in after:
            await other.start()

    async def adopt(self, name: str) -> None:
        """Take whoever answers on its port for it: something that was started elsewhere, before devgate."""
        await self._known(name).adopt()

    async def take_port(self, name: str) -> None:
        """End whoever holds the port of a service that devgate does not run now, and start it.

        Raises:
            CommandError: it has none, runs, or its owner cannot be ended.
        """
        service = self._known(name)
        if isinstance(service, External) or service.alive:
            what = "runs already" if service.alive else "is not run by devgate"
            raise CommandError(f"{name} {what}: there is no port to be taken", code="no-port")
        if not isinstance(service.spec.port, int):
            raise CommandError(f"{name} has no port of its own that could be taken", code="no-port")
        for runner in service.runners:
            port = service.spec.port + runner.replica
            for done in await asyncio.to_thread(eviction.clear, port, take=True, mark=self._fleet.world.around.mark):
                service.ring.mark(done, replica=runner.replica, run=runner.run_number)
        await service.left_alone()
        await self.start(name)

    async def type_into(self, name: str, data: bytes) -> None:
        """Type into a service's terminal.

        Raises:
            CommandError: it has none, does not run, or does not read.
        """
        await self._known(name).console.type(data)

    def resize(self, name: str, columns: int, rows: int) -> None:
        """Make a service's terminal so large, from now on; without one this has no effect.

        Raises:
            CommandError: no terminal is of that size.
        """
        if not (0 < columns <= LARGEST_WINDOW and 0 < rows <= LARGEST_WINDOW):
            raise CommandError(
                f"a terminal has 1 to {LARGEST_WINDOW} columns and rows, not {columns} and {rows}",
                code="bad-size",
                status=400,
            )
        self._known(name).console.resize(Window(columns, rows))

    async def _up_to_date(self, name: str) -> Service | External:
        """The service, after a change of its shape that has waited for this start."""
        service = self._known(name)
        if service.pending is not None and not self._fleet.fits(service, service.pending):
            replaced = self._fleet.change(name, service.pending)
            if replaced is not None:
                await replaced
            service = self._known(name)
        return service

    def _known(self, name: str) -> Service | External:
        if self._fleet.closing:
            raise CommandError("devgate is stopping", code="stopping", status=503)
        service = self._fleet.get(name)
        if service is None:
            raise CommandError(f"there is no service {name!r}", code="unknown-service", status=404)
        return service
