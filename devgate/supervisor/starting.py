"""Starting one replica: its port cleared and chosen, everything prepared, the process begun."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devgate.errors import CommandError
from devgate.supervisor import ports
from devgate.supervisor.eviction import clear
from devgate.supervisor.launch import choose_port, is_stub, prepare
from devgate.supervisor.refusal import CannotStartError
from devgate.supervisor.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devgate.directory import Instance
    from devgate.model.service import ServiceSpec
    from devgate.supervisor.launch import Launch
    from devgate.supervisor.whole import Whole
    from devgate.supervisor.world import World


class Starter:
    """Remembers nothing but the port that it chose, which the next run is to have again."""

    def __init__(self, world: World, whole: Whole, instance: Instance) -> None:
        self._world = world
        self._whole = whole
        self._instance = instance
        self._chosen: int | None = None

    async def clear_port(self, *, take: bool) -> Sequence[str]:
        """End what a killed devgate has left on the port that it must have; what was done, in words.

        Args:
            take: whoever else holds it is ended, too.

        Raises:
            CannotStartError: he cannot be ended.
        """
        port = self._whole.spec.port
        if not isinstance(port, int) or not ports.taken(port + self._instance.replica):
            return ()
        mark = self._world.around.mark
        try:
            return await asyncio.to_thread(clear, port + self._instance.replica, take=take, mark=mark)
        except CommandError as error:
            raise CannotStartError(error.message, hint=error.hint, code=error.code) from error

    @property
    def idle(self) -> bool:
        """Whether there is nothing to run: the stand-in of a task."""
        return self._idle(self._whole.spec)

    def begin(self, number: int, exited: Callable[[int], None]) -> Run:
        """Start the process of run `number`.

        Raises:
            CannotStartError: it cannot be started.
        """
        world, spec = self._world, self._whole.spec
        stub = is_stub(spec, world.around)
        avoid = world.others.fixed_ports()
        port, held = choose_port(
            spec, self._instance.replica, stub=stub, replace=world.auto_ports, before=self._chosen, avoid=avoid
        )
        try:
            launch = self._prepare(spec, port, stub=stub)
        finally:
            if held is not None:
                held.close()
        self._chosen = port
        run = Run(world, self._instance, self._whole.ring, launch, number, exited)
        what, where = "stand-in" if stub else "started", f", port {port}" if port is not None else ""
        run.mark(f"run {run.number}: {what}, pid {run.pid}{where}")
        return run

    def check(self, spec: ServiceSpec, port: int | None) -> None:
        """Whether it could be started as `spec` says, on this port, if what runs now were gone.

        Raises:
            CannotStartError: it could not.
        """
        if not self._idle(spec):
            self._prepare(spec, port, stub=is_stub(spec, self._world.around))

    def _idle(self, spec: ServiceSpec) -> bool:
        return spec.kind == "task" and is_stub(spec, self._world.around)

    def _prepare(self, spec: ServiceSpec, port: int | None, *, stub: bool) -> Launch:
        world = self._world
        addresses = {name: url for name in spec.depends_on if (url := world.others.address(name)) is not None}
        return prepare(
            self._instance.service,
            self._instance.replica,
            spec,
            profile=world.profile,
            around=world.around,
            port=port,
            stub=stub,
            gateway_url=world.gateway_url(),
            addresses=addresses,
            window=self._whole.console.window,
        )
