"""`devgate doctor`: what stands in the way of a start, before one is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from devgate.cli import words
from devgate.cli.client import json_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devgate.cli.examination import Finding

MARKS: Final = {"good": ("●", "good"), "warning": ("▲", "warn"), "bad": ("✖", "bad")}


@click.command("doctor")
@click.argument("profile", required=False, shell_complete=words.profiles)
@click.option(
    "--project", type=click.Path(exists=True, file_okay=False), default=".", help="Where to look; default: here."
)
@json_option
def command(profile: str | None, project: str, as_json: bool) -> int:
    """Look at ports, programs, environment, leftovers, Python and terminal, as PROFILE needs them.

    Changes nothing. Exit code 1 if `devgate up` would not get everything to run.
    """
    import os
    from pathlib import Path

    from devgate.cli.examination import examine

    found = examine(profile, Path(project).resolve(), os.environ)
    findings = list(found) if as_json else _shown(found)
    failed = any(one.verdict == "bad" for one in findings)
    if as_json:
        from devgate.model.wire import encode

        print(encode({"ok": not failed, "findings": findings}))
    return 1 if failed else 0


def _shown(findings: Iterable[Finding]) -> list[Finding]:
    """Print each as it comes: some take a second. Returns them."""
    from devgate.cli.table import painted, wants_colour

    colour, seen = wants_colour(), []
    for one in findings:
        mark, ink = MARKS[one.verdict]
        print(
            painted(((f"{mark} ", ink), (f"{one.what:<12} ", "strong"), (one.text, "plain")), colour=colour), flush=True
        )
        if one.hint:
            print(painted(((f"{'':<15}{one.hint}", "muted"),), colour=colour), flush=True)
        seen.append(one)
    return seen
