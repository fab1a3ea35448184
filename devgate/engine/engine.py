"""Builds the parts, connects them, starts them, and takes them down in the reverse order.

    sockets bound  ->  gateway  ->  control API  ->  run file  ->  supervisor  ->  monitor  ->  face, lag, reload

The sockets come from outside, already bound: a taken port fails before any process exists, and connections queue while the rest
is still being imported. Stopping goes backwards, with one exception that users notice: the gateway stays until the last service
is gone, and answers 503 with the reason instead of refusing connections. The face sees that through and ends by itself.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from devgate import runfile
from devgate.admin.app import ControlApi
from devgate.directory import Directory
from devgate.engine import garbage
from devgate.engine.camera import Camera, Scene
from devgate.engine.changes import Changes
from devgate.engine.commands import Audit, Services, Sync, Traffic
from devgate.engine.lag import LoopLag
from devgate.engine.listening import listen_instead, url_of
from devgate.engine.news import News
from devgate.engine.presence import Presence, end_leftovers
from devgate.engine.verdict import Verdict
from devgate.errors import CommandError, Exit
from devgate.gateway.gateway import DRAIN_S, Gateway
from devgate.model.events import ComponentFailed, OperatorActed
from devgate.monitor.sync import SyncMonitor
from devgate.profile.reload import Reload
from devgate.supervisor.supervisor import Supervisor
from devgate.tasks import Scope

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from devgate.clock import Clock
    from devgate.engine.options import Options
    from devgate.files import FileWatcher
    from devgate.model.events import Event
    from devgate.model.gateway import GatewaySpec
    from devgate.model.plan import Plan
    from devgate.model.profile import Profile
    from devgate.model.snapshot import Snapshot
    from devgate.profile.loading import Attempt, Loaded
    from devgate.profile.trust import Trust
    from devgate.supervisor.guardian import Guardian

log = logging.getLogger(__name__)

SHUTDOWN_CAP_S = 15.0
FAREWELL_S = 1.0
"""How long the face may take to show that everything is gone: a few ticks of the screen."""


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
        trust: Trust,
        clock: Clock,
        options: Options,
        findable: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Args:
            load: reads a profile again, or another one, with what the command line puts over it.
            token: what the control API wants to see.
            mark: what the environment of every process of ours begins its mark with.
            findable: called once the run file is written, so that another devgate here finds this one.
        """
        self._clock = clock
        self._sockets = list(sockets)
        self.url = url_of(self._sockets)
        """Where the gateway answers."""
        self._token = token
        self._mark = mark
        self._news = News(clock)
        self.bus = self._news.bus
        self._directory = Directory()
        self._lag = LoopLag(clock)
        self._auto_ports = options.auto_ports
        self._findable = findable
        self._verdict = Verdict(on_fail=options.exit_on_fail, watched=options.exit_code_from)
        self._presence = Presence(state_dir)
        self._stop = asyncio.Event()
        self._gone = asyncio.Event()
        self._forced = False
        self.stop_reason = ""
        """Who or what asked devgate to stop."""
        self.exit_code: int | None = None
        """What devgate ends with, if it did not just do as it was told."""
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
            take_ports=options.take_ports,
            only=options.only,
            no_needs=options.no_needs,
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
        self._sync = Sync(self._monitor, self._supervisor, audit)
        self._changes = Changes(
            loaded,
            load=load,
            available=available,
            target=self,
            trust=trust,
            publish=publish,
            clock=clock,
            environment=self._supervisor.environment,
            overrides=options.env,
        )
        self._camera = Camera(
            Scene(
                directory=self._directory,
                supervisor=self._supervisor,
                gateway=self._gateway,
                monitor=self._monitor,
                changes=self._changes,
                lag=self._lag,
                news=self._news,
                url=lambda: self.url,
                stopping=self._stop.is_set,
            ),
            clock,
        )
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
        return self._camera.seq

    def snapshot(self) -> Snapshot:
        return self._camera.snapshot()

    def request_stop(self, reason: str, *, now: bool = False) -> None:
        if not self._stop.is_set():
            self.stop_reason = reason
            self._stop.set()
            self.publish(OperatorActed(action="stop", target="devgate", by=reason, at=self._clock.wall()))
        if now and not self._forced:
            self._forced = True
            self._supervisor.kill_all()

    def end(self, reason: str, code: int = Exit.SERVICE_FAILED) -> None:
        """Stop with this exit code, because something has ended that devgate runs for, or cannot do without."""
        if not self._stop.is_set():
            self.exit_code = code
            self.request_stop(reason)

    # Running

    async def settled(self) -> Sequence[str]:
        """Wait until every service that starts by itself is ready or has failed; the names of the failed ones."""
        return await self._supervisor.settled()

    async def stopping(self) -> str:
        """Wait until somebody asks to stop; who or what."""
        await self._stop.wait()
        return self.stop_reason

    async def ended(self) -> str:
        """Wait until the last service is gone; why devgate was stopped."""
        await self._gone.wait()
        return self.stop_reason

    async def run(self, face: Callable[[Engine], Awaitable[None]]) -> None:
        """Run until somebody asks to stop, or the face ends.

        Args:
            face: shows the engine. When it returns, devgate stops; when everything is gone it should return, and is cancelled if
                it does not. A face that fails ends devgate in order, with exit code 1.

        Raises:
            StartError: another devgate took this folder meanwhile.
        """
        async with AsyncExitStack() as stack:
            stack.enter_context(self._files)
            stack.push_async_callback(self._close_gateway)
            await self._gateway.serve(self._sockets)
            await self._api.start()
            stack.push_async_callback(self._api.aclose)
            before = stack.enter_context(self._presence.announced(self._run_as()))
            self._findable()
            if done := await end_leftovers(before):
                self._news.note(done)
            await stack.enter_async_context(self._supervisor)
            await stack.enter_async_context(self._monitor)
            scope = await stack.enter_async_context(Scope("engine", self.publish))
            if not self._stop.is_set():  # a signal may have come while leftovers were ended
                await self._supervisor.start(self._changes.loaded.profile)
            shown = scope.fatal("face", self._show(face))
            scope.guarded("lag", self._lag.measure)
            reload = scope.guarded("reload", self._reload.watch)
            # What lives now lives until the end: the collector need not look at it during a request. Nor before: a collection
            # of all that was imported takes 70 ms, in which the first requests wait, and finds next to nothing.
            gc.freeze()
            gc.enable()
            scope.guarded("garbage", partial(garbage.collect, lambda: self._gateway.seq))
            await self._stop.wait()
            reload.cancel()  # what starts now would never be stopped
            await self._supervisor.shutdown(cap_s=SHUTDOWN_CAP_S, now=self._forced)
            self._gone.set()
            await asyncio.wait([shown], timeout=FAREWELL_S)

    async def _close_gateway(self) -> None:
        await self._gateway.aclose(0.0 if self._forced else DRAIN_S)

    def _run_as(self) -> runfile.RunFile:
        return runfile.RunFile.here(
            control_url=self._api.url,
            token=self._token,
            url=self.url,
            profile=self._changes.loaded.profile.name,
            started_at=self._clock.wall(),
            mark=self._mark,
        )

    async def _show(self, face: Callable[[Engine], Awaitable[None]]) -> None:
        try:
            await face(self)
        except Exception as error:
            log.exception("what shows devgate has failed")
            self.publish(ComponentFailed(component="face", error=f"{type(error).__name__}: {error}"))
            self.end("the face failed")
        finally:
            self.request_stop("the face ended")

    # Changing the profile (changes.Target)

    def foresee(self, profile: Profile, plan: Plan) -> Plan:
        return self._supervisor.foresee(profile, plan)

    async def take(self, profile: Profile, plan: Plan) -> None:
        if plan.rebind:
            await self._rebind(profile.gateway)
        if self._stop.is_set():
            raise CommandError("devgate is stopping", code="stopping", status=503)
        self._gateway.apply(profile)
        self._monitor.apply(profile)
        await self._supervisor.converge(profile, plan)
        self._presence.update(url=self.url, profile=profile.name)
        self._reload.switched()

    async def _rebind(self, gateway: GatewaySpec) -> None:
        """Answer at another address. Raises DevgateError, and then answers where it did."""
        new = listen_instead(
            self._changes.loaded.profile.gateway, gateway, auto_ports=self._auto_ports, done=self._news.note
        )
        if not new:
            return
        try:
            await self._gateway.move(new)
        except BaseException:
            for one in new:
                one.close()
            raise
        self._sockets, self.url = new, url_of(new)

    def publish(self, event: Event) -> None:
        self._news.publish(event)
        verdict = self._verdict.consider(event)
        if verdict is not None:
            self.end(*verdict)
