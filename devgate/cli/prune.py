"""`devgate prune`: what devgates that were killed have left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from devgate.cli.client import json_option, project_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devgate.processes import Process
    from devgate.supervisor.kinship import Kin


@click.command("prune")
@click.option("--dry-run", is_flag=True, help="Only say what would be ended.")
@json_option
@project_option
def command(dry_run: bool, as_json: bool, project: str) -> int:
    """End the processes of every devgate of yours that is gone, and take its run file away.

    Nothing that belongs to a devgate that runs is touched. Exit code 1 if something does not end.
    """
    from pathlib import Path

    from devgate import processes, runfile
    from devgate.supervisor.kinship import leftovers

    found = runfile.search(Path(project).resolve())
    dead = found[1] if found is not None and not found[1].alive else None
    left = []
    documents = []
    groups = leftovers()
    for mark, family in groups.items():
        remaining = [] if dry_run else processes.end({}, mark).left
        left += remaining
        documents.append(_document(family, remaining))
        if not as_json:
            print(_line(family, dry_run=dry_run))
    if dead is not None and found is not None and not dry_run:
        runfile.release(*found)
    if as_json:
        from devgate.model.wire import encode

        print(encode({"devgates": documents, "run_file": dead.pid if dead is not None else None, "dry_run": dry_run}))
    elif dead is not None:
        print(f"{'would remove' if dry_run else 'removed'} the run file of pid {dead.pid}")
    elif not groups:
        print("nothing is left of any devgate that is gone")
    for process in left:
        click.echo(f"pid {process.pid} does not end", err=True)
    return 1 if left else 0


def _line(family: Mapping[Process, Kin], *, dry_run: bool) -> str:
    from devgate.escape import visible

    names = ", ".join(f"pid {process.pid} ({kin.service})" for process, kin in family.items())
    verb, pid = "would end" if dry_run else "ended", next(iter(family.values())).devgate
    return visible(f"{verb} what the devgate with pid {pid} has left: {names}")


def _document(family: Mapping[Process, Kin], remaining: list[Process]) -> dict[str, Any]:
    stayed = {process.pid for process in remaining}
    return {
        "devgate": next(iter(family.values())).devgate,
        "processes": [
            {"pid": process.pid, "service": kin.service, "ended": process.pid not in stayed}
            for process, kin in family.items()
        ],
    }
