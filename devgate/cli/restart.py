"""`devgate restart`."""

from __future__ import annotations

import click

from devgate.cli.acting import act, options


@click.command("restart")
@options
@click.option("--with-dependents", is_flag=True, help="Restart what needs them, too.")
def command(services: tuple[str, ...], no_wait: bool, timeout: float, with_dependents: bool, project: str) -> int:
    """Restart services; their requests wait meanwhile. Returns when they are ready."""
    return act("restart", services, project=project, no_wait=no_wait, timeout=timeout, dependents=with_dependents)
