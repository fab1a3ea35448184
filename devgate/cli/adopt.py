"""`devgate adopt`."""

from __future__ import annotations

import click

from devgate.cli.acting import act, options


@click.command("adopt")
@options
def command(services: tuple[str, ...], no_wait: bool, timeout: float, project: str) -> int:
    """Take the process that answers on a service's port for that service: one that runs in a debugger, say.

    The gateway sends it the service's requests, and devgate never stops or restarts it. The service itself must be down.
    """
    return act("adopt", services, project=project, no_wait=no_wait, timeout=timeout)
