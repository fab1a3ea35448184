"""The command of `devgate run`: started once everything is ready, and the reason for devgate to be there at all.

It shares our terminal and process group, as if it had been started without us: Ctrl-C reaches it from the terminal, and devgate
stays until it has ended, because what it tests must not go first.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from devgate import processes
from devgate.engine.verdict import shell_code
from devgate.errors import Exit
from devgate.escape import visible
from devgate.frozen import child_env
from devgate.model.status import ServiceState
from devgate.supervisor.environment import address_variable
from devgate.tasks import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devgate.engine.engine import Engine
    from devgate.model.snapshot import Snapshot

NOT_FOUND: Final = 127
NOT_EXECUTABLE: Final = 126
"""As shells have it."""


class Job:
    """Runs `command` and ends `engine` with its exit code.

    Args:
        env: what `-e` sets.
        mark: begins the mark of every process of this devgate; the guardian ends those when devgate is killed.
    """

    def __init__(self, command: Sequence[str], engine: Engine, *, env: Mapping[str, str], mark: str) -> None:
        self._command = list(command)
        self._engine = engine
        self._env = env
        self._mark = f"{mark}:run"
        self._process: subprocess.Popen[bytes] | None = None

    async def show(self) -> None:
        engine = self._engine
        failed = await engine.settled()
        snapshot = engine.snapshot()
        if snapshot.stopping:
            return
        if failed:
            engine.end("services failed", _say_failed(snapshot, failed))
            return
        try:
            self._process = self._start(snapshot)
        except OSError as error:
            text = f"devgate: cannot run {visible(self._command[0])}: {error.strerror}"
            print(text, file=sys.stderr)
            engine.end("no command", NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE)
        else:
            await self._wait(self._process)

    def _start(self, snapshot: Snapshot) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, env=self._environment(snapshot))

    async def _wait(self, process: subprocess.Popen[bytes]) -> None:
        async with Scope("run", self._engine.publish) as scope:
            ended = scope.fatal("command", asyncio.to_thread(process.wait))
            stopping = scope.fatal("stopping", self._engine.stopping())
            try:
                await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    self._engine.end("the command ended", shell_code(ended.result()))
            finally:
                if process.poll() is None:  # devgate was stopped from elsewhere, and what it tests is going
                    await asyncio.to_thread(processes.end, {}, self._mark)
                    process.kill()

    def interrupt(self, signal_name: str, *, now: bool = False) -> None:
        process = self._process
        if process is None or process.poll() is not None or now:
            self._engine.request_stop(signal_name, now=now)
        elif signal_name != "SIGINT" or not sys.stdin.isatty():  # a terminal has told it already
            process.send_signal(getattr(signal, signal_name))

    def _environment(self, snapshot: Snapshot) -> dict[str, str]:
        addresses = {address_variable(row.name): row.url for row in snapshot.services if row.url}
        return {
            **child_env(os.environ),
            **addresses,
            "DEVGATE_URL": snapshot.url,
            **self._env,
            processes.MARK: f"{self._mark}:command",
        }


def _say_failed(snapshot: Snapshot, failed: Sequence[str]) -> int:
    rows = [row for row in snapshot.services if row.name in failed]
    for row in rows:
        text = f"devgate: {row.name} is {row.state.value}: {row.cause or row.last_error}"
        print(visible(text), file=sys.stderr)
    blocked = any(row.state is ServiceState.BLOCKED for row in rows)
    return Exit.SERVICE_BLOCKED if blocked else Exit.SERVICE_FAILED
