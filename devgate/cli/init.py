"""`devgate init`: a first devgate.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

NAME = "devgate.yaml"


@click.command("init")
@click.option("--print", "only_print", is_flag=True, help="Only print it.")
@click.option("--force", is_flag=True, help="Write over the one that is there.")
@click.option("--project", type=click.Path(exists=True, file_okay=False), default=".", help="Where; default: here.")
def command(only_print: bool, force: bool, project: str) -> None:
    """Write a devgate.yaml to begin with: of the Procfile, if there is one, else with a stand-in that answers at once."""
    from pathlib import Path

    from devgate.cli.beginning import document
    from devgate.escape import visible

    folder = Path(project).resolve()
    text = document(folder.name, _procfile(folder))
    if only_print:
        print(text, end="")
        return
    _write(folder / NAME, text, force=force)
    print(visible(f"wrote {folder / NAME}"))
    print("`devgate check` validates it, `devgate up` starts it, `devgate schema --markdown` explains every key")


def _procfile(folder: Path) -> str:
    try:
        with open(folder / "Procfile", encoding="utf-8", errors="replace") as file:
            return file.read(64 * 1024)
    except OSError:
        return ""


def _write(file: Path, text: str, *, force: bool) -> None:
    """Make the file, whole or not at all.

    Raises:
        CommandError: it is there already, or cannot be written.
    """
    from devgate.errors import CommandError, Exit

    try:
        with open(file, "w" if force else "x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise CommandError(
            f"{file} is there already", hint="--force writes over it", code="exists", exit_code=Exit.USAGE
        ) from None
    except OSError as error:
        raise CommandError(
            f"{file} cannot be written: {error.strerror}", code="cannot-write", exit_code=Exit.USAGE
        ) from error
