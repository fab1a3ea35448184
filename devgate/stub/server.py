"""The process: its port, its signals, its end."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import time
from typing import TYPE_CHECKING, Final

from devgate.stub.behaviour import Behaviour
from devgate.stub.connection import Connection

if TYPE_CHECKING:
    from devgate.stub.config import StubConfig
    from devgate.stub.journal import Journal

STOP_S: Final = 0.06
"""How long the clients have for their last bytes when the stub is stopped: it promises to be gone within 100 ms."""
BACKLOG: Final = 1024
STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


class ListenError(Exception):
    """The port cannot be had. Its text says which, and why."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on the first address that `host` stands for.

    Raises:
        ListenError: the port is taken, or the system refuses it.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ListenError(f"cannot listen on {host}: {error.strerror or error}") from error
    try:
        if os.name == "posix":
            # A connection of the run before, still in TIME_WAIT, is no reason to refuse. (On Windows it would mean to share.)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ListenError(
                f"port {port} on {host} is in use; stop what listens there, or choose another with --port"
            ) from error
        raise ListenError(f"cannot listen on port {port} of {host}: {error.strerror or error}") from error
    return listener


async def serve(config: StubConfig, listener: socket.socket, journal: Journal) -> None:
    """Answer on `listener` until SIGTERM or SIGINT. A crash that was asked for does not come back from here."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()

    def stop(*_: object) -> None:
        # Once: the end is short, and further signals would find the loop busy with them, or closed.
        for number in STOPPING:
            signal.signal(number, lambda *_: None)
        loop.call_soon_threadsafe(stopped.set)

    for number in STOPPING:
        signal.signal(number, stop)  # not loop.add_signal_handler, which Windows lacks
    host, port = listener.getsockname()[:2]
    stub = Behaviour(config, port=port, pid=os.getpid(), now=loop.time(), wall=time.time())
    connections: set[Connection] = set()

    def crash(reason: str) -> None:
        code = stub.switches.exit_code
        journal.say(f"{config.name}: crash with exit code {code} ({reason})")
        os._exit(code)

    if config.crash_after is not None:
        loop.call_later(config.crash_after, crash, f"crash_after: {config.crash_after:g} s")
    server = await loop.create_server(lambda: Connection(stub, journal, connections, crash), sock=listener)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    journal.say(f"{config.name}: stub listening on http://{address} (pid {stub.pid})")
    await stopped.wait()
    server.close()
    for connection in tuple(connections):
        connection.end()
    if connections:
        await asyncio.wait([connection.closed for connection in connections], timeout=STOP_S)
    for connection in tuple(connections):
        connection.abort()
    journal.say(f"{config.name}: stopped")
