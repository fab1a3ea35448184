"""A service of ours that somebody else runs for a while: stopped here, started in an IDE, on the same port.

While a service with a port of its own is down, its port is looked at. Who turns up there and passes its probe is announced to the
gateway like the service itself, and shown as `external`: never started, stopped or restarted by us, however long it stands at
a breakpoint. Two things keep a stranger from getting its requests (SEMANTICS 4, threat 20): the port must have been seen free
before, and its owner must be a process of the same user. `allow` waives both: somebody has looked at it and said so.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devgate import processes
from devgate.resolver import LOOPBACKS
from devgate.supervisor import ports, probes
from devgate.supervisor.readiness import Prober
from devgate.supervisor.vitals import Vitals, http_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.model.service import ServiceSpec
    from devgate.supervisor.ports import Owner
    from devgate.supervisor.probes import ProbeResult
    from devgate.supervisor.world import World


AWAITED_S: Final = 60.0
"""So long after the service, or he who ran it, has gone somebody is expected, and looked for often."""


class Foreign:
    """Looks at the port of one replica while that is down.

    Args:
        free: the port is known to have been free just now.
        found: somebody suitable answers at this host; called once until `lost`.
        lost: nobody listens there any more; the argument says so in words.
        heard: called after each look.
    """

    def __init__(
        self,
        world: World,
        spec: Callable[[], ServiceSpec],
        replica: int,
        *,
        free: bool,
        found: Callable[[str], None],
        lost: Callable[[str], None],
        heard: Callable[[], None],
    ) -> None:
        self.owner: Owner | None = None
        """Who runs it, as far as that can be seen."""
        self.vitals = Vitals()
        self.present = False
        self._world = world
        self._spec = spec
        self._replica = replica
        self._free = free
        self._allowed = False
        self._found = found
        self._lost = lost
        self._tell = heard
        self._awaited_until = world.clock.now() + AWAITED_S
        self._prober = Prober(self._look, self._heard, lambda: self._spec().ready, world.draw)
        self._looking = world.scope.guarded("foreign", self._prober.run)

    @property
    def port(self) -> int | None:
        """The port that the profile names; a chosen one nobody else can know."""
        port = self._spec().port
        return port + self._replica if isinstance(port, int) else None

    def allow(self) -> None:
        """Whoever answers is welcome."""
        self._allowed = True
        self.hurry()

    def hurry(self) -> None:
        self._prober.hurry()

    def close(self) -> None:
        self._looking.cancel()

    async def _look(self) -> ProbeResult:
        port, spec, clock = self.port, self._spec().ready, self._world.clock
        if port is None:
            return probes.ProbeResult(ok=False, refused=True)
        target = http_target(spec.http, port, own=True) if spec.http is not None else None
        if target is not None:
            result = await probes.http(target, spec.timeout, clock)
        else:
            result = await probes.tcp(probes.Target(LOOPBACKS, port), spec.timeout, clock)
        if result.ok and not self.present:
            self.owner = await asyncio.to_thread(ports.owner, port)
        return result

    def _heard(self, result: ProbeResult) -> bool:
        self.vitals.observe(result, self._spec().ready, self._world.clock.wall())
        if result.refused:
            self._free = True
            if self.present:
                self.present = False
                self._tell()
                self._awaited_until = self._world.clock.now() + AWAITED_S
                self._lost(result.detail)
        elif result.ok and not self.present and (self._allowed or (self._free and self._is_ours())):
            self.present = True
            self._found(result.host)
        if self.present:
            self._tell()
            self._world.changed()
        return self.present or self._world.clock.now() >= self._awaited_until

    def _is_ours(self) -> bool:
        """Whether its owner is a process of this user that is no other service of ours."""
        pid = self.owner.pid if self.owner is not None else None
        if pid is None or processes.carries(pid, f"{self._world.around.mark}:"):
            return False
        return ports.is_of_this_user(pid)
