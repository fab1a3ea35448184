"""Asks whether a profile that is new here may run its commands (direnv's manner; SEMANTICS 4, threat 8)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from devgate.errors import Exit, StartError
from devgate.escape import visible
from devgate.profile.trust import needs_trust, remember, state_folder

if TYPE_CHECKING:
    from devgate.profile.loading import Loaded


def ask_for_trust(loaded: Loaded, *, agreed: bool) -> None:
    """Return if the profile may run.

    Args:
        agreed: `--trust` was given.

    Raises:
        StartError: nobody could be asked, or the answer was no.
    """
    request = needs_trust(loaded, state := state_folder())
    if request is None:
        return
    if not agreed:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise StartError(
                f"{loaded.ref} is new here, and there is no terminal to ask whether its commands may run",
                hint="look at it with `devgate config`, then say `devgate up --trust`",
                code="untrusted-profile",
                exit_code=Exit.USAGE,
            )
        click.echo(f"{visible(loaded.ref)} is new here. It would", err=True)
        for line in request.lines:
            click.echo(f"  {visible(line)}", err=True)
        if not click.confirm("Run it?", err=True):
            raise StartError("not run", code="untrusted-profile", exit_code=Exit.USAGE)
    remember(request, state)
