"""What shows a devgate that this process runs: the screen, plain output, or nothing but somebody's command."""

from __future__ import annotations

import gc
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.cli.launch import Request
    from devgate.engine.engine import Engine
    from devgate.supervisor.guardian import Guardian


SCREENS: Final = 4
"""A screen that fails is begun anew: services and requests have nothing to do with it. One that fails so often will go on."""


class Face(Protocol):
    async def show(self) -> None:
        """Until everything has ended."""
        ...

    def interrupt(self, signal_name: str, *, now: bool = False) -> None:
        """A signal has come; `now`: it is not the first."""
        ...


def face_for(request: Request, engine: Engine, guardian: Guardian, mark: str, said: Sequence[str]) -> Face:
    """The one that the command line asked for. `said` is what stderr holds already, of the gateway's port."""
    if request.job:
        from devgate.cli.job import Job

        return Job(request.job, engine, env=request.env, mark=mark)
    if request.screen:
        return ScreenFace(engine, guardian, [*_notes(request, engine), *said])
    return PlainFace(engine, as_json=request.as_json)


def _notes(request: Request, engine: Engine) -> list[str]:
    """What stderr said before the screen covered it."""
    from devgate.cli.launch import notes

    found = notes(engine.profiles.loaded)
    if request.fallback is not None and (refused := request.attempt(request.ref).error) is not None:
        found.append(f"{refused.message}; this is {request.fallback} instead. `devgate check` shows what is wrong.")
    return found


class ScreenFace:
    def __init__(self, engine: Engine, guardian: Guardian, notes: Sequence[str]) -> None:
        self._engine = engine
        self._guardian = guardian
        self._notes = notes

    async def show(self) -> None:
        from devgate.cli.screen_settings import keys_file, theme
        from devgate.tui.session import run_screen

        self._guardian.screen(on=True)
        try:
            # What a view is made of lives as long as devgate. Unfrozen, each full collection looks through all of it, and
            # requests wait for 60 ms.
            show = partial(run_screen, self._engine, keymap=keys_file(), theme=theme(), ready=gc.freeze)
            notes = self._notes
            for _ in range(SCREENS):
                if not await show(notes=notes):
                    return
                notes = [
                    "The screen failed and was begun anew; nothing else was touched. The reason is printed when it ends."
                ]
            self._engine.end("the screen failed again and again")
        finally:
            self._guardian.screen(on=False)

    def interrupt(self, signal_name: str, *, now: bool = False) -> None:
        self._engine.request_stop(signal_name, now=now)


class PlainFace:
    def __init__(self, engine: Engine, *, as_json: bool) -> None:
        self._engine = engine
        self._json = as_json

    async def show(self) -> None:
        from devgate.headless import Headless, Lines, json_lost, logging_to, plain_lost

        engine = self._engine
        color = not self._json and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        encoding = "utf-8" if self._json else sys.stdout.encoding
        out = Lines(sys.stdout.fileno(), json_lost if self._json else plain_lost, encoding=encoding)
        errors = Lines(sys.stderr.fileno(), plain_lost, encoding=sys.stderr.encoding)
        face = Headless(engine, engine.publish, out, as_json=self._json, color=color)
        try:
            with logging_to(errors):
                await face.run(engine.bus.subscribe(), engine.settled, engine.ended)
        finally:
            out.close()
            errors.close()

    def interrupt(self, signal_name: str, *, now: bool = False) -> None:
        self._engine.request_stop(signal_name, now=now)
