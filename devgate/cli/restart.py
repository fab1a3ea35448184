"""`devgate restart`."""

from __future__ import annotations

import click

from devgate.cli.acting import act, dependents_option, options


@click.command("restart")
@options
@dependents_option("Restart what needs them and runs, too.")
def command(services: tuple[str, ...], no_wait: bool, timeout: float, with_dependents: bool, project: str) -> int:
    """Restart services; their requests wait meanwhile. Returns when they are ready."""
    return act("restart", services, project=project, no_wait=no_wait, timeout=timeout, dependents=with_dependents)
