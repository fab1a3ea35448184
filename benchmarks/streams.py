"""What passes for long: a large download, WebSocket messages, server-sent events, and what a thousand connections weigh.

    python -m benchmarks.streams [--rounds 5]

devgate runs as `devgate up --no-tui`, pinned to one core; client and service share the other. The direct way and the way through
devgate are measured in turn, and what is judged is the median over the rounds of what devgate adds. Budgets: DATAPLANE.md.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import os
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from benchmarks.keeping import keep
from benchmarks.peers import commands
from benchmarks.proxying import HERE, LOAD_CORE, PROXY_CORE, Service, ports

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE_S: Final = 60.0
SIZE: Final = 10 * 2**20
DOWNLOADS: Final = 20
MESSAGES: Final = 2_000
EVENTS: Final = 500
EVENT_PAUSE_S: Final = 0.002
CONNECTIONS: Final = 1_000
SETTLE_S: Final = 5.0
BUDGETS: Final = {
    "download_mb_s": 500.0,
    "websocket_added_us": 120.0,
    "sse_added_us": 150.0,
    "thousand_connections_mib": 20.0,
}
AT_LEAST: Final = {"download_mb_s"}
PIECE: Final = b"x" * 65536
GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT: Final = b"m" * 100


# The service


class Upstream(asyncio.Protocol):
    """`/large` is 10 MiB, `/events` tells the time, `/ws` gives each message back, everything else is small."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.left = 0
        self.open = True
        self.messages = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False

    def data_received(self, data: bytes) -> None:
        if self.messages:  # one whole message at a time: its client waits for each answer
            mask, masked = data[2:6], data[6:]
            self.transport.write(bytes((0x82, len(masked))) + bytes(b ^ mask[i & 3] for i, b in enumerate(masked)))
        elif data.startswith(b"GET /large"):
            self.left = SIZE
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
            self.resume_writing()
        elif data.startswith(b"GET /events"):
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            self.tell(EVENTS)
        elif data.startswith(b"GET /ws"):
            key = next(line for line in data.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
            accept = base64.b64encode(hashlib.sha1(key.partition(b":")[2].strip() + GUID).digest())
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
            )
            self.messages = True
        else:
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def tell(self, left: int) -> None:
        if left and self.open:
            self.transport.write(b"data: %d\n\n" % time.monotonic_ns())
            asyncio.get_running_loop().call_later(EVENT_PAUSE_S, self.tell, left - 1)
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        while self.left and not self.paused:
            self.left -= len(PIECE)
            self.transport.write(PIECE)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


# The client


def connect(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def request(client: socket.socket, port: int, path: str, more: str = "") -> bytes:
    """Send a request, and read its head; what has come of the body."""
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more}\r\n".encode())
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(65536)
        if not part:
            raise SystemExit(f"{path} ended within its head: {data!r}")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    if head[9:12] not in (b"200", b"101"):
        raise SystemExit(f"{path} answered {head!r}")
    return body


def download(port: int) -> float:
    """MB a second over one connection."""
    view = memoryview(bytearray(2**20))
    with connect(port) as client:
        began = time.perf_counter()
        for _ in range(DOWNLOADS):
            left = SIZE - len(request(client, port, "/large"))
            while left:
                got = client.recv_into(view, min(left, len(view)))
                if not got:
                    raise SystemExit("a download ended early")
                left -= got
        return DOWNLOADS * SIZE / 1e6 / (time.perf_counter() - began)


def websocket(port: int) -> float:
    """Median round trip in us."""
    mask = b"\x11\x22\x33\x44"
    frame = bytes((0x82, 0x80 | len(TEXT))) + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(TEXT))
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    took: list[float] = []
    with connect(port) as client:
        request(client, port, "/ws", upgrade + "dGhlIHNhbXBsZSBub25jZQ==\r\n")
        for _ in range(MESSAGES):
            began = time.perf_counter()
            client.sendall(frame)
            answer = client.recv(4096)
            while len(answer) < len(TEXT) + 2:
                answer += client.recv(4096)
            took.append(time.perf_counter() - began)
            if answer[2:] != TEXT:
                raise SystemExit("a message came back as another")
    return statistics.median(took) * 1e6


def events(port: int) -> float:
    """Median age of an event when it arrives, in us."""
    ages: list[float] = []
    with connect(port) as client:
        data = request(client, port, "/events")
        while True:
            now = time.monotonic_ns()
            ages += [(now - int(line[6:])) / 1e3 for line in data.splitlines() if line.startswith(b"data: ")]
            if len(ages) >= EVENTS:
                break
            data = client.recv(4096)
            if not data:
                raise SystemExit(f"{len(ages)} of {EVENTS} events arrived")
    return statistics.median(ages)


def thousand(port: int, process: psutil.Process) -> float:
    """MiB by which devgate grows while so many connections are open, each of which has had an answer."""
    before = process.memory_info().rss
    clients = [connect(port) for _ in range(CONNECTIONS)]
    try:
        for client in clients:
            request(client, port, "/small")
        return (process.memory_info().rss - before) / 2**20
    finally:
        for client in clients:
            client.close()


def measure(direct: int, through: int, process: psutil.Process, rounds: int) -> dict[str, list[float]]:
    def added(what: Callable[[int], float]) -> list[float]:
        return [-what(direct) + what(through) for _ in range(rounds)]

    websocket(through)
    time.sleep(SETTLE_S)  # it listens before all is imported
    grown = thousand(through, process)  # before downloads: what has grown once is not given back
    download(through)
    return {
        "download_mb_s": [download(through) for _ in range(rounds)],
        "websocket_added_us": added(websocket),
        "sse_added_us": added(events),
        "thousand_connections_mib": [grown],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
        return 0
    os.sched_setaffinity(0, [LOAD_CORE])
    free = ports()
    with tempfile.TemporaryDirectory() as name:
        folder, up, port = Path(name), next(free), next(free)
        env = commands.environment(commands.Place(folder, port, up))
        upstream = Service(
            "upstream",
            [sys.executable, str(Path(__file__)), "--serve", str(up)],
            up,
            LOAD_CORE,
            env={**env, "PYTHONPATH": str(HERE.parent)},
        )
        (folder / "devgate.yaml").write_text(
            f"services: {{all: {{url: 'http://127.0.0.1:{up}', ready: {{tcp: {up}}}, sync: false}}}}\n"
            "routes: [{path: /*, service: all}]\n"
        )
        command = [sys.executable, "-m", "devgate", "up", "--no-tui", "--json", "--trust", "--port", str(port)]
        devgate = Service("devgate", command, port, PROXY_CORE, cwd=folder, env=env)
        try:
            found = measure(up, port, psutil.Process(devgate.process.pid), options.rounds)
        finally:
            devgate.stop()
            upstream.stop()
    over = []
    for key, values in found.items():
        middle, budget = statistics.median(values), BUDGETS[key]
        good = middle >= budget if key in AT_LEAST else middle <= budget
        print(
            f"{key:25} {middle:8.1f}  ({min(values):.1f} to {max(values):.1f})  budget {budget:g}{'' if good else '  MISSED'}"
        )
        over += [] if good else [key]
    keep("streams", samples=found, budgets=BUDGETS)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
