"""What `devgate up` does, in the order in which a user feels it.

Load and check the profile, ask whether it may run, look whether a devgate runs here already, bind the sockets - from now on
connections queue instead of being refused - and only then import what serves them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import sys
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from devgate.clock import SystemClock
from devgate.errors import Exit, StartError
from devgate.gateway.binding import bind
from devgate.profile import lookup
from devgate.profile.loading import try_load
from devgate.runfile import already_running, read, state_folder

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from devgate.engine.engine import Engine
    from devgate.profile.loading import Attempt, Loaded
    from devgate.supervisor.guardian import Guardian

log = logging.getLogger(__name__)

SIGINT_ECHO_S = 0.5
"""Two SIGINTs closer than this are one Ctrl-C: a one-file bundle passes on what the terminal has sent already (DESKTOP.md 3)."""
STOPPED_BY = {"SIGINT": Exit.INTERRUPTED, "SIGTERM": Exit.TERMINATED, "SIGHUP": Exit.HUNG_UP}


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    ref: str | None
    folder: Path
    """Where to look for a profile."""
    screen: bool
    as_json: bool
    port: int | None
    auto_ports: bool
    only: frozenset[str] | None
    all_stubs: bool
    trust: bool
    expose: bool
    env: Mapping[str, str]

    def attempt(self, ref: str | None) -> Attempt:
        """Load a profile with what the command line decides put over it; the same for the start, a reload and a switch."""
        attempt = try_load(ref, cwd=self.folder, environ={**os.environ, **self.env}, expose=self.expose)
        loaded = attempt.loaded
        if loaded is None or self.port is None:
            return attempt
        gateway = loaded.profile.gateway.model_copy(update={"port": self.port})
        profile = loaded.profile.model_copy(update={"gateway": gateway})
        return replace(attempt, loaded=loaded.with_profile(profile))


def prepare(request: Request) -> Loaded:
    """Everything that can be refused before anything exists: a bad profile, an unknown name, a command nobody has agreed to.

    Raises:
        ProfileError: the profile cannot be used.
        CommandError: `--only` names no service.
        StartError: the profile is new here and nobody trusts it.
    """
    attempt = request.attempt(request.ref)
    if attempt.loaded is None:
        assert attempt.error is not None
        raise attempt.error
    loaded = attempt.loaded
    for name in sorted((request.only or frozenset()) - loaded.profile.services.keys()):
        from devgate.engine.commands import unknown_service

        raise unknown_service(name, loaded.profile.services)
    from devgate.cli.trust import ask_for_trust

    ask_for_trust(loaded, agreed=request.trust)
    return loaded


def launch(request: Request) -> int:
    """Run devgate until it is stopped; returns the process's exit code."""
    loaded = prepare(request)
    state = state_folder(loaded.folder)
    running = read(state)
    if running is not None and running.alive:
        raise already_running(running)
    sockets = _bind(loaded, request)
    try:
        return _serve(request, loaded, sockets, state)
    finally:
        for one in sockets:
            one.close()


def _bind(loaded: Loaded, request: Request) -> list[socket.socket]:
    gateway = loaded.profile.gateway
    try:
        return bind(gateway.host, gateway.port)
    except StartError as error:
        if error.exit_code != Exit.GATEWAY_PORT or not request.auto_ports:
            raise
        return bind(gateway.host, 0)


def _serve(request: Request, loaded: Loaded, sockets: list[socket.socket], state: Path) -> int:
    from devgate.supervisor.guardian import Guardian

    with Guardian.start(mark := secrets.token_hex(8)) as guardian:
        # Now the slow part: aiohttp, and Textual where there is a screen.
        from devgate.engine.engine import Engine, Options
        from devgate.files import FileWatcher

        options = Options(request.all_stubs, request.auto_ports, request.only, request.env)
        clock = SystemClock()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:

            async def run() -> int:
                engine = Engine(
                    loaded,
                    sockets,
                    load=request.attempt,
                    available=partial(lookup.available, request.folder),
                    state_dir=state,
                    environ=os.environ,
                    token=secrets.token_urlsafe(32),
                    mark=mark,
                    guardian=guardian,
                    files=FileWatcher(clock),
                    clock=clock,
                    options=options,
                )
                _stop_on_signals(asyncio.get_running_loop(), engine, clock.now)
                face = partial(_screen, guardian) if request.screen else partial(_headless, as_json=request.as_json)
                await engine.run(face)
                lookup.note_used(state, loaded.ref)
                return Exit.SERVICE_FAILED if engine.failed else STOPPED_BY.get(engine.stop_reason, Exit.OK)

            return runner.run(run())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed; never needed."""
    try:
        uvloop = import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _stop_on_signals(loop: asyncio.AbstractEventLoop, engine: Engine, now: Callable[[], float]) -> None:
    """The first signal stops in order, a second one kills what still runs; the terminal is restored either way."""
    first_at: float | None = None

    def received(name: str) -> None:
        nonlocal first_at
        if first_at is None:
            first_at = now()
            engine.request_stop(name)
        elif now() - first_at > SIGINT_ECHO_S:
            engine.request_stop(name, now=True)

    for name in STOPPED_BY:
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, received, name)
        except NotImplementedError:  # Windows' loop
            signal.signal(number, lambda *_, name=name: loop.call_soon_threadsafe(received, name))


async def _screen(guardian: Guardian, engine: Engine) -> None:
    from devgate.tui.app import run_screen

    guardian.screen(on=True)
    try:
        if await run_screen(engine):
            engine.fail("the screen failed")
    finally:
        guardian.screen(on=False)


async def _headless(engine: Engine, *, as_json: bool) -> None:
    from devgate.headless import Headless, Lines

    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    lines = Lines(sys.stdout)
    face = Headless(engine, engine.publish, lines, as_json=as_json, color=color)
    try:
        await face.run(engine.bus.subscribe(), engine.settled())
    finally:
        face.stopped(engine.stop_reason)
        lines.close()
