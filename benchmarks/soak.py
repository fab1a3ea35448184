"""Half an hour of everything at once: does devgate's memory grow, does it leave descriptors open?

    python -m benchmarks.soak [--minutes 30] [--settle 5]

`devgate up --no-tui` with three stubs behind it, and clients that come and go: small requests on kept and on new connections,
bodies of a megabyte, event streams and WebSockets that are left in the middle, clients that reset, requests that are refused,
paths that nobody has used before; once a minute a service is restarted. Memory and descriptors are looked at every ten seconds,
and the slope of the memory is the least-squares line over what comes after the settling. Before the second look at descriptors
the clients go, and idle connections are given time to be retired.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import psutil

from benchmarks.keeping import keep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Kind = Callable[[aiohttp.ClientSession], Awaitable[None]]

HERE = Path(__file__).parent
SLOPE_MIB_AN_HOUR = 1.0
"""What memory may grow by, once settled."""
EVERY_S = 10.0
RETIRE_S = 8.0
PROFILE = """\
services:
  plain: {stub: true, port: auto}
  other: {stub: true, port: auto}
  again: {stub: true, port: auto}
routes:
  - {path: /plain/*, service: plain}
  - {path: /other/*, service: other}
  - {path: /again/*, service: again}
"""


UNFINISHED = (
    b"GET /plain/x HT",
    b"POST /plain/x HTTP/1.1\r\nHost: HOST\r\nContent-Length: 99\r\n\r\nabc",
    b"GET /plain/events HTTP/1.1\r\nHost: HOST\r\n\r\n",
)


@dataclass
class Counts:
    done: int = 0
    refused: int = 0
    """Answered with an error on purpose."""
    left: int = 0
    """Broken off by the client."""
    bad: list[str] = field(default_factory=list)


class Clients:
    """Each kind is a loop of its own until `stop`."""

    def __init__(self, url: str, seed: int) -> None:
        self.url = url
        self.counts = Counts()
        self._random = random.Random(seed)
        self._number = itertools.count()

    async def run(self, until: float) -> None:
        kinds = (
            self._small,
            self._small,
            self._fresh,
            self._body,
            self._events,
            self._socket,
            self._reset,
            self._refused,
        )
        async with asyncio.TaskGroup() as group:
            for kind in kinds:
                group.create_task(self._again(kind, until))

    async def _again(self, kind: Kind, until: float) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=2)) as session:
            while time.monotonic() < until:
                try:
                    await asyncio.wait_for(kind(session), 60)
                except (aiohttp.ClientError, OSError, TimeoutError, AssertionError) as error:
                    self.counts.bad.append(f"{kind.__name__}: {error!r}")
                await asyncio.sleep(self._random.uniform(0.0, 0.02))

    def _path(self) -> str:
        """One in four has never been asked for."""
        service = self._random.choice(("plain", "other", "again"))
        number = next(self._number)
        return f"{self.url}/{service}/{number if self._random.random() < 0.25 else 'same'}?q={number % 7}"

    async def _small(self, session: aiohttp.ClientSession) -> None:
        async with session.get(self._path(), headers={"Origin": "http://localhost:1420"}) as answer:
            await answer.read()
            assert answer.status == 200, answer.status
        self.counts.done += 1

    async def _fresh(self, session: aiohttp.ClientSession) -> None:
        async with session.post(self._path(), data=b"x" * 100, headers={"Connection": "close"}) as answer:
            await answer.read()
            assert answer.status == 200, answer.status
        self.counts.done += 1

    async def _body(self, session: aiohttp.ClientSession) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(16):
                yield b"y" * 65536

        async with session.put(self._path(), data=pieces()) as answer:
            assert (await answer.json())["body_bytes"] == 16 * 65536
        self.counts.done += 1
        await asyncio.sleep(0.5)

    async def _events(self, session: aiohttp.ClientSession) -> None:
        async with session.get(f"{self.url}/plain/events") as answer:
            await answer.content.readany()
            await asyncio.sleep(self._random.uniform(0, 1))
        self.counts.left += 1

    async def _socket(self, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(f"{self.url}/other/ws") as socket:
            for number in range(20):
                await socket.send_str(f"{number}" * 50)
                await socket.receive(timeout=10)
            if self._random.random() < 0.5:
                transport = socket.get_extra_info("socket")
                assert transport is not None  # left without a close frame
        self.counts.left += 1
        await asyncio.sleep(0.1)

    async def _reset(self, session: aiohttp.ClientSession) -> None:
        host, port = self.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(self._random.choice(UNFINISHED).replace(b"HOST", f"{host}:{port}".encode()))
        await asyncio.sleep(self._random.uniform(0, 0.1))
        writer.transport.abort()
        self.counts.left += 1

    async def _refused(self, session: aiohttp.ClientSession) -> None:
        async with session.get(f"{self.url}/nowhere/{next(self._number)}") as answer:
            await answer.read()
            assert answer.status == 404, answer.status
        self.counts.refused += 1
        await asyncio.sleep(0.1)


def slope(points: list[tuple[float, float]]) -> float:
    """Of the least-squares line."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


@dataclass(frozen=True)
class Result:
    minutes: float
    requests: int
    bad: list[str]
    slope_mib_an_hour: float
    rss_mib: list[float]
    descriptors_before: int
    descriptors_after: int
    cpu_s: float

    @property
    def good(self) -> bool:
        kept = self.descriptors_after <= self.descriptors_before
        return kept and not self.bad and self.slope_mib_an_hour <= SLOPE_MIB_AN_HOUR


async def soak(
    url: str, process: psutil.Process, command: list[str], folder: Path, options: argparse.Namespace
) -> Result:
    began = time.monotonic()
    until = began + options.minutes * 60
    clients = Clients(url, seed=1)
    descriptors = process.num_fds()
    memory: list[tuple[float, float]] = []

    async def look() -> None:
        while time.monotonic() < until:
            await asyncio.sleep(EVERY_S)
            memory.append(((time.monotonic() - began) / 3600, process.memory_info().rss / 2**20))

    async def restart() -> None:
        while time.monotonic() + 60 < until:
            await asyncio.sleep(60)
            done = await asyncio.create_subprocess_exec(
                *command, "restart", "again", cwd=folder, stdout=subprocess.DEVNULL
            )
            assert await done.wait() == 0

    async with asyncio.TaskGroup() as group:
        group.create_task(look())
        group.create_task(restart())
        group.create_task(clients.run(until))
    await asyncio.sleep(RETIRE_S)
    settled = [(hour, mib) for hour, mib in memory if hour * 60 > options.settle]
    counts = clients.counts
    return Result(
        minutes=options.minutes,
        requests=counts.done + counts.refused + counts.left,
        bad=counts.bad,
        slope_mib_an_hour=slope(settled),
        rss_mib=[round(mib, 2) for _, mib in memory],
        descriptors_before=descriptors,
        descriptors_after=process.num_fds(),
        cpu_s=sum(process.cpu_times()[:2]),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--settle", type=float, default=5, help="minutes before the slope is taken")
    options = parser.parse_args()
    env = {name: value for name, value in os.environ.items() if not name.startswith("DEVGATE_")}
    command = [sys.executable, "-m", "devgate"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "devgate.yaml").write_text(PROFILE)
        devgate = subprocess.Popen(
            [*command, "up", "--no-tui", "--json", "--trust", "--port", "0"],
            cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert devgate.stdout is not None
        try:
            events = (json.loads(line) for line in devgate.stdout)
            url = next(event["url"] for event in events if event["event"] == "listening")
            next(event for event in events if event["event"] == "ready")
            with contextlib.ExitStack() as stack:
                drain = subprocess.Popen(["cat"], stdin=devgate.stdout, stdout=subprocess.DEVNULL)
                stack.callback(drain.terminate)
                result = asyncio.run(soak(url, psutil.Process(devgate.pid), command, folder, options))
        finally:
            devgate.send_signal(signal.SIGTERM)
            devgate.wait(30)
    keep("soak", **asdict(result))
    print(f"{result.requests} requests, {len(result.bad)} bad {result.bad[:20]}")
    print(
        f"memory grows by {result.slope_mib_an_hour:.2f} MiB an hour (at most {SLOPE_MIB_AN_HOUR}); "
        f"descriptors {result.descriptors_before} before, {result.descriptors_after} after"
    )
    return 0 if result.good else 1


if __name__ == "__main__":
    sys.exit(main())
