"""`devgate take-port`."""

from __future__ import annotations

import click

from devgate.cli.acting import act, options


@click.command("take-port")
@options
def command(services: tuple[str, ...], no_wait: bool, timeout: float, project: str) -> int:
    """End the process that holds a service's port, and start the service. Returns when it is ready.

    That process is asked to end, and killed if it does not; none but that one. `devgate status` names it.
    """
    return act("take-port", services, project=project, no_wait=no_wait, timeout=timeout)
