"""Ports on the loopback interfaces: is one free, whose is it, and a free one kept until it is needed."""

from __future__ import annotations

import errno
import os
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from devgate import processes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_LOOPBACKS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_EXCLUSIVE = sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who listens on a port."""

    pid: int | None
    """None: another user's process, or it has gone meanwhile."""
    command: str

    def __str__(self) -> str:
        return f"pid {self.pid} ({self.command})" if self.pid else "a process of another user"


def taken(port: int) -> bool:
    """Whether somebody listens there, on IPv4 or IPv6."""
    return any(_taken(family, host, port) for family, host in _LOOPBACKS)


def owner(port: int) -> Owner | None:
    """Who listens on a port; None if nobody does."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS shows them to root only
        return Owner(None, "") if taken(port) else None
    pids = [c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port]
    if not pids:
        return None
    pid = next((pid for pid in pids if pid is not None), None)
    if pid is None:
        return Owner(None, "")
    pid = _head(pid, port)
    return Owner(pid, command_of(pid))


def _head(pid: int, port: int) -> int:
    """Workers share the socket of the process that has started them: that one is meant."""
    while (process := processes.find(pid)) is not None and process.parent > 1 and held_by(port, [process.parent]):
        pid = process.parent
    return pid


def held_by(port: int, pids: Iterable[int]) -> bool:
    """Whether one of these processes listens on the port. Cheaper than `owner`, which asks all."""
    for pid in pids:
        try:
            connections = psutil.Process(pid).net_connections(kind="tcp")
        except psutil.Error:
            continue
        if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections):
            return True
    return False


def is_of_this_user(pid: int) -> bool:
    """Whether a process runs for the same user as we do."""
    try:
        return psutil.Process(pid).username() == psutil.Process().username()
    except psutil.Error:
        return False


def command_of(pid: int) -> str:
    """A process's command line, cut to what fits into a sentence."""
    try:
        process = psutil.Process(pid)
        text = " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return "gone meanwhile"
    return text if len(text) <= 80 else text[:79] + "…"


def reserve(avoid: Collection[int] = ()) -> socket.socket:
    """A socket that holds a free port, not in `avoid`, until it is closed."""
    held: list[socket.socket] = []
    try:
        while True:
            sock = socket.socket(socket.AF_INET)
            held.append(sock)
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
            if port not in avoid and not _taken(socket.AF_INET6, "::1", port):
                return held.pop()
    finally:
        for sock in held:
            sock.close()


def _taken(family: socket.AddressFamily, host: str, port: int) -> bool:
    with socket.socket(family) as sock:
        if os.name == "posix":
            # Without it a connection that ended a minute ago would still count.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
            sock.listen(1)
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    if _EXCLUSIVE:
        return False
    # Elsewhere a listener on all addresses lets us bind to one of them; but it answers.
    with socket.socket(family) as sock:
        sock.settimeout(0.2)
        return sock.connect_ex((host, port)) == 0
