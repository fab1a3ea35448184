"""Pictures of a running devgate, taken when somebody asks and there is something new to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.engine.picture import picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.clock import Clock
    from devgate.directory import Directory
    from devgate.engine.changes import Changes
    from devgate.engine.lag import LoopLag
    from devgate.engine.news import News
    from devgate.gateway.gateway import Gateway
    from devgate.model.snapshot import Snapshot
    from devgate.monitor.sync import SyncMonitor
    from devgate.supervisor.supervisor import Supervisor

PICTURE_LIFE_S: Final = 0.2
"""While only traffic moves a picture is shared for this long, whoever asks; a change of state is seen at once."""


BEAT_S: Final = 2.0
"""How old a picture of a devgate to which nothing happens may be. A new one every second, and the nine rows that show another
uptime, would be a third of all that it costs then."""
HASTE_S: Final = 1.0
"""The same while it stops: seconds are counted down."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is on a picture."""

    directory: Directory
    supervisor: Supervisor
    gateway: Gateway
    monitor: SyncMonitor
    changes: Changes
    lag: LoopLag
    news: News
    url: Callable[[], str]
    stopping: Callable[[], bool]


class Camera:
    """Keeps the last picture."""

    def __init__(self, scene: Scene, clock: Clock) -> None:
        self._scene = scene
        self._clock = clock
        self._began_at = clock.now()
        self._last: Snapshot | None = None
        self._taken_at = 0.0
        self._states = -1

    @property
    def seq(self) -> int:
        """Moves whenever a picture would show something new."""
        # Uptimes move without anybody announcing it.
        beat_s = HASTE_S if self._scene.stopping() else BEAT_S
        return self._states_seq + self._scene.gateway.seq + int(self._clock.now() / beat_s)

    @property
    def _states_seq(self) -> int:
        scene = self._scene
        return scene.news.bus.seq + scene.directory.seq + scene.supervisor.seq

    def snapshot(self) -> Snapshot:
        """What there is to see now."""
        now, seq, states = self._clock.now(), self.seq, self._states_seq
        if (
            self._last is None
            or states != self._states
            or (seq != self._last.seq and now - self._taken_at >= PICTURE_LIFE_S)
        ):
            self._last = self._take(seq, now)
            self._taken_at, self._states = now, states
        return self._last

    def _take(self, seq: int, now: float) -> Snapshot:
        scene = self._scene
        changes, gateway, monitor = scene.changes, scene.gateway, scene.monitor
        return picture(
            seq=seq,
            at=self._clock.wall(),
            uptime_s=now - self._began_at,
            profile=changes.loaded.profile,
            source=changes.loaded.ref,
            problems=changes.problems,
            waits=changes.waits,
            applied_at=changes.applied_at,
            url=scene.url(),
            known=scene.supervisor.rows(),
            traffic=gateway.traffic(),
            service_traffic=gateway.service_traffic,
            route_traffic=gateway.route_traffic,
            breakers=gateway.breaker_row,
            sync=monitor.rows(),
            sync_state=monitor.overall,
            sync_expected=monitor.expected,
            lag_ms=scene.lag.worst_ms,
            events=scene.news.rows,
            stopping=scene.stopping(),
            kill_in_s=scene.supervisor.kill_in_s,
            faults=gateway.faults(),
            cache=gateway.cache(),
            limits=gateway.limits(),
        )
