"""What a replica waits for before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.supervisor.graph import waiting_for

if TYPE_CHECKING:
    from devgate.model.service import ServiceSpec
    from devgate.supervisor.runner import Runner
    from devgate.supervisor.world import World


class Waiting:
    """Looks again whenever it is asked."""

    def __init__(self, world: World, runner: Runner) -> None:
        self.needs: tuple[str, ...] = ()
        """Services that it depends on and that are not there yet."""
        self.holder: str | None = None
        """A service of ours that is about to leave the port that this one has to have."""
        self._world = world
        self._runner = runner

    @property
    def names(self) -> tuple[str, ...]:
        """All that it waits for."""
        return self.needs if self.holder is None else (*self.needs, self.holder)

    @property
    def text(self) -> str:
        return f"waits for {', '.join(self.needs) or f'{self.holder} to leave the port'}"

    def over(self, spec: ServiceSpec) -> bool:
        """Whether there is nothing left to wait for."""
        before, others = self.names, self._world.others
        self.needs = () if self._world.alone else waiting_for(spec.depends_on, others.look)
        self.holder = None
        if not self.needs and isinstance(spec.port, int):
            self.holder = others.leaving_port(spec.port + self._runner.replica, self._runner)
        if self.names != before:
            self._world.seq += 1
        return not self.names

    def end(self) -> None:
        """It is not wanted any more."""
        self.needs, self.holder = (), None
