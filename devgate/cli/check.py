"""`devgate check`: every problem of a profile at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from devgate.cli import words

if TYPE_CHECKING:
    from devgate.profile.loading import Loaded
    from devgate.profile.problems import Problem


@click.command("check")
@click.argument("profile", required=False, shell_complete=words.profiles)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("--expose", is_flag=True, help="Allow a profile that listens beyond loopback.")
def command(profile: str | None, *, as_json: bool, expose: bool) -> int:
    """Validate PROFILE: a name, a set and a name, or a path; without it the one that `devgate up` would take.

    Exit code 2 if it cannot be used. What a service needs and this machine has not (a program, a folder) is a
    warning: only that service would be blocked.
    """
    import os
    from pathlib import Path

    from devgate.errors import Exit
    from devgate.escape import visible
    from devgate.profile.loading import try_load
    from devgate.profile.problems import as_json as as_document
    from devgate.profile.problems import faults_of, render, shown_file

    cwd = Path.cwd()
    attempt = try_load(profile, cwd=cwd, environ=os.environ, expose=expose)
    loaded, error = attempt.loaded, attempt.error
    if error is not None and not error.problems and not as_json:
        raise error  # no file to speak of
    found = faults_of(error) if error is not None else warnings_of(loaded) if loaded is not None else ()
    if as_json:
        import json

        document = {
            "ok": loaded is not None,
            "profile": loaded.ref if loaded is not None else profile,
            "files": [shown_file(str(file), cwd) for file in attempt.files],
            "problems": [as_document(problem, cwd) for problem in found],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        for problem in found:
            click.echo(render(problem, cwd) + "\n", err=error is not None)
    if loaded is None:
        if not as_json and error is not None:
            click.echo(visible(error.message), err=True)
        return Exit.USAGE
    if not as_json:
        services, routes, warnings = len(loaded.profile.services), len(loaded.profile.routes), len(found)
        counts = [_count(services, "service"), _count(routes, "route"), _count(warnings, "warning")]
        click.echo(f"{visible(loaded.ref)} is good: {', '.join(counts)}")
    return Exit.OK


def warnings_of(loaded: Loaded) -> tuple[Problem, ...]:
    """What a good profile should be told: besides what its text shows, which services this machine could not start."""
    import os

    from devgate.profile.nodes import locate
    from devgate.profile.problems import in_order, problem_at
    from devgate.supervisor.launch import Surroundings
    from devgate.supervisor.preflight import blocked

    around = Surroundings(loaded.folder, os.environ, {}, "", all_stubs=False)
    found = list(loaded.warnings)
    for name, refusal in blocked(loaded.profile, around, auto_ports=True).items():
        if key := {"missing-command": "command", "missing-cwd": "cwd"}.get(refusal.code):
            path = ("services", name, key)
            place, message = locate(loaded.root, path), f"{name} would be blocked: {refusal.message}"
            found.append(problem_at(place, message, hint=refusal.hint, path=path, severity="warning"))
    return in_order(found)


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
