"""Builds the parts, connects them, starts them, and takes them down in the reverse order.

    sockets bound  ->  gateway  ->  supervisor  ->  monitors  ->  control API  ->  reload  ->  face

The sockets come from outside, already bound: a taken port fails before any process exists, and connections queue while the rest
is still being imported. Stopping goes backwards, with one exception that users notice: the gateway stays until the last service
is gone, and answers 503 with the reason instead of refusing connections.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections import deque
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devgate import processes, runfile
from devgate.admin.app import ControlApi
from devgate.bus import Bus
from devgate.directory import Directory
from devgate.engine.changes import Changes
from devgate.engine.commands import Audit, Services, Sync, Traffic
from devgate.engine.lag import LoopLag
from devgate.engine.narration import narrate
from devgate.engine.picture import picture
from devgate.gateway.gateway import Gateway
from devgate.model.snapshot import EventRow
from devgate.monitor.sync import SyncMonitor
from devgate.profile.reload import Reload
from devgate.supervisor.supervisor import Supervisor
from devgate.tasks import Scope

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from devgate.clock import Clock
    from devgate.files import FileWatcher
    from devgate.model.events import Event
    from devgate.model.plan import Plan
    from devgate.model.profile import Profile
    from devgate.model.snapshot import Snapshot
    from devgate.profile.loading import Attempt, Loaded
    from devgate.supervisor.guardian import Guardian

log = logging.getLogger(__name__)

SHUTDOWN_CAP_S = 15.0
EVENTS_KEPT = 100
PICTURE_LIFE_S = 0.2
"""While only traffic moves a snapshot is shared for this long, whoever asks; a change of state is seen at once."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decides, beyond the profile."""

    all_stubs: bool = False
    auto_ports: bool = False
    only: frozenset[str] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables that beat every other."""


class Engine:
    """A running devgate; implements `control.Control`."""

    def __init__(
        self,
        loaded: Loaded,
        sockets: Sequence[socket.socket],
        *,
        load: Callable[[str], Attempt],
        available: Callable[[], Sequence[str]],
        state_dir: Path,
        environ: Mapping[str, str],
        token: str,
        mark: str,
        guardian: Guardian,
        files: FileWatcher,
        clock: Clock,
        options: Options,
    ) -> None:
        self._clock = clock
        self._sockets = list(sockets)
        self._state_dir = state_dir
        self._token = token
        self._mark = mark
        self._started_at = clock.now()
        self.bus = Bus()
        self._directory = Directory()
        self._news: deque[EventRow] = deque(maxlen=EVENTS_KEPT)
        self._lag = LoopLag(clock)
        self._stop = asyncio.Event()
        self.stop_reason = ""
        self.failed = False
        self._forced = False
        self._picture: Snapshot | None = None
        self._pictured_at = 0.0
        self._pictured_states = -1
        publish = self.publish
        profile = loaded.profile
        self._supervisor = Supervisor(
            self._directory,
            publish,
            clock,
            state_dir=state_dir,
            environ=environ,
            gateway_url=lambda: self.url,
            all_stubs=options.all_stubs,
            auto_ports=options.auto_ports,
            only=options.only,
            guardian=guardian,
            files=files,
            overrides=options.env,
            mark=mark,
        )
        self._gateway = Gateway(
            profile, self._directory, publish, clock, snapshot=self.snapshot, suspect=self._supervisor.suspect
        )
        self._monitor = SyncMonitor(self._directory, publish, clock, profile=profile)
        audit = Audit(publish, clock)
        self._services = Services(self._supervisor, audit)
        self._traffic = Traffic(self._gateway, audit)
        self._sync = Sync(self._monitor, audit)
        self._changes = Changes(loaded, load=load, available=available, target=self, publish=publish, clock=clock)
        self._api = ControlApi(self, self.bus, token)
        self._files = files
        self._reload = Reload(
            current=lambda: self._changes.loaded,
            attempt=load,
            watcher=files,
            changed=self._changes.file_changed,
            rejected=self._changes.reject,
        )

    # What a face sees (control.Control)

    @property
    def services(self) -> Services:
        return self._services

    @property
    def gateway(self) -> Traffic:
        return self._traffic

    @property
    def sync(self) -> Sync:
        return self._sync

    @property
    def profiles(self) -> Changes:
        return self._changes

    @property
    def seq(self) -> int:
        # Uptimes move every second without anybody announcing it.
        return self._states_seq + self._gateway.seq + int(self._clock.now())

    @property
    def _states_seq(self) -> int:
        return self.bus.seq + self._directory.seq + self._supervisor.seq

    def snapshot(self) -> Snapshot:
        now = self._clock.now()
        seq, states = self.seq, self._states_seq
        if (
            self._picture is None
            or states != self._pictured_states
            or (seq != self._picture.seq and now - self._pictured_at >= PICTURE_LIFE_S)
        ):
            self._picture = picture(
                seq=seq,
                at=self._clock.wall(),
                uptime_s=now - self._started_at,
                profile=self._changes.loaded.profile,
                source=self._changes.loaded.ref,
                problems=self._changes.problems,
                applied_at=self._changes.applied_at,
                url=self.url,
                views=self._supervisor.views(),
                traffic=self._gateway.traffic(),
                service_traffic=self._gateway.service_traffic,
                route_traffic=self._gateway.route_traffic,
                breakers=self._gateway.breaker_row,
                sync=self._monitor.rows(),
                sync_state=self._monitor.overall,
                sync_expected=self._monitor.expected,
                lag_ms=self._lag.worst_ms,
                events=tuple(self._news),
                stopping=self._stop.is_set(),
            )
            self._pictured_at, self._pictured_states = now, states
        return self._picture

    def request_stop(self, reason: str, *, now: bool = False) -> None:
        if not self._stop.is_set():
            self.stop_reason = reason
            self._stop.set()
        if now and not self._forced:
            self._forced = True
            self._supervisor.kill_all()

    def fail(self, reason: str) -> None:
        """A part that devgate cannot do without has ended: stop, and let the exit code say so."""
        self.failed = True
        self.request_stop(reason)

    # Running

    @property
    def url(self) -> str:
        """Where the gateway answers."""
        host, port = self._sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def settled(self) -> Sequence[str]:
        """Wait until every service that starts by itself is ready or has failed; the names of the failed ones."""
        return await self._supervisor.settled()

    async def run(self, face: Callable[[Engine], Awaitable[None]]) -> None:
        """Run until somebody asks to stop, or the face ends.

        Args:
            face: shows the engine; when it returns, devgate stops.

        Raises:
            StartError: another devgate took this folder meanwhile.
        """
        profile = self._changes.loaded.profile
        async with AsyncExitStack() as stack:
            stack.enter_context(self._files)
            await self._gateway.serve(self._sockets)
            stack.push_async_callback(self._gateway.aclose)
            await self._api.start()
            stack.push_async_callback(self._api.aclose)
            before = stack.enter_context(self._findable())
            if before is not None and before.mark:
                await self._end_leftovers(before.mark)
            await stack.enter_async_context(self._supervisor)
            await stack.enter_async_context(self._monitor)
            scope = await stack.enter_async_context(Scope("engine", self.publish))
            await self._supervisor.start(profile)
            shown = scope.fatal("face", self._show(face))
            scope.guarded("lag", self._lag.measure)
            scope.guarded("reload", self._reload.watch)
            # What lives now lives until the end: the collector need not look at it during a request.
            gc.collect()
            gc.freeze()
            await self._stop.wait()
            await self._supervisor.shutdown(cap_s=SHUTDOWN_CAP_S, now=self._forced)
            shown.cancel()

    @contextmanager
    def _findable(self) -> Iterator[runfile.RunFile | None]:
        """The run file, by which the other verbs find this devgate. Yields the one of a predecessor that was killed."""
        run = runfile.RunFile.here(
            control_url=self._api.url,
            token=self._token,
            url=self.url,
            profile=self._changes.loaded.profile.name,
            started_at=self._clock.wall(),
            mark=self._mark,
        )
        before = runfile.claim(self._state_dir, run)
        try:
            yield before
        finally:
            runfile.release(self._state_dir, run)

    async def _end_leftovers(self, mark: str) -> None:
        """What a killed devgate, and its killed guardian, have left holds ports that are wanted now."""
        ended = await asyncio.to_thread(processes.end, {}, mark)
        if ended.asked:
            count = len(ended.asked)
            text = f"ended {count} process{'' if count == 1 else 'es'} of a devgate that was killed here"
            self._news.append(EventRow(at=self._clock.wall(), text=text, level="warning"))
            log.warning("%s", text)

    async def _show(self, face: Callable[[Engine], Awaitable[None]]) -> None:
        try:
            await face(self)
        finally:
            self.request_stop("the screen ended")

    # Changing the profile (changes.Target)

    async def take(self, profile: Profile, plan: Plan) -> None:
        self._gateway.apply(profile)
        self._monitor.apply(profile)
        await self._supervisor.converge(profile, plan)
        self._reload.switched()

    def publish(self, event: Event) -> None:
        row = narrate(event, self._clock.wall())
        if row is not None:
            self._news.append(row)
        self.bus.publish(event)
