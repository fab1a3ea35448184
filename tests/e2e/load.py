"""An open loop of requests: sent on time whatever happens to the ones before, as a page full of components does.

Half are GETs and half POSTs with an id of their own, half go over kept connections and half over new ones. Nothing is retried:
what a client sees is what is counted.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Self

import aiohttp


@dataclass(frozen=True)
class Bad:
    """A request that was not answered 200 with its own id."""

    method: str
    name: str
    status: int
    """0: no answer at all."""
    text: str
    began: float
    """Monotonic seconds."""


@dataclass
class Load:
    """Runs in a thread of its own between `with` and its end."""

    url: str
    path: str
    per_second: int = 100
    most: int = 60_000
    bad: list[Bad] = field(default_factory=list)
    sent: int = 0
    posted: set[str] = field(default_factory=set)
    longest_s: float = 0.0
    """From being sent to the last byte of the answer."""

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _run(self) -> None:
        kept = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=2))
        fresh = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))
        begin = time.monotonic()
        async with kept, fresh, asyncio.TaskGroup() as group:
            for number in itertools.islice(itertools.count(), self.most):
                if self._stop.is_set():
                    break
                session = kept if number // 2 % 2 else fresh
                group.create_task(self._one(session, "POST" if number % 2 else "GET", f"id-{number}"))
                self.sent += 1
                await asyncio.sleep(max(0.0, begin + (number + 1) / self.per_second - time.monotonic()))

    async def _one(self, session: aiohttp.ClientSession, method: str, name: str) -> None:
        started = time.monotonic()
        if method == "POST":
            self.posted.add(name)
        try:
            data = b"x" * 100 if method == "POST" else None
            async with session.request(method, self.url + self.path, headers={"X-Id": name}, data=data) as answer:
                body = await answer.text()
                if answer.status != 200 or body != name:
                    self.bad.append(Bad(method, name, answer.status, body[:1000], started))
        except aiohttp.ClientError as error:
            self.bad.append(Bad(method, name, 0, repr(error), started))
        self.longest_s = max(self.longest_s, time.monotonic() - started)
