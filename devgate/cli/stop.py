"""`devgate stop`."""

from __future__ import annotations

import click

from devgate.cli.acting import act, options


@click.command("stop")
@options
def command(services: tuple[str, ...], no_wait: bool, timeout: float, project: str) -> int:
    """Stop services: no new requests, those in flight finished, then the whole process tree. Returns when it is gone."""
    return act("stop", services, project=project, no_wait=no_wait, timeout=timeout)
