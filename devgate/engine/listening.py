"""Which sockets a profile wants, and the short way to them. Imports nothing heavy: it runs before anything else is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.errors import CommandError, Exit, StartError
from devgate.gateway.binding import LOOPBACK_4, bind, devgate_on

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from devgate.model.gateway import GatewaySpec


def listen(
    gateway: GatewaySpec, *, auto_ports: bool, take: bool = False, done: Callable[[str], None] = lambda text: None
) -> list[socket.socket]:
    """Listening sockets for the gateway. What a killed devgate has left on its port is ended first.

    Args:
        auto_ports: take a free port where the wanted one is taken.
        take: end whoever holds the wanted one.
        done: told in words what was ended, or where the gateway is instead.

    Raises:
        StartError: it cannot listen there.
    """
    try:
        return bind(gateway.host, gateway.port)
    except StartError as error:
        if error.code != "port-in-use":
            raise
        if _cleared(gateway.port, take=take, done=done):
            return bind(gateway.host, gateway.port)
        if auto_ports:
            sockets = bind(gateway.host, 0)
            done(f"{error.message} devgate answers at {url_of(sockets)} instead.")
            return sockets
        if devgate_on(gateway.port) is None:  # that one is ended by name, and in order
            error.hint = "end it yourself or with --take-port, or choose another port with --port (0 takes a free one)"
        raise


def _cleared(port: int, *, take: bool, done: Callable[[str], None]) -> bool:
    """Whether somebody was ended who held the port."""
    from devgate.supervisor.eviction import clear

    try:
        texts = clear(port, take=take)
    except CommandError as error:
        raise StartError(error.message, hint=error.hint, code=error.code, exit_code=Exit.GATEWAY_PORT) from error
    for text in texts:
        done(text)
    return bool(texts)


def url_of(sockets: Sequence[socket.socket]) -> str:
    """Where these sockets are reached."""
    host, port = sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen_instead(
    old: GatewaySpec, new: GatewaySpec, *, auto_ports: bool, done: Callable[[str], None] = lambda text: None
) -> list[socket.socket]:
    """Sockets for another address, beside those that are open; none if those serve it already.

    Raises:
        StartError: it cannot listen there.
        CommandError: the port is the same, and so is in our own way.
    """
    if old.port == new.port != 0:
        if {old.host, new.host} <= {LOOPBACK_4, "localhost"}:
            return []
        raise CommandError(
            f"the gateway cannot go from {old.host} to {new.host} on the same port {new.port} while it runs",
            hint="`devgate down`, then `devgate up`; or change the port, too",
            code="rebind-needs-restart",
        )
    return listen(new, auto_ports=auto_ports, done=done)
