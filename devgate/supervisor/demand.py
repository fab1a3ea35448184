"""What starts and stops a service besides commands: requests, their absence, and files that change."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from devgate.errors import CommandError
from devgate.model.status import ServiceState
from devgate.policy.restart import age_text
from devgate.supervisor.launch import folder_of

if TYPE_CHECKING:
    from devgate.supervisor.service import Service
    from devgate.supervisor.watch import Watch
    from devgate.supervisor.world import World

IDLE_LOOK_S: Final = 5.0
"""How often it is looked whether a service is idle, at least."""


class Demand:
    """Follows the service's present spec; `arrange` when that has changed."""

    def __init__(self, world: World, service: Service) -> None:
        self._world = world
        self._service = service
        self._watch: Watch | None = None
        self._idling: asyncio.Task[None] | None = None

    def arrange(self) -> None:
        """Watch and wait as the present spec says."""
        world, service, spec = self._world, self._service, self._service.spec
        if self._watch is not None and self._watch.spec != spec.watch:
            self._watch.close()
            self._watch = None
        if self._watch is None and spec.watch is not None and world.files is not None:
            # Not above: git's rules take 30 ms to import, and most services watch nothing.
            from devgate.supervisor.watch import Watch

            folder = folder_of(spec, world.around)
            self._watch = Watch(world, world.files, spec.watch, folder, self._files_changed, service.ring.mark)
        self.allow_requests()
        if self._idling is not None:
            self._idling.cancel()
            self._idling = None
        if spec.idle_stop is not None and spec.autostart == "on_request":
            idling = partial(self._stop_when_idle, spec.idle_stop)
            self._idling = world.scope.guarded(f"{service.name}.idle", idling)

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()
        if self._idling is not None:
            self._idling.cancel()

    def forgive(self) -> None:
        """A person has looked at it: files that have changed too often until now are watched again."""
        if self._watch is not None:
            self._watch.resume()

    def allow_requests(self) -> None:
        """A request may start it, if the spec says so."""
        on_request = self._service.spec.autostart == "on_request"
        self._service.entry.wanted = self._requested if on_request else None

    def refuse_requests(self) -> None:
        """Somebody has stopped it: no request starts it again."""
        self._service.entry.wanted = None

    def _requested(self) -> None:
        """A request has come while it does not run. Called by the gateway, for each one."""
        if not self._service.up:
            self._world.others.want([self._service.name])

    def _files_changed(self, why: str) -> None:
        """Start it again, unless somebody has stopped it."""
        if self._service.state is not ServiceState.STOPPED:
            self._service.restart_soon(why)

    async def _stop_when_idle(self, idle_s: float) -> None:
        """Stop it after so long without a request. What comes while it stops is held and starts it again."""
        clock, service = self._world.clock, self._service
        seen, since = -1, clock.now()
        while True:
            count = sum(instance.entered for instance in service.entry.instances)
            busy = any(instance.in_flight for instance in service.entry.instances)
            if busy or count != seen or service.state is not ServiceState.READY:
                seen, since = count, clock.now()
            elif clock.now() - since >= idle_s:
                await self._rest(f"idle for {age_text(idle_s)}")
            await asyncio.sleep(min(idle_s / 4, IDLE_LOOK_S))

    async def _rest(self, why: str) -> None:
        """Stop it until the next request."""
        service, entry = self._service, self._service.entry
        service.unwant(why)
        self.allow_requests()
        entry.restarting = True
        for instance in entry.instances:
            self._world.directory.withdraw(instance)
        try:
            await service.down()
        except CommandError:  # somebody has started it meanwhile
            return
        entry.restarting = False
        entry.wake()
