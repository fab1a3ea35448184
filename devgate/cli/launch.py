"""What `devgate up` does, in the order in which a user feels it.

Load and check the profile, ask whether it may run, look whether a devgate runs here already, bind the sockets - from now on
connections queue instead of being refused - and only then import what serves them.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from devgate.cli.selection import selection
from devgate.clock import SystemClock
from devgate.descriptors import raise_limit
from devgate.engine.listening import listen
from devgate.errors import Exit
from devgate.escape import visible
from devgate.profile import lookup
from devgate.profile.loading import try_load
from devgate.profile.trust import Trust
from devgate.profile.trust import state_folder as trust_folder
from devgate.runfile import already_running, exposed_at, read, starting, state_folder

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from devgate.cli.faces import Face
    from devgate.errors import ProfileError
    from devgate.profile.loading import Attempt, Loaded
    from devgate.runfile import RunFile

SIGINT_ECHO_S = 0.5
"""Two SIGINTs closer than this are one Ctrl-C: a one-file bundle passes on what the terminal has sent already (DESKTOP.md 3)."""
STOPPED_BY = {"SIGINT": Exit.INTERRUPTED, "SIGTERM": Exit.TERMINATED, "SIGHUP": Exit.HUNG_UP}


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    ref: str | None
    folder: Path
    """Where to look for a profile."""
    screen: bool = False
    as_json: bool = False
    switch: bool = False
    """`--yes`: a devgate that runs another profile here is to go over to this one."""
    fallback: str | None = None
    port: int | None = None
    auto_ports: bool = False
    take_port: bool = False
    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    no_deps: bool = False
    all_stubs: bool = False
    trust: bool = False
    expose: bool = False
    exit_on_fail: bool = False
    exit_code_from: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    watch_stdin: bool = False
    parent_pid: int | None = None
    job: tuple[str, ...] = ()
    """The command of `devgate run`."""

    def attempt(self, ref: str | None) -> Attempt:
        """Load a profile with what the command line decides put over it; the same for the start, a reload and a switch."""
        attempt = try_load(ref, cwd=self.folder, environ={**os.environ, **self.env}, expose=self.expose)
        loaded = attempt.loaded
        if loaded is None or self.port is None:
            return attempt
        gateway = loaded.profile.gateway.model_copy(update={"port": self.port})
        profile = loaded.profile.model_copy(update={"gateway": gateway})
        return replace(attempt, loaded=loaded.with_profile(profile))


def load(request: Request) -> Loaded:
    """The profile that was asked for, or `--fallback`; what a user should know about it goes to stderr.

    Raises:
        ProfileError: it cannot be used.
        CommandError: an option names no service.
    """
    attempt = request.attempt(request.ref)
    if attempt.loaded is None and request.fallback is not None:
        assert attempt.error is not None
        _say_fallback(attempt.error, request.fallback)
        attempt = request.attempt(request.fallback)
    loaded = attempt.loaded
    if loaded is None:
        assert attempt.error is not None
        raise attempt.error
    selection(loaded.profile, request.only, request.without, no_deps=request.no_deps)
    if request.exit_code_from is not None and request.exit_code_from not in loaded.profile.services:
        from devgate.engine.commands import unknown_service

        raise unknown_service(request.exit_code_from, loaded.profile.services)
    for note in notes(loaded):
        print(note, file=sys.stderr)
    return loaded


def notes(loaded: Loaded) -> list[str]:
    """What a user should know about a profile that is usable."""
    found = [str(problem) for problem in loaded.warnings]
    if loaded.is_fallback:
        found.append(
            "devgate: there is no devgate.yaml here, so this is the demo. `devgate init` writes one to begin with."
        )
    return found


def prepare(request: Request) -> Loaded:
    """Everything that can be refused before anything exists: a bad profile, an unknown name, a command nobody has agreed to.

    Raises:
        ProfileError: the profile cannot be used.
        CommandError: an option names no service.
        StartError: the profile is new here and nobody trusts it.
    """
    loaded = load(request)
    from devgate.cli.trust import ask_for_trust

    ask_for_trust(loaded, agreed=request.trust)
    return loaded


def _say_fallback(error: ProfileError, fallback: str) -> None:
    from devgate.cli.main import report

    report(error)
    print(f"devgate: starting {visible(fallback)} instead", file=sys.stderr)


def launch(request: Request) -> int:
    """Run devgate until it is stopped, or show the one that runs here already; returns the process's exit code.

    Raises:
        DevgateError: it cannot start; nothing is left half-started.
    """
    loaded = prepare(request)
    state = state_folder(loaded.folder)
    with starting(state) as started:
        running = read(state)
        unusable = exposed_at(state)
        if unusable is not None:
            raise unusable
        if running is not None and running.alive:
            started()
            return _meet(running, loaded, request)
        said: list[str] = []
        sockets = take(loaded, request, said.append)
        try:
            return _serve(request, loaded, sockets, state, started, said)
        finally:
            for one in sockets:
                one.close()


def take(loaded: Loaded, request: Request, told: Callable[[str], None] = lambda text: None) -> list[socket.socket]:
    """The gateway's sockets; says, and tells, who was ended for them, or where they are instead.

    Raises:
        StartError: it cannot listen there.
    """

    def say(text: str) -> None:
        print(f"devgate: {visible(text)}", file=sys.stderr)
        told(text)

    return listen(loaded.profile.gateway, auto_ports=request.auto_ports, take=request.take_port, done=say)


def _meet(running: RunFile, loaded: Loaded, request: Request) -> int:
    """A devgate runs here: a person who wants that very profile sees it, everybody else hears of it."""
    went_over = go_over(running, loaded, request)
    if not request.screen or (is_another(running, loaded, request) and not went_over):
        raise already_running(running)
    from devgate.cli.attach import attach

    return attach(running)


def is_another(running: RunFile, loaded: Loaded, request: Request) -> bool:
    """Whether devgate runs another profile than the one that was named."""
    return request.ref is not None and loaded.profile.name != running.profile


def go_over(running: RunFile, loaded: Loaded, request: Request) -> bool:
    """Switch the devgate that runs to the profile that was named, where `--yes` says so; whether that was done."""
    if not request.switch or not is_another(running, loaded, request):
        return False
    from devgate.cli.client import connect
    from devgate.cli.planning import carry_out

    async def work() -> None:
        control = connect(running)
        plan = await control.profiles.propose(loaded.ref)
        await carry_out(control, plan, dry_run=False, yes=True, trust=request.trust, as_json=False)

    asyncio.run(work())
    return True


def _serve(
    request: Request,
    loaded: Loaded,
    sockets: list[socket.socket],
    state: Path,
    started: Callable[[], None],
    said: Sequence[str],
) -> int:
    from devgate.supervisor.guardian import Guardian
    from devgate.supervisor.kinship import new_mark

    with Guardian.start(mark := new_mark()) as guardian:
        # Now the slow part: aiohttp, and Textual where there is a screen.
        from devgate.cli.faces import face_for
        from devgate.cli.sidecar import follow_parent
        from devgate.engine.engine import Engine
        from devgate.engine.options import Options
        from devgate.files import FileWatcher

        options = Options(
            all_stubs=request.all_stubs,
            auto_ports=request.auto_ports,
            take_ports=request.take_port,
            only=selection(loaded.profile, request.only, request.without, no_deps=request.no_deps),
            no_needs=request.no_deps,
            exit_on_fail=request.exit_on_fail,
            exit_code_from=request.exit_code_from,
            env=request.env,
        )
        clock = SystemClock()
        raise_limit()
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
                    trust=Trust(trust_folder(), always=request.trust),
                    clock=clock,
                    options=options,
                    findable=started,
                )
                face = face_for(request, engine, guardian, mark, said)
                loop = asyncio.get_running_loop()
                _stop_on_signals(loop, face, clock.now)
                follow_parent(request, lambda reason: loop.call_soon_threadsafe(partial(engine.request_stop, reason)))
                try:
                    await engine.run(lambda _: face.show())
                finally:
                    _hear_no_more()
                _note_used(state, engine.profiles.loaded)
                if engine.exit_code is not None:
                    return engine.exit_code
                return STOPPED_BY.get(engine.stop_reason, Exit.OK)

            return runner.run(run())


def _hear_no_more() -> None:
    """All is over but the exit code, which an impatient third Ctrl-C must not change: the loop is about to drop its handlers."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, [getattr(signal, name) for name in STOPPED_BY])


def _note_used(state: Path, loaded: Loaded) -> None:
    if loaded.is_fallback:
        return
    try:
        lookup.note_used(state, loaded.ref)
    except OSError:  # somebody has removed the folder meanwhile
        pass


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop takes a seventh off the CPU of a request (38 us against 44). There is none for Windows."""
    if sys.platform == "win32":
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    return factory


def _stop_on_signals(loop: asyncio.AbstractEventLoop, face: Face, now: Callable[[], float]) -> None:
    """The first signal stops in order, a second one kills what still runs; the terminal is restored either way."""
    first_at: float | None = None

    def received(name: str) -> None:
        nonlocal first_at
        if first_at is None:
            first_at = now()
            face.interrupt(name)
        elif now() - first_at > SIGINT_ECHO_S:
            face.interrupt(name, now=True)

    for name in STOPPED_BY:
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, received, name)
        except NotImplementedError:  # Windows' loop
            signal.signal(number, lambda *_, name=name: loop.call_soon_threadsafe(received, name))
