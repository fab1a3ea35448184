"""Which sockets a profile wants, and the short way to them. Imports nothing heavy: it runs before anything else is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.errors import CommandError, Exit, StartError
from devgate.gateway.binding import LOOPBACK_4, bind

if TYPE_CHECKING:
    import socket

    from devgate.model.profile import GatewaySpec


def listen(gateway: GatewaySpec, *, auto_ports: bool) -> list[socket.socket]:
    """Listening sockets for the gateway.

    Args:
        auto_ports: take a free port where the wanted one is taken.

    Raises:
        StartError: it cannot listen there.
    """
    try:
        return bind(gateway.host, gateway.port)
    except StartError as error:
        if error.exit_code != Exit.GATEWAY_PORT or not auto_ports:
            raise
        return bind(gateway.host, 0)


def listen_instead(old: GatewaySpec, new: GatewaySpec, *, auto_ports: bool) -> list[socket.socket]:
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
    return listen(new, auto_ports=auto_ports)
