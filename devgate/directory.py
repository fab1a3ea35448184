"""Who serves what, right now: the only thing that gateway and supervisor share.

The supervisor writes: it announces an instance with its address, moves it through its states, withdraws it before it stops. The
gateway reads: it picks from `Entry.best`, counts what is in flight on the instance it picked, and waits with `Entry.changed`
where a service is coming back. Neither knows the other.

Everything is synchronous except the two waits, so a reader that does not await sees one consistent moment.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.model.status import FAILED, RETURNING, HealthState, ServiceState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOSSES_KEPT: Final = 1_000
_WELL: Final = frozenset({HealthState.HEALTHY, HealthState.DEGRADED})
_READS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an instance listens."""

    host: str
    port: int
    scheme: str = "http"

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class Instance:
    """One replica as the gateway sees it. `epoch` grows with each run: an address is never mistaken for an older run's."""

    __slots__ = (
        "_cuts",
        "_idle",
        "_lost",
        "_overheard",
        "endpoint",
        "entered",
        "epoch",
        "health",
        "in_flight",
        "managed",
        "replica",
        "service",
        "shunned",
        "state",
        "withdrawn",
    )

    def __init__(self, service: str, replica: int, *, managed: bool = True) -> None:
        self.service = service
        self.replica = replica
        self.managed = managed
        """See `Entry.managed`."""
        self.state = ServiceState.STOPPED
        self.health = HealthState.UNKNOWN
        """What its probes say of it."""
        self.endpoint: Endpoint | None = None
        self.epoch = 0
        self.in_flight = 0
        """Requests that hold this instance."""
        self.entered = 0
        """Requests so far: whoever looks twice sees whether there was one between."""
        self.withdrawn = False
        """Takes no new requests."""
        self.shunned = False
        """Is left out as long as there is another one, because of how it has answered."""
        self._cuts: set[Callable[[], None]] = set()
        self._idle: asyncio.Event | None = None
        self._lost: deque[float] = deque(maxlen=LOSSES_KEPT)
        self._overheard = (0, 0.0, b"")
        """Epoch, monotonic seconds, value."""

    def __repr__(self) -> str:
        where = self.endpoint.url if self.endpoint else "nowhere"
        return f"<{self.service}#{self.replica} {self.state} at {where} epoch {self.epoch}, {self.in_flight} in flight>"

    def enter(self) -> None:
        """A request begins to use this instance; `leave` must follow."""
        self.in_flight += 1
        self.entered += 1

    def leave(self) -> None:
        self.in_flight -= 1
        if self._idle is not None and self.in_flight == 0:
            self._idle.set()

    def lose(self, at: float) -> None:
        """A request has failed, at `at` monotonic seconds, because the connection to this instance has ended."""
        self._lost.append(at)

    def lost(self, since: float) -> int:
        """How many requests have failed so since then."""
        return sum(at >= since for at in self._lost)

    def overhear(self, version: bytes, at: float) -> None:
        """An ordinary answer has named the shared-knowledge version, at `at` monotonic seconds."""
        self._overheard = (self.epoch, at, version)

    def overheard(self, since: float) -> str:
        """The version that its present run has named since then in an ordinary answer; empty if it has not."""
        epoch, at, version = self._overheard
        return version.decode("latin-1").strip() if epoch == self.epoch and at >= since else ""

    def on_cut(self, cut: Callable[[], None]) -> Callable[[], None]:
        """Register a long-lived exchange, which a drain ends instead of awaiting. Returns what takes it off the list."""
        self._cuts.add(cut)
        return lambda: self._cuts.discard(cut)

    async def drained(self, timeout_s: float) -> int:
        """Cut what is long-lived and wait for the rest. Returns how many requests are still in flight after `timeout_s`."""
        for cut in tuple(self._cuts):
            cut()
        if self.in_flight:
            self._idle = asyncio.Event()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._idle.wait()
            except TimeoutError:
                pass
            finally:
                self._idle = None
        return self.in_flight


class Entry:
    """A service and its instances, with what a refused or waiting request wants to know about it."""

    __slots__ = (
        "_changed",
        "best",
        "detail",
        "exit_code",
        "instances",
        "last_line",
        "managed",
        "restarting",
        "service",
        "serving",
        "sound",
        "wanted",
    )

    def __init__(self, service: str, replicas: int, *, managed: bool) -> None:
        self.service = service
        self.managed = managed
        """Whether devgate runs it: only then is there somebody who brings it back."""
        self.instances = tuple(Instance(service, replica, managed=managed) for replica in range(replicas))
        self.serving: tuple[Instance, ...] = ()
        """Instances that can take requests now."""
        self.sound: tuple[Instance, ...] = ()
        """Those of them that are not unhealthy. One alone is always sound: there is nobody who could answer better, a wrong probe
        would shut out a service that works, and whether it fails its requests is the breaker's to say."""
        self.best: tuple[Instance, ...] = ()
        """Those of the sound ones that requests are shared out among: the healthy; the degraded where nobody is healthy; those
        who are left out only where there is nobody else. The gateway's hot path reads just this."""
        self.detail = ""
        """Why it is in this state, redacted: the cause with the last line written, or the reason of a block."""
        self.last_line = ""
        """The last line of the process whose end `detail` tells of, redacted."""
        self.exit_code: int | None = None
        self.restarting = False
        """A stop that a start will follow."""
        self.wanted: Callable[[], None] | None = None
        """Starts a service with `autostart: on_request`; None where a request starts nothing."""
        self._changed = asyncio.Event()

    @property
    def state(self) -> ServiceState:
        """One word for all replicas: the best of them, for a request cares whether anybody serves or will serve."""
        states = {instance.state for instance in self.instances}
        for state in _BEST_FIRST:
            if state in states:
                return state
        return ServiceState.STOPPED

    @property
    def returning(self) -> bool:
        """Whether waiting is worth it."""
        if not self.managed:
            return False
        return self.restarting or any(instance.state in RETURNING for instance in self.instances)

    def wake(self) -> None:
        self.serving = tuple(
            instance
            for instance in self.instances
            if instance.state is ServiceState.READY and not instance.withdrawn and instance.endpoint is not None
        )
        self.sound = tuple(
            instance
            for instance in self.serving
            if instance.health is not HealthState.UNHEALTHY or len(self.instances) == 1
        )
        welcome = tuple(instance for instance in self.sound if not instance.shunned)
        well = tuple(instance for instance in welcome if instance.health is not HealthState.DEGRADED)
        self.best = well or welcome or self.sound
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def takers(self, method: str) -> tuple[Instance, ...]:
        """Instances that a request may be given to. Where all of several are unhealthy, reading requests go to any of them, for
        the probes may be wrong (Envoy's panic); others to none."""
        return self.sound or (self.serving if method in _READS else ())

    async def changed(self) -> None:
        """Wait for the next change of anything here. Look at the entry, then await: nothing falls between."""
        await self._changed.wait()


_BEST_FIRST = (
    ServiceState.READY,
    ServiceState.STARTING,
    ServiceState.SLOW,
    ServiceState.WAITING,
    ServiceState.BACKOFF,
    ServiceState.STOPPING,
    ServiceState.BLOCKED,
    ServiceState.CRASHED,
    ServiceState.EXITED,
    ServiceState.COMPLETED,
)


class Directory:
    """All services of the running profile."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._listeners: list[Callable[[Entry, Instance, ServiceState], None]] = []
        self._relieved: list[Callable[[Entry], None]] = []
        self.seq = 0
        """Moves with every change."""

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def get(self, service: str) -> Entry | None:
        return self._entries.get(service)

    def declare(self, service: str, replicas: int = 1, *, managed: bool = True) -> Entry:
        """Make a service known, stopped. A service that is known already with as many replicas stays as it is."""
        entry = self._entries.get(service)
        if entry is None or len(entry.instances) != replicas or entry.managed != managed:
            gone, entry = entry, Entry(service, replicas, managed=managed)
            self._entries[service] = entry
            self.seq += 1
            if gone is not None:
                gone.wake()  # whoever waits there looks the service up again
        return entry

    def remove(self, service: str) -> None:
        """Forget a service; requests that wait for it wake up and find it gone."""
        entry = self._entries.pop(service, None)
        if entry is not None:
            self.seq += 1
            entry.restarting = False
            for instance in entry.instances:
                instance.withdrawn = True
            entry.wake()

    def announce(self, instance: Instance, endpoint: Endpoint | None) -> None:
        """A new run of this instance: a new epoch, its address, taking requests again once it is ready."""
        instance.epoch += 1
        instance.endpoint = endpoint
        instance.withdrawn = False
        instance.shunned = False

    def move(self, instance: Instance, state: ServiceState) -> None:
        """Put an instance into a state and wake whoever waits."""
        old, instance.state = instance.state, state
        entry = self._entries.get(instance.service)
        if entry is None or instance not in entry.instances:
            return
        self.seq += 1
        if state in FAILED or state is ServiceState.READY:
            entry.restarting = False
        entry.wake()
        if old is not state:
            for listen in self._listeners:
                listen(entry, instance, old)

    def rate(self, instance: Instance, health: HealthState) -> None:
        """Probes say something else of it."""
        old, instance.health = instance.health, health
        entry = self._entries.get(instance.service)
        if old is health or entry is None:
            return
        entry.wake()
        if old is HealthState.UNHEALTHY and health in _WELL and instance.state is ServiceState.READY:
            for relieved in self._relieved:
                relieved(entry)

    def shun(self, instance: Instance) -> None:
        """Leave it out until `readmit`, as long as there is another one."""
        self._welcome(instance, shunned=True)

    def readmit(self, instance: Instance, epoch: int) -> None:
        """It takes part again, if that is still the run that was shunned."""
        if instance.epoch == epoch:
            self._welcome(instance, shunned=False)

    def _welcome(self, instance: Instance, *, shunned: bool) -> None:
        instance.shunned = shunned
        entry = self._entries.get(instance.service)
        if entry is not None:
            entry.wake()

    def withdraw(self, instance: Instance) -> None:
        """Give it no new requests: the first step of every stop."""
        instance.withdrawn = True
        entry = self._entries.get(instance.service)
        if entry is not None:
            self.seq += 1
            entry.wake()

    async def drain(self, instance: Instance, timeout_s: float) -> int:
        """Withdraw, cut the long-lived, await the rest. Returns how many requests are left in flight."""
        self.withdraw(instance)
        return await instance.drained(timeout_s)

    def listen(self, listener: Callable[[Entry, Instance, ServiceState], None]) -> None:
        """Call `listener(entry, instance, old_state)` synchronously at each change of state: the breaker's wire."""
        self._listeners.append(listener)

    def on_recovery(self, relieved: Callable[[Entry], None]) -> None:
        """Call `relieved(entry)` when the probes of one of its instances pass again that had found it unhealthy."""
        self._relieved.append(relieved)
