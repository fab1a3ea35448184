"""`devgate stop`."""

from __future__ import annotations

import click

from devgate.cli.acting import act, dependents_option, options


@click.command("stop")
@options
@dependents_option("First stop what needs them.")
def command(services: tuple[str, ...], no_wait: bool, timeout: float, with_dependents: bool, project: str) -> int:
    """Stop services: no new requests, those in flight finished, then the whole process tree. Returns when it is gone."""
    return act("stop", services, project=project, no_wait=no_wait, timeout=timeout, dependents=with_dependents)
