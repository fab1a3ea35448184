"""In which state a replica stands, and the only place where that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.model.events import ServiceChanged
from devgate.supervisor.lifecycle import after

if TYPE_CHECKING:
    from devgate.directory import Instance
    from devgate.model.status import ServiceState
    from devgate.supervisor.lifecycle import Trigger
    from devgate.supervisor.world import World


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
            at = world.clock.wall()
            world.publish(
                ServiceChanged(
                    service=instance.service, replica=instance.replica, old=old, new=new, cause=cause, run=run, at=at
                )
            )
        return new
