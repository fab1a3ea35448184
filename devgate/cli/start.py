"""`devgate start`."""

from __future__ import annotations

import click

from devgate.cli.acting import act, dependents_option, options


@click.command("start")
@options
@dependents_option("Start what needs them, too.")
def command(services: tuple[str, ...], no_wait: bool, timeout: float, with_dependents: bool, project: str) -> int:
    """Start services, and first what they need. Returns when they are ready."""
    return act("start", services, project=project, no_wait=no_wait, timeout=timeout, dependents=with_dependents)
