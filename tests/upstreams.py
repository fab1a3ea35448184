"""A service that does exactly what a test says, byte by byte, and remembers what it was sent.

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhel")
        peer.reset()

    async with scripted(script) as upstream: ...

The script runs once for each connection. What it raises fails the test, except the end of the connection, which it may run into.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest


class Peer:
    """One accepted connection, seen from the service."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        """0 for the first connection."""
        self.received = bytearray()
        """Everything read so far."""
        self._reader = reader
        self._writer = writer

    async def head(self) -> bytes:
        """The next request's head, with its last empty line. Raises EOFError where the client has closed instead."""
        return await self._until(b"\r\n\r\n")

    async def line(self) -> bytes:
        """The next line, with its CRLF."""
        return await self._until(b"\r\n")

    async def read(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        return self._note(await self._reader.readexactly(count))

    async def rest(self) -> bytes:
        """Everything until the client closes."""
        return self._note(await self._reader.read())

    async def _until(self, mark: bytes) -> bytes:
        return self._note(await self._reader.readuntil(mark))

    def _note(self, data: bytes) -> bytes:
        self.received += data
        return data

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def flush(self) -> None:
        """Wait until the system has taken what was sent."""
        await self._writer.drain()

    def end(self) -> None:
        """No more from us: FIN, and still reading."""
        self._writer.write_eof()

    def close(self) -> None:
        """Both directions; unread bytes turn it into a reset, as with any socket."""
        self._writer.close()

    def reset(self) -> None:
        """RST, after what was sent has left."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def stop_reading(self) -> None:
        """Let the client's bytes pile up in the socket."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def resume_reading(self) -> None:
        self._writer.transport.resume_reading()  # type: ignore[attr-defined]


Script = Callable[[Peer], Awaitable[None]]


@dataclass
class Upstream:
    """A listening service."""

    port: int
    host: str = "127.0.0.1"
    peers: list[Peer] = field(default_factory=list)
    """In the order in which they connected."""
    failures: list[BaseException] = field(default_factory=list)


@asynccontextmanager
async def scripted(
    script: Script, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None, limit: int = 2**20
) -> AsyncIterator[Upstream]:
    """Listen on a free port (or `port`) and run `script` for each connection; all is closed at the end."""
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.append(writer)
        peer = Peer(len(upstream.peers), reader, writer)
        upstream.peers.append(peer)
        try:
            await script(peer)
        except (EOFError, ConnectionError, asyncio.CancelledError):
            pass
        except BaseException as error:
            upstream.failures.append(error)
        finally:
            tasks.discard(task)
            if not writer.transport.is_closing():
                writer.close()

    server = await asyncio.start_server(serve, host, port, ssl=tls, limit=limit, backlog=2048)
    upstream = Upstream(server.sockets[0].getsockname()[1], host)
    try:
        yield upstream
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            if (
                writer.transport.get_write_buffer_size()
            ):  # nobody takes it any more; to abort one that is closed fails in asyncio
                writer.transport.abort()
            try:
                await writer.wait_closed()
            except (OSError, asyncio.CancelledError):
                pass
        await server.wait_closed()
    if upstream.failures:
        raise upstream.failures[0]


def answering(*answers: bytes) -> Script:
    """A script that sends `answers`, one for each request without a body, over again, on a connection that it keeps."""

    async def script(peer: Peer) -> None:
        count = 0
        while True:
            await peer.head()
            peer.send(answers[count % len(answers)])
            count += 1

    return script


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let `service.test` have these addresses."""
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def getaddrinfo(host: str, port: int, **options: int) -> list[object]:
        if host != "service.test":
            return list(await real(host, port, **options))  # uvloop asks for literals, too
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
