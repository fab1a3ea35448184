"""From a name to a connected socket: resolve once, check every address, dial the checked ones.

Happy eyeballs in the small (RFC 8305): addresses are tried in order, the next one as soon as the last has failed or has not
answered within `STAGGER_S`; the first that connects wins and the others are closed.
"""

from __future__ import annotations

import asyncio
import math
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from devgate.gateway.upstream.errors import Kind, Stage, UpstreamError, connect_error
from devgate.resolver import ProhibitedError, is_local, resolve

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Hashable, Sequence

    from devgate.resolver import Whereabouts

T = TypeVar("T", bound=asyncio.Protocol)

STAGGER_S = 0.25
LOOPBACK_TIMEOUT_S = 2.0
REMOTE_TIMEOUT_S = 10.0
TLS_CLOSE_S = 1.0
"""How long a TLS peer may take to say goodbye; asyncio would wait 30 s."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What connections are kept apart by."""

    scheme: str
    """`http` or `https`."""
    host: str
    """A name or a literal address, an IPv6 one without brackets."""
    port: int
    options: Hashable = ()
    """Whatever else makes connections differ, TLS settings above all."""
    remote: bool = False
    """Whether it may be beyond this machine and its private networks, by the user's word (`allow_remote`)."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def connect_timeout_s(self) -> float:
        """A service on this machine answers at once or not at all."""
        return LOOPBACK_TIMEOUT_S if is_local(self.host) else REMOTE_TIMEOUT_S


async def dial(
    origin: Origin,
    factory: Callable[[], T],
    *,
    tls: ssl.SSLContext | None = None,
    timeout_s: float | None = None,
) -> T:
    """Connect to `origin` and give what `factory` made for it. Cancelled or failed, it leaves nothing open.

    Args:
        origin: whom to call; `https` wants `tls`.
        factory: makes the protocol.
        tls: verifies the host by its name, as the context says.
        timeout_s: for everything together, the handshake included; `Origin.connect_timeout_s` where not given; may be infinite.

    Raises:
        UpstreamError: with stage `connect`.
    """
    try:
        limit_s = origin.connect_timeout_s if timeout_s is None else timeout_s
        async with asyncio.timeout(None if limit_s == math.inf else limit_s):  # uvloop's clock ends at 2**64 ms
            addresses = await resolve(origin.host, origin.port, remote=origin.remote)
            async with _connected(addresses) as sock:
                return await _attach(origin, factory, sock, tls)
    except ProhibitedError as error:
        detail = f"{origin} is at an address that may not be dialled"
        raise UpstreamError(Kind.PROHIBITED, Stage.CONNECT, detail) from error
    except OSError as error:
        raise connect_error(error, str(origin)) from error


@asynccontextmanager
async def _connected(targets: Sequence[Whereabouts]) -> AsyncIterator[socket.socket]:
    """A connected socket, closed if what is done with it fails."""
    sock = await (_race(targets) if len(targets) > 1 else _connect(targets[0]))
    try:
        sock.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # asyncio does so only for sockets that it made itself
        yield sock
    except BaseException:
        sock.close()
        raise


async def _connect(target: Whereabouts) -> socket.socket:
    sock = socket.socket(target.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (target.host, target.port))
    except BaseException:
        sock.close()
        raise
    return sock


async def _race(targets: Sequence[Whereabouts]) -> socket.socket:
    """The first of `targets` that connects; where none does, the error of the first one tried."""
    won: list[socket.socket] = []
    failed: dict[int, OSError] = {}
    moved = asyncio.Event()

    async def run(lane: int, target: Whereabouts) -> None:
        try:
            won.append(await _connect(target))
        except OSError as error:
            failed[lane] = error
        moved.set()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = []
            for lane, target in enumerate(targets):
                tasks.append(group.create_task(run(lane, target), name=f"dial {target.host}"))
                await _pause(moved, STAGGER_S)
                if won:
                    break
            while not won and len(failed) < len(targets):
                await _pause(moved, None)
            for task in tasks:
                task.cancel()
    except BaseException:
        for sock in won:
            sock.close()
        raise
    if not won:
        raise failed[0]
    for sock in won[1:]:
        sock.close()
    return won[0]


async def _pause(moved: asyncio.Event, timeout_s: float | None) -> None:
    """Until an attempt has ended, or the next one is due."""
    try:
        async with asyncio.timeout(timeout_s):
            await moved.wait()
    except TimeoutError:
        return
    moved.clear()


async def _attach(origin: Origin, factory: Callable[[], T], sock: socket.socket, tls: ssl.SSLContext | None) -> T:
    loop = asyncio.get_running_loop()
    if tls is None:
        _, protocol = await loop.create_connection(factory, sock=sock)
        return protocol
    _, protocol = await loop.create_connection(
        factory, sock=sock, ssl=tls, server_hostname=origin.host, ssl_shutdown_timeout=TLS_CLOSE_S
    )
    return protocol
