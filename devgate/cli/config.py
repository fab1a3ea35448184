"""`devgate config`: what a profile comes to."""

from __future__ import annotations

import click

from devgate.cli import words


@click.command("config")
@click.argument("profile", required=False, shell_complete=words.profiles)
@click.option("--json", "as_json", is_flag=True, help="One JSON document: the profile and the origins, by key path.")
@click.option("--all", "defaults", is_flag=True, help="With the defaults.")
@click.option("--expose", is_flag=True, help="Allow a profile that listens beyond loopback.")
def command(profile: str | None, *, as_json: bool, defaults: bool, expose: bool) -> int:
    """Print PROFILE as it is after `extends`, env files and ${...}, each value with its origin. Secrets are masked."""
    import os
    from pathlib import Path

    from devgate.errors import Exit
    from devgate.escape import visible
    from devgate.profile.loading import load
    from devgate.profile.problems import render, shown_file
    from devgate.profile.resolved import as_data, as_yaml

    cwd = Path.cwd()
    loaded = load(profile, cwd=cwd, environ=os.environ, expose=expose)
    origins = loaded.origins(cwd)
    data = as_data(loaded.profile, origins, loaded.secrets(), defaults=defaults)
    files = [shown_file(str(file), cwd) for file in loaded.files]
    if as_json:
        import json

        document = {
            "ref": loaded.ref,
            "files": files,
            "digest": loaded.profile.digest,
            "profile": data,
            "origins": origins,
        }
        click.echo(json.dumps(document, indent=2))
        return Exit.OK
    for warning in loaded.warnings:
        click.echo(render(warning, cwd) + "\n", err=True)
    click.echo(f"# {visible(loaded.ref)}: {visible(', '.join(files))}")
    if not defaults:
        click.echo("# What is not said here has its default; --all shows it.")
    click.echo(as_yaml(data, origins), nl=False)
    return Exit.OK
