"""`devgate health`: one line and an exit code, for a container's health check or a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from devgate.cli import words
from devgate.cli.client import check_names, converse, json_option, project_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.model.snapshot import ServiceRow, Snapshot
    from devgate.remote.control import RemoteControl


@click.command("health")
@click.argument("services", nargs=-1, metavar="[SVC]...", shell_complete=words.services)
@click.option("--strict", is_flag=True, help="Degraded is a failure, too.")
@json_option
@project_option
def command(services: tuple[str, ...], strict: bool, as_json: bool, project: str) -> int:
    """Say how the devgate that runs here is, with all services or with those named.

    Exit codes: 0 healthy or degraded, 1 otherwise, 5 nothing runs here.
    """

    async def work(control: RemoteControl) -> int:
        from devgate.model.status import HealthState

        snapshot = await control.pull()
        check_names(services, [row.name for row in snapshot.services])
        rows = [row for row in snapshot.services if row.name in services] if services else snapshot.services
        state = _overall(rows) if services else snapshot.health
        (_print_json if as_json else _print)(snapshot, state, rows)
        good = {HealthState.HEALTHY} if strict else {HealthState.HEALTHY, HealthState.DEGRADED}
        return 0 if state in good else 1

    return converse(project, work)


def _overall(rows: Sequence[ServiceRow]) -> str:
    """Whoever names services means each of them, required or not, and stopped is not healthy."""
    from devgate.engine.picture import worst_health

    return worst_health(row.health for row in rows)


def _print(snapshot: Snapshot, state: str, rows: Sequence[ServiceRow]) -> None:
    from devgate.escape import visible
    from devgate.model.status import HealthState

    print(f"{state}: {snapshot.ready}/{snapshot.total} ready")
    for row in rows:
        if row.health is not HealthState.HEALTHY:
            why = row.health_detail or row.cause
            print(visible(f"  {row.name} is {row.health.value}, {row.state.value}" + (f": {why}" if why else "")))


def _print_json(snapshot: Snapshot, state: str, rows: Sequence[ServiceRow]) -> None:
    from devgate.model.wire import encode

    services = {
        row.name: {"health": row.health, "state": row.state, "detail": row.health_detail or row.cause} for row in rows
    }
    print(encode({"status": state, "ready": snapshot.ready, "total": snapshot.total, "services": services}))
