"""`devgate sync check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from devgate.cli.client import converse, json_option, project_option

if TYPE_CHECKING:
    from devgate.model.snapshot import Snapshot
    from devgate.model.status import SyncState
    from devgate.remote.control import RemoteControl

EXITS: Final = {"synced": 0, "out_of_sync": 1, "warning": 1, "critical": 2, "unknown": 3, "off": 3}
"""SEMANTICS 3.11 names no code for a mismatch that is too young to warn. It is no success, so it is the mildest failure."""


@click.group("sync")
def command() -> None:
    """Shared-knowledge versions of the services."""


@command.command("check")
@click.option(
    "--gateway-only", is_flag=True, help="Only whether the gateway knows which version to expect; asks nobody."
)
@click.option("--services-only", is_flag=True, help="Only the services, whatever the gateway expects.")
@json_option
@project_option
def check(gateway_only: bool, services_only: bool, as_json: bool, project: str) -> int:
    """Ask every service for its version now, and compare with what the gateway expects.

    Exit codes: 0 all synced, 1 out of sync or warning, 2 critical, 3 unknown.
    """
    if gateway_only and services_only:
        raise click.UsageError("--gateway-only and --services-only leave nothing to check")

    async def work(control: RemoteControl) -> int:
        from devgate.model.status import SyncState

        if not gateway_only:
            await control.sync.check()
        snapshot = await control.pull()
        gateway = SyncState.SYNCED if snapshot.sync_expected else SyncState.UNKNOWN
        if gateway_only:
            _print_gateway(snapshot, gateway, as_json=as_json)
            return EXITS[gateway.value]
        _print(snapshot, gateway=None if services_only else gateway, as_json=as_json)
        return EXITS[snapshot.sync.value]

    return converse(project, work)


def _expected(snapshot: Snapshot) -> str:
    from devgate.escape import visible

    return f"expected {visible(snapshot.sync_expected) or 'nothing: set sync.version in the profile'}"


def _print_gateway(snapshot: Snapshot, gateway: SyncState, *, as_json: bool) -> None:
    from devgate.model.wire import encode

    if as_json:
        print(encode({"status": gateway, "expected": snapshot.sync_expected}))
    else:
        print(f"{_expected(snapshot)}; gateway {gateway.value}")


def _print(snapshot: Snapshot, *, gateway: SyncState | None, as_json: bool) -> None:
    from devgate.cli.table import say
    from devgate.model.wire import encode, plain
    from devgate.tui import format as fmt
    from devgate.tui import rows
    from devgate.tui.columns import Column, Row

    if as_json:
        services = {row.name: plain(row.sync) for row in snapshot.services}
        document = {"status": snapshot.sync, "expected": snapshot.sync_expected, "services": services}
        print(encode(document if gateway is None else {**document, "gateway": gateway}))
        return
    print(f"{_expected(snapshot)}; overall {snapshot.sync.value}\n")
    columns = [
        Column("name", "Service", 12),
        Column("sync", "Sync", 12),
        Column("actual", "Version", 10),
        Column("since", "Since", 5, right=True),
        Column("detail", "Detail", 20, grow=1),
    ]
    found = [
        Row(
            row.name,
            {
                "name": ((row.name, "strong"),),
                "sync": (rows.sync(row.sync),),
                "actual": ((row.sync.actual or fmt.NONE, "plain"),),
                "since": ((fmt.span(row.sync.since_s) if row.sync.since_s else fmt.NONE, "muted"),),
                "detail": ((row.sync.detail, "muted"),),
            },
        )
        for row in snapshot.services
    ]
    say(columns, found)
