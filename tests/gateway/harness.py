"""A gateway on a real port, its directory driven by hand, and a client that sends and sees bytes.

    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        answer = await bench.get("/")

Services are named by letters; without `routes` everything goes to the first one.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from devgate.clock import SystemClock
from devgate.directory import Directory, Endpoint, Entry, Instance
from devgate.gateway.binding import bind
from devgate.gateway.gateway import Gateway
from devgate.model.events import Event
from devgate.model.profile import Profile
from devgate.model.snapshot import Snapshot, TrafficRow
from devgate.model.status import HealthState, ServiceState, SyncState
from tests.deadline import DEADLINE_S
from tests.upstreams import Upstream

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PAGE = "http://localhost:1420"
"""An origin that is allowed."""
CHUNKS = (b"a", b"bc" * 1000, b"d" * 70_000)


@dataclass
class Answer:
    """A whole response, as a client sees it."""

    status: int
    reason: bytes
    fields: list[tuple[bytes, bytes]]
    """Names in lower case."""
    body: bytes
    chunks: list[bytes]
    """Of a chunked body."""
    trailers: list[tuple[bytes, bytes]]
    raw_head: bytes

    def __getitem__(self, name: str) -> str:
        """The only field of that name; KeyError if there is none."""
        values = self.all(name)
        if not values:
            raise KeyError(name)
        assert len(values) == 1, values
        return values[0]

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))

    def all(self, name: str) -> list[str]:
        return [value.decode("latin-1") for key, value in self.fields if key == name.encode()]

    @property
    def problem(self) -> dict[str, Any]:
        """The problem that devgate answered with."""
        assert self["content-type"] == "application/problem+json"
        problem: dict[str, Any] = json.loads(self.body)
        assert problem["status"] == self.status
        assert problem["code"] == self["x-devgate-error"]
        return problem


class Truncated(Exception):
    """The connection ended within an answer."""


def parse_fields(lines: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    pairs = [line.split(b":", 1) for line in lines]
    return [(name.lower(), value.strip()) for name, value in pairs]


class Client:
    """One connection. Every wait has a deadline."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> tuple[int, bytes, list[tuple[bytes, bytes]], bytes]:
        """The next head, an informational one included."""
        async with asyncio.timeout(DEADLINE_S):
            raw = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = raw[:-4].split(b"\r\n")
        version, status, reason = first.split(b" ", 2)
        assert version == b"HTTP/1.1"
        return int(status), reason, parse_fields(lines), raw

    async def answer(self, method: str = "GET") -> Answer:
        """The next final answer, whole.

        Raises:
            Truncated: its end did not come.
        """
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await self._answer(method)
        except (EOFError, ConnectionError) as error:
            raise Truncated from error

    async def _answer(self, method: str) -> Answer:
        status = 100
        while status < 200 and status != 101:
            status, reason, fields, raw = await self.head()
        answer = Answer(status, reason, fields, b"", [], [], raw)
        if method == "HEAD" or status in (101, 204, 304):
            return answer
        lengths = answer.all("content-length")
        if answer.all("transfer-encoding") == ["chunked"]:
            assert not lengths
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                answer.chunks.append(await self.reader.readexactly(size))
                assert await self.reader.readexactly(2) == b"\r\n"
            while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
                answer.trailers += parse_fields([line[:-2]])
            answer.body = b"".join(answer.chunks)
        elif lengths:
            answer.body = await self.reader.readexactly(int(lengths[0]))
        else:
            answer.body = await self.reader.read()
        return answer

    async def closed(self) -> bytes:
        """Wait until the other end closes; what came until then."""
        async with asyncio.timeout(DEADLINE_S):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    def reset(self) -> None:
        self.writer.transport.abort()


def changed(profile: Profile, **fields: object) -> Profile:
    return Profile.model_validate(profile.model_dump(exclude_unset=True) | fields)


@dataclass
class Bench:
    """A running gateway and everything around it."""

    gateway: Gateway
    directory: Directory
    profile: Profile
    port: int = 0
    events: list[Event] = field(default_factory=list)
    suspects: list[tuple[str, int]] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    @property
    def host(self) -> bytes:
        return b"127.0.0.1:%d" % self.port

    def entry(self, service: str = "a") -> Entry:
        entry = self.directory.get(service)
        assert entry is not None
        return entry

    def serve(self, service: str, port: int, replica: int = 0, host: str = "127.0.0.1") -> Instance:
        """A new run of an instance, ready."""
        instance = self.entry(service).instances[replica]
        self.directory.announce(instance, Endpoint(host, port))
        self.directory.move(instance, ServiceState.READY)
        return instance

    def move(self, service: str, state: ServiceState, replica: int = 0) -> None:
        self.directory.move(self.entry(service).instances[replica], state)

    async def connect(self) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port, limit=2**24))
        self.clients.append(client)
        return client

    async def ask(self, request: bytes, method: str = "GET") -> Answer:
        """Send bytes on a connection of their own, where `HOST` stands for ours."""
        client = await self.connect()
        client.send(request.replace(b"HOST", self.host))
        return await client.answer(method)

    async def get(self, path: str = "/", *, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """Ask for a path; `x_y="v"` sends `x-y: v`."""
        lines = [f"{method} {path} HTTP/1.1", "host: HOST"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"content-length: {len(body)}")
        return await self.ask("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""), method)

    async def until(self, met: Any) -> None:
        """Wait until `met()` is true."""
        async with asyncio.timeout(DEADLINE_S):
            while not met():
                await asyncio.sleep(0.005)


def blank_snapshot() -> Snapshot:
    return Snapshot(
        seq=1, at=1_700_000_000.0, version="0", profile="test", profile_source="test", url="", uptime_s=1.0, ready=0, total=0,
        health=HealthState.HEALTHY, sync=SyncState.UNKNOWN, sync_expected="", traffic=TrafficRow(), loop_delay_ms=0.0,
        config_problems=(), reloaded_at=None, services=(), routes=(), events=(),
    )  # fmt: skip


@asynccontextmanager
async def gateway(
    services: Mapping[str, Upstream | None],
    *,
    routes: Sequence[Mapping[str, Any]] | None = None,
    specs: Mapping[str, Mapping[str, Any]] | None = None,
    managed: bool = True,
    replicas: int = 1,
    known: bool = True,
    **settings: Any,
) -> AsyncIterator[Bench]:
    """A gateway in front of `services`, of which those with an upstream are ready and the others stopped.

    Args:
        routes: without `service` they lead to the first one.
        specs: more keys of services.
        known: something was heard of every service; otherwise only of those that are ready.
        settings: keys of `gateway:`.
    """
    first = next(iter(services))
    runs = {"command": "true"} if managed else {"url": "http://127.0.0.1:9"}
    profile = Profile.model_validate(
        {
            "gateway": settings,
            "services": {name: {**runs, **(specs or {}).get(name, {})} for name in services},
            "routes": [{"service": first, **route} for route in (routes or [{"path": "/*"}])],
        }
    )
    directory = Directory()
    events: list[Event] = []
    suspects: list[tuple[str, int]] = []
    plane = Gateway(
        profile,
        directory,
        events.append,
        SystemClock(),
        snapshot=blank_snapshot,
        suspect=lambda service, replica: suspects.append((service, replica)),
    )
    bench = Bench(plane, directory, profile, events=events, suspects=suspects)
    for name, upstream in services.items():
        directory.declare(name, replicas, managed=managed)
        if upstream is None and known:
            bench.move(name, ServiceState.STARTING)
            bench.move(name, ServiceState.STOPPED)
        elif upstream is not None:
            bench.serve(name, upstream.port, host=upstream.host)
    sockets = bind("127.0.0.1", 0)
    bench.port = sockets[0].getsockname()[1]
    await plane.serve(sockets)
    try:
        yield bench
    finally:
        for client in bench.clients:
            client.reset()
        async with asyncio.timeout(DEADLINE_S):
            await plane.aclose(0.5)
