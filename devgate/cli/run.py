"""`devgate run -- CMD`: tests against services that are there for just as long."""

from __future__ import annotations

from typing import Any

import click

from devgate.cli.up import chosen, hold_collector, start_options


@click.command("run")
@click.option("--profile", metavar="PROFILE", help="As the argument of `devgate up`.")
@start_options
@click.argument("job", nargs=-1, required=True, metavar="-- CMD...", type=click.UNPROCESSED)
def command(profile: str | None, job: tuple[str, ...], **start: Any) -> int:
    """Start everything, run CMD once all services are ready, stop everything; ends with CMD's exit code.

    CMD finds the gateway in $DEVGATE_URL and each service in $<NAME>_URL. What services print is in .devgate/logs.
    Write `--` before CMD: what follows is CMD's.
    """
    hold_collector()
    from devgate.cli.launch import Request, launch

    return launch(Request(ref=profile, job=job, **chosen(**start)))
