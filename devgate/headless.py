"""The face without a terminal: prefixed log lines for people who pipe, JSON lines for programs (a Tauri sidecar, CI).

With `json` the output holds JSON objects only, one a line: `listening` once the gateway accepts, `ready` (or `failed`) once every
service has settled, every event, and `stopped` when the last service is gone. Lines leave through `Lines`, a queue with a thread:
a reader that stops reading must never stop the gateway (DESKTOP.md 3: the shell plugin's reader has a channel of one), and a
reader that is gone must not stop its clean-up.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import select
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from devgate.escape import visible, visible_coloured, without_colour
from devgate.model.events import ProfileApplied, ProfileRejected
from devgate.tasks import Scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from devgate.bus import Subscription
    from devgate.control import Control
    from devgate.model.events import Event, Publish
    from devgate.model.query import LogLine

LARGEST: Final = 4 * 2**20
"""Bytes that wait for a slow reader; as many again may be on their way to it."""
LINES_A_LOOK: Final = 10_000
LOG_INTERVAL_S: Final = 0.2
_SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Lines:
    """Writes lines from a thread of its own; drops and counts what a slow reader does not take.

    They go straight to the descriptor: what stays in `sys.stdout` for a reader that is stuck or gone makes the interpreter hang
    or fail when it flushes at its end.

    Args:
        lost: the line that stands where so many others were dropped.
    """

    def __init__(self, fd: int, lost: Callable[[int], str], *, encoding: str = "utf-8", largest: int = LARGEST) -> None:
        self.dropped = 0
        """Lines that nobody got, so far."""
        self._fd = fd
        self._lost = lost
        self._encoding = encoding
        self._largest = largest
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._untold = 0
        self._closing = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="devgate-lines", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Returns at once, whatever the reader does."""
        data = self._encoded(line)
        with self._news:
            if self._bytes + len(data) > self._largest:
                self.dropped += 1
                self._untold += 1
                return
            self._waiting.append(data)
            self._bytes += len(data)
            self._news.notify()

    def close(self, timeout_s: float = 1.0) -> None:
        """Write what is queued, but wait no longer than this for a reader that is stuck."""
        with self._news:
            self._closing = True
            self._news.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        gone = False
        while data := self._take():
            if not gone:
                try:
                    self._write(data)
                except OSError:  # the reader is gone; go on taking lines so that nothing piles up
                    gone = True

    def _take(self) -> bytes:
        """All that waits; nothing at the end."""
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._closing)
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            untold, self._untold = self._untold, 0
        return data + self._encoded(self._lost(untold)) if untold else data

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:  # whoever shares the pipe has made it non-blocking
                select.select([], [self._fd], [])

    def _encoded(self, line: str) -> bytes:
        return f"{line}\n".encode(self._encoding, "replace")


class _LogHandler(logging.Handler):
    def __init__(self, lines: Lines) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = "\n".join(map(visible, self.format(record).splitlines()))
        except Exception:
            self.handleError(record)
        else:
            self._lines.put(text)


@contextmanager
def logging_to(lines: Lines) -> Iterator[None]:
    """What devgate itself logs goes there: a blocking write to a full stderr would stop the gateway as one to stdout does."""
    handler = _LogHandler(lines)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


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

    async def run(
        self, events: Subscription, settled: Callable[[], Awaitable[Sequence[str]]], ended: Callable[[], Awaitable[str]]
    ) -> None:
        """Print until every service is gone.

        Args:
            events: is closed at the end.
            settled: waits until all services have settled; the names of those that failed.
            ended: waits until the last service is gone; why devgate was stopped.
        """
        snapshot = self._control.snapshot()
        self._say("listening", f"listening on {snapshot.url} with profile {snapshot.profile}")
        async with Scope("headless", self._publish) as scope:
            scope.fatal("settle", self._settle(settled))
            if self._json:
                scope.fatal("print", self._events(events))
            else:
                scope.fatal("print", self._logs())
                scope.fatal("news", self._news(events))
            reason = await ended()
        events.close()
        if self._json:
            for event in events.drain():
                self._put_event(event)
        else:
            await self._print_logs()
        self._say("stopped", f"stopped ({reason})", reason=reason)

    async def _settle(self, settled: Callable[[], Awaitable[Sequence[str]]]) -> None:
        failed = await settled()
        snapshot = self._control.snapshot()
        if snapshot.stopping:  # then they have settled because they were told to stop
            return
        if failed:
            rows = [row for row in snapshot.services if row.name in failed]
            text = "; ".join(f"{row.name} is {row.state.value}: {row.cause or row.last_error}" for row in rows)
            services = {row.name: {"state": row.state.value, "cause": row.cause or row.last_error} for row in rows}
            self._say("failed", f"not all services are ready: {text}", services=services)
        else:
            self._say("ready", "every service is ready")

    async def _events(self, events: Subscription) -> None:
        async for event in events:
            self._put_event(event)

    async def _news(self, events: Subscription) -> None:
        """What no log line tells: that a changed file was taken, or was not."""
        async for event in events:
            match event:
                case ProfileRejected(source=source, problems=problems):
                    self._put_note(f"{source} not applied, what ran goes on:")
                    for line in "\n".join(problems).split("\n"):
                        self._put_note(line)
                case ProfileApplied(plan=plan, by=by):
                    self._put_note(f"profile {plan.name} applied by {by}: {plan.summary}")
                case _:
                    pass

    async def _logs(self) -> None:
        while True:
            await self._print_logs()
            await asyncio.sleep(LOG_INTERVAL_S)

    async def _print_logs(self) -> None:
        piece = await self._control.services.logs((), after=self._after, limit=LINES_A_LOOK)
        if piece.dropped and self._after:
            self._lines.put(f"devgate · {piece.dropped} lines skipped here; full in .devgate/logs")
        self._after = piece.next
        width = max((len(row.name) for row in self._control.snapshot().services), default=0)
        for line in piece.lines:
            self._lines.put(self._prefixed(line, width))

    def _prefixed(self, line: LogLine, width: int) -> str:
        name = line.service.ljust(width)
        sign = {"out": "|", "err": "|", "mark": "·"}[line.stream]
        if not self._color:
            return f"{name} {sign} {visible(without_colour(line.text))}"
        return f"\x1b[{31 + sum(map(ord, line.service)) % 6}m{name} {sign}\x1b[0m {visible_coloured(line.text)}\x1b[0m"

    def _say(self, event: str, text: str, **more: object) -> None:
        if self._json:
            snapshot = self._control.snapshot()
            self._lines.put(
                json_line(
                    {"event": event, "url": snapshot.url, "pid": os.getpid(), "profile": snapshot.profile, **more}
                )
            )
        else:
            self._put_note(text)

    def _put_note(self, text: str) -> None:
        self._lines.put(f"devgate · {visible(text)}")

    def _put_event(self, event: Event) -> None:
        self._lines.put(json_line({"event": _SEAM.sub("_", type(event).__name__).lower(), **asdict(event)}))


def json_line(value: dict[str, Any]) -> str:
    """One object on one line, in ASCII: nothing in it is a control sequence, whatever a service has printed."""
    return json.dumps(value, default=str)


def json_lost(count: int) -> str:
    """What stands in JSON where lines were dropped: as if the bus itself had dropped them."""
    return json_line({"event": "lagged", "count": count})


def plain_lost(count: int) -> str:
    return f"devgate · {count} lines skipped here; the reader is too slow"
