"""Takes the gateway's port, before anything else is loaded: connections queue in the kernel while devgate is still importing.

Imports nothing heavy. Who already holds a taken port is looked up only then.
"""

from __future__ import annotations

import errno
import shlex
import socket
import sys
from typing import TYPE_CHECKING, Final

from devgate.errors import Exit, StartError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BACKLOG: Final = 1024
LOOPBACK_4: Final = "127.0.0.1"
LOOPBACK_6: Final = "::1"
ATTEMPTS: Final = 20
"""Free ports tried until one is free on both loopbacks."""


def bind(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for `host`; `127.0.0.1` and `localhost` also take `::1` where there is one, so that `localhost` never
    leads to a stranger. Port 0 takes one that is free on all of them.

    Raises:
        StartError: taken (exit 3, with pid and command of who holds it), not ours to take, or no such address.
    """
    hosts = _hosts(host)
    for attempt in range(ATTEMPTS if port == 0 else 1):
        sockets: list[socket.socket] = []
        try:
            for name in hosts:
                taken = sockets[0].getsockname()[1] if sockets else port
                sockets.append(_listen(name, taken))
        except OSError as error:
            for one in sockets:
                one.close()
            if error.errno == errno.EADDRINUSE and port == 0 and attempt < ATTEMPTS - 1:
                continue
            raise _refusal(error, host, port) from error
        else:
            return sockets
    raise AssertionError("unreachable")  # pragma: no cover


def _hosts(host: str) -> Sequence[str]:
    if host not in (LOOPBACK_4, "localhost"):
        return [host]
    return [LOOPBACK_4, LOOPBACK_6] if _has_loopback_6() else [LOOPBACK_4]


def _has_loopback_6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind((LOOPBACK_6, 0))
    except OSError:
        return False
    return True


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # there it would let a stranger share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _refusal(error: OSError, host: str, port: int) -> StartError:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return StartError(
            f"Port {port} is taken by {_owner(port)}.",
            hint=f"{_remedy(port)}, or choose another port with --port (0 takes a free one)",
            code="port-in-use",
            exit_code=Exit.GATEWAY_PORT,
        )
    if error.errno == errno.EACCES:
        hint = "ports below 1024 need privileges; choose a higher one with --port"
    else:
        hint = "gateway.host must be an address of this machine"
    return StartError(
        f"The gateway cannot listen on {where}: {error.strerror or error}.",
        hint=hint,
        code="cannot-listen",
        exit_code=Exit.GATEWAY_PORT,
    )


def devgate_on(port: int) -> Path | None:
    """The project of the devgate that listens on a port; None if it is somebody else."""
    from devgate.peers import project_of

    pid = _pid(port)
    return project_of(pid) if pid else None


def _remedy(port: int) -> str:
    project = devgate_on(port)
    return f"`devgate down --project {shlex.quote(str(project))}` ends it" if project is not None else "stop it"


def _owner(port: int) -> str:
    """Who listens on a port, as pid and command, as far as this user may know."""
    import psutil

    from devgate.escape import visible

    pid = _pid(port)
    if not pid:
        return "another program" if pid is None else "another user's program"
    project = devgate_on(port)
    if project is not None:
        return f"pid {pid} ({visible(f'devgate in {project}')})"
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        command = ""
    return f"pid {pid}" + (f" ({visible(command, 100)})" if command else "")


def _pid(port: int) -> int | None:
    """Who listens on a port; 0: nobody of this user, None: that cannot be seen here."""
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error:
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
            return int(connection.pid)
    return 0
