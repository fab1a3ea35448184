"""`devgate schema`: what a profile may say."""

from __future__ import annotations

import click


@click.command("schema")
@click.option("--markdown", is_flag=True, help="The reference page instead of the JSON Schema.")
def command(*, markdown: bool) -> None:
    """Print the JSON Schema of profiles.

    For completion in an editor write it to a file and name that in the first line of a profile:

    \b
      devgate schema > devgate.schema.json
      # yaml-language-server: $schema=devgate.schema.json
    """
    from devgate.profile import reference

    if markdown:
        click.echo(reference.markdown(), nl=False)
        return
    import json

    click.echo(json.dumps(reference.schema(), indent=2, ensure_ascii=False))
