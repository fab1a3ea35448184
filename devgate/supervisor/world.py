"""What every runner is given: its surroundings, and how it looks at the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from devgate.supervisor.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devgate.clock import Clock
    from devgate.directory import Directory
    from devgate.files import FileWatcher
    from devgate.model.events import Publish
    from devgate.model.profile import Profile
    from devgate.model.status import ServiceState
    from devgate.supervisor.launch import Surroundings
    from devgate.supervisor.logs import LogBook
    from devgate.supervisor.resources import Usage
    from devgate.supervisor.runner import Runner
    from devgate.tasks import Scope


class Keeper(Protocol):
    """Who cleans up when devgate is killed (`guardian.Guardian`)."""

    def track(self, pgid: int, birth: int) -> None: ...
    def forget(self, pgid: int) -> None: ...


class Others(Protocol):
    """How a replica looks at the other services (`fleet.Fleet`)."""

    def look(self, name: str) -> tuple[ServiceState, bool]: ...
    def address(self, name: str) -> str | None: ...
    def serial_of(self, name: str) -> int: ...
    def fixed_ports(self) -> frozenset[int]: ...
    def leaving_port(self, port: int, asker: Runner) -> str | None: ...
    def want(self, names: Iterable[str]) -> None: ...
    def needing(self, name: str) -> tuple[str, ...]: ...
    def dependents_of(self, name: str) -> tuple[str, ...]: ...


@dataclass(slots=True)
class World:
    """Shared by all runners of one supervisor."""

    directory: Directory
    publish: Publish
    clock: Clock
    around: Surroundings
    logs: LogBook
    keeper: Keeper | None
    gateway_url: Callable[[], str]
    auto_ports: bool
    take_ports: bool
    """`--take-port`: who holds the port of a service's first process is ended."""
    draw: Callable[[], float]
    """Uniform in [0, 1): jitter."""
    scope: Scope
    profile: Profile
    others: Others
    usage: Callable[[str, int], Usage | None] = lambda _name, _replica: None
    """What a replica of a service uses."""
    files: FileWatcher | None = None
    """Tells of changed files; None: nothing is watched."""
    alone: bool = False
    """`--no-deps`: nobody waits for anybody."""
    spawned: int = 0
    """Processes started so far."""
    seq: int = 0
    """Moves with everything that somebody may wait for. Figures (memory, latencies) do not: a second later is soon enough."""
    pulse: Pulse = field(default_factory=Pulse)

    def changed(self) -> None:
        """Something that others may wait for, or show, is new."""
        self.seq += 1
        self.pulse.beat()
