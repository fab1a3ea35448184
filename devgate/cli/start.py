"""`devgate start`."""

from __future__ import annotations

import click

from devgate.cli.acting import act, options


@click.command("start")
@options
def command(services: tuple[str, ...], no_wait: bool, timeout: float, project: str) -> int:
    """Start services, and first what they need. Returns when they are ready."""
    return act("start", services, project=project, no_wait=no_wait, timeout=timeout)
