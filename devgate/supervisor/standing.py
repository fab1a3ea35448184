"""In which state a replica stands, and the only place where that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.model.events import ServiceChanged
from devgate.model.status import FAILED, ServiceState
from devgate.supervisor.lifecycle import after

if TYPE_CHECKING:
    from devgate.directory import Instance
    from devgate.supervisor.lifecycle import Trigger
    from devgate.supervisor.world import World

_WENT_DOWN: Final = FAILED | {ServiceState.BACKOFF, ServiceState.EXITED}


class Standing:
    """The state itself is kept by the instance, where the gateway sees it."""

    def __init__(self, world: World, instance: Instance) -> None:
        self.cause = ""
        """Why it is in this state."""
        self._world = world
        self._instance = instance

    @property
    def state(self) -> ServiceState:
        return self._instance.state

    def move(self, trigger: Trigger, cause: str, *, run: int = 0) -> ServiceState:
        """Follow the table, tell the directory, announce it. Returns the new state."""
        world, instance, old = self._world, self._instance, self.state
        new = after(old, trigger)
        self.cause = cause
        world.directory.move(instance, new)
        world.changed()
        if new is not old:
            world.publish(
                ServiceChanged(
                    service=instance.service,
                    replica=instance.replica,
                    old=old,
                    new=new,
                    cause=cause,
                    run=run,
                    at=world.clock.wall(),
                    dependents=world.others.needing(instance.service) if new in _WENT_DOWN else (),
                )
            )
        return new
