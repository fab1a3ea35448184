"""The face without a terminal: prefixed log lines for people who pipe, JSON lines for programs (a Tauri sidecar, CI).

With `json` stdout holds JSON objects only, one a line: `listening` once the gateway accepts, `ready` (or `failed`) once every
service has settled, then every event. Lines leave through `Lines`, a queue with a thread: a reader that stops reading must never
stop the gateway (DESKTOP.md 3: the shell plugin's reader has a channel of one), and a reader that is gone must not stop its
clean-up.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import re
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from devgate.escape import visible, without_colour
from devgate.tasks import Scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from devgate.bus import Subscription
    from devgate.control import Control
    from devgate.model.events import Publish
    from devgate.model.query import LogLine

DEPTH = 10_000
LOG_INTERVAL_S = 0.2
_SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Lines:
    """Writes lines from a thread of its own; drops and counts what a slow reader does not take."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(DEPTH)
        self.dropped = 0
        self._thread = threading.Thread(target=self._write, name="devgate-lines", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        if self._room.acquire(blocking=False):
            self._queue.put(line)
        else:
            self.dropped += 1

    def close(self, timeout_s: float = 1.0) -> None:
        """Write what is queued, but wait no longer than this for a reader that is stuck."""
        self._queue.put(None)
        self._thread.join(timeout_s)

    def _write(self) -> None:
        while (line := self._queue.get()) is not None:
            self._room.release()
            try:
                self._out.write(line + "\n")
                if self._queue.empty():
                    self._out.flush()
            except (OSError, ValueError):  # the reader is gone; go on taking lines so that nobody waits
                continue


class Headless:
    """Drives `Lines` from a `Control`.

    Args:
        color: whether prefixes are coloured; the services' own colours are kept only then, too.
    """

    def __init__(self, control: Control, publish: Publish, lines: Lines, *, as_json: bool, color: bool) -> None:
        self._control = control
        self._publish = publish
        self._lines = lines
        self._json = as_json
        self._color = color
        self._after = 0

    async def run(self, events: Subscription, settled: Awaitable[Sequence[str]]) -> None:
        """Print until cancelled. `settled` gives the names of the services that failed once all have settled."""
        snapshot = self._control.snapshot()
        self._say("listening", f"listening on {snapshot.url} with profile {snapshot.profile}")
        async with Scope("headless", self._publish) as scope:
            scope.fatal("settle", self._settle(settled))
            await (self._events(events) if self._json else self._logs())

    def stopped(self, reason: str) -> None:
        """The last line: every service is gone."""
        self._say("stopped", f"stopped ({reason})", reason=reason)

    async def _settle(self, settled: Awaitable[Sequence[str]]) -> None:
        failed = await settled
        if failed:
            rows = {row.name: row for row in self._control.snapshot().services}
            reasons = {name: rows[name].cause for name in failed if name in rows}
            text = "; ".join(f"{name}: {cause}" for name, cause in reasons.items())
            self._say("failed", f"not all services are ready: {text}", services=reasons)
        else:
            self._say("ready", "every service is ready")

    async def _events(self, events: Subscription) -> None:
        async for event in events:
            self._put_json({"event": _SEAM.sub("_", type(event).__name__).lower(), **asdict(event)})

    async def _logs(self) -> None:
        while True:
            await self._print_logs()
            await asyncio.sleep(LOG_INTERVAL_S)

    async def _print_logs(self) -> None:
        piece = await self._control.services.logs((), after=self._after, limit=DEPTH)
        if piece.dropped and self._after:
            self._lines.put(f"devgate | {piece.dropped} lines skipped here; full in .devgate/logs")
        self._after = piece.next
        width = max((len(row.name) for row in self._control.snapshot().services), default=0)
        for line in piece.lines:
            self._lines.put(self._prefixed(line, width))

    def _prefixed(self, line: LogLine, width: int) -> str:
        name = line.service.ljust(width)
        sign = {"out": "|", "err": "|", "mark": "·"}[line.stream]
        text = line.text if self._color else visible(without_colour(line.text))
        if not self._color:
            return f"{name} {sign} {text}"
        return f"\x1b[{31 + sum(map(ord, line.service)) % 6}m{name} {sign}\x1b[0m {text}\x1b[0m"

    def _say(self, event: str, text: str, **more: object) -> None:
        if self._json:
            snapshot = self._control.snapshot()
            self._put_json(
                {"event": event, "url": snapshot.url, "pid": os.getpid(), "profile": snapshot.profile, **more}
            )
        else:
            self._lines.put(f"devgate · {visible(text)}")

    def _put_json(self, value: dict[str, Any]) -> None:
        self._lines.put(json.dumps(value, ensure_ascii=False, default=str))
