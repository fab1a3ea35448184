"""A sink that writes down what it hears, and what is common to tests that need a connection."""

import asyncio
from collections.abc import Callable
from typing import Any

from devgate.gateway.upstream.errors import UpstreamError
from devgate.gateway.upstream.line import Line
from devgate.gateway.upstream.response import Fields, ResponseHead
from tests.deadline import DEADLINE_S

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Recorder:
    """Hears one exchange. `react`: called after each event with its name, to do something in the middle of a batch."""

    def __init__(self, react: Callable[[str], None] = lambda name: None) -> None:
        self.events: list[tuple[Any, ...]] = []
        """In order, parts of the body joined and flushes left out, so that it does not depend on how the bytes were cut."""
        self.names: list[str] = []
        """Every call."""
        self.error: UpstreamError | None = None
        self.garbage: bool | None = None
        self._ended = asyncio.Event()
        self._told: dict[str, asyncio.Event] = {}
        self._react = react

    @property
    def head(self) -> ResponseHead:
        return next(event[1] for event in self.events if event[0] in ("head", "upgrade"))

    @property
    def body(self) -> bytes:
        return b"".join(event[1] for event in self.events if event[0] == "body")

    async def ended(self) -> "Recorder":
        """After `on_complete` or `on_error`."""
        async with asyncio.timeout(DEADLINE_S):
            await self._ended.wait()
        return self

    async def told(self, name: str) -> None:
        """After the first event of this name."""
        async with asyncio.timeout(DEADLINE_S):
            await self._told.setdefault(name, asyncio.Event()).wait()

    def _note(self, name: str, *values: Any) -> None:
        self.names.append(name)
        if name == "body" and self.events and self.events[-1][0] == "body":
            self.events[-1] = ("body", self.events[-1][1] + values[0])
        elif name not in ("flush", "pause", "resume"):
            self.events.append((name, *values))
        if name in ("complete", "error"):
            self._ended.set()
        self._told.setdefault(name, asyncio.Event()).set()
        self._react(name)

    def on_informational(self, head: ResponseHead) -> None:
        self._note("informational", head)

    def on_head(self, head: ResponseHead) -> None:
        self._note("head", head)

    def on_body(self, data: bytes) -> None:
        assert data
        self._note("body", data)

    def on_trailers(self, trailers: Fields) -> None:
        self._note("trailers", list(trailers))

    def on_flush(self) -> None:
        self._note("flush")

    def on_complete(self, *, garbage_after_body: bool) -> None:
        self.garbage = garbage_after_body
        self._note("complete", garbage_after_body)

    def on_upgrade(self, head: ResponseHead) -> None:
        self._note("upgrade", head)

    def on_error(self, error: UpstreamError) -> None:
        self.error = error
        self._note("error", error.kind, error.stage)

    def on_pause_sending(self) -> None:
        self._note("pause")

    def on_resume_sending(self) -> None:
        self._note("resume")


async def exchange(line: Line, head: bytes = GET, **options: Any) -> Recorder:
    """Send one request and wait for the end of its answer."""
    sink = Recorder()
    line.start(sink, head, **options)
    return await sink.ended()
