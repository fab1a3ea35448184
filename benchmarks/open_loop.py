"""Sends requests at a steady rate whatever happens to them, and says how long each took from the moment it was due.

    python benchmarks/open_loop.py URL --rate 500 --seconds 10

A request that has to wait for a connection waits at the gateway's expense: a closed loop would send less while the gateway
stands still, and so never see what a user sees. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import time
from urllib.parse import urlsplit

MOST = 256
"""Connections: half a second of standing still at 500 a second."""


class Client:
    """One connection with one request on it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self.got = b""

    def read(self) -> bool:
        """Take what is there; whether the answer is whole."""
        data = self.socket.recv(65536)
        if not data:
            raise SystemExit("the gateway closed a connection")
        self.got += data
        head, end, body = self.got.partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode(errors="replace"))
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        return len(body) >= int(length.partition(b":")[2])


def run(url: str, rate: float, seconds: float) -> list[float]:
    """Latencies in seconds."""
    parts = urlsplit(url)
    address = (parts.hostname or "127.0.0.1", parts.port or 80)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    idle = [Client(address) for _ in range(8)]
    busy: dict[socket.socket, Client] = {}
    took: list[float] = []
    began = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        while True:
            left = due - time.perf_counter()
            if left <= 0 and (idle or len(busy) < MOST):
                break
            for ready in select.select(list(busy), [], [], max(left, 0))[0]:
                _finish(busy, idle, took, ready)
        client = idle.pop() if idle else Client(address)
        client.due = due
        client.socket.sendall(request)
        busy[client.socket] = client
    while busy:
        for ready in select.select(list(busy), [], [], 30)[0]:
            _finish(busy, idle, took, ready)
    return took


def _finish(busy: dict[socket.socket, Client], idle: list[Client], took: list[float], ready: socket.socket) -> None:
    client = busy[ready]
    if client.read():
        took.append(time.perf_counter() - client.due)
        client.got = b""
        del busy[ready]
        idle.append(client)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    took = sorted(run(options.url, options.rate, options.seconds))
    at = {name: took[int(len(took) * share)] * 1000 for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))}
    print(
        json.dumps(
            {**{f"{name}_ms": value for name, value in at.items()}, "max_ms": took[-1] * 1000, "count": len(took)}
        )
    )


if __name__ == "__main__":
    main()
