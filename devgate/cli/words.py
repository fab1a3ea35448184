"""What a shell completes behind a verb: services, routes and profiles as they are now.

Somebody is typing: a devgate that does not run or does not answer completes nothing, and says nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from click import Context, Parameter
    from click.shell_completion import CompletionItem

    from devgate.model.snapshot import Snapshot

PATIENCE_S: Final = 1.0


def services(context: Context, _: Parameter, incomplete: str) -> list[str]:
    """Names of the services of the devgate that runs here, but for those that stand there already."""
    snapshot = _snapshot(context)
    said = context.params.get("services") or ()
    names = (row.name for row in snapshot.services) if snapshot is not None else ()
    return _fitting((name for name in names if name not in said), incomplete)


def routes(context: Context, _: Parameter, incomplete: str) -> list[str]:
    """Paths of the routes of the devgate that runs here, as far as they can be opened as they stand."""
    snapshot = _snapshot(context)
    paths = (row.path.removesuffix("*") for row in snapshot.routes) if snapshot is not None else ()
    return _fitting((path for path in paths if path.startswith("/") and not {"{", "*"} & {*path}), incomplete)


def route_ids(context: Context, _: Parameter, incomplete: str) -> list[str]:
    """Routes of the devgate that runs here, as `devgate routes` calls them."""
    snapshot = _snapshot(context)
    return _fitting((row.id for row in snapshot.routes) if snapshot is not None else (), incomplete)


def faulty_routes(context: Context, _: Parameter, incomplete: str) -> list[str]:
    """The routes that have a fault."""
    snapshot = _snapshot(context)
    return _fitting((row.route for row in snapshot.faults) if snapshot is not None else (), incomplete)


def profiles(context: Context, _: Parameter, incomplete: str) -> list[CompletionItem]:
    """Everything that `up` and `switch` could start from here; files where no profile is called so."""
    from click.shell_completion import CompletionItem

    from devgate.profile.lookup import available

    found = [CompletionItem(word) for word in _fitting(available(_folder(context)), incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def _fitting(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in dict.fromkeys(words) if word.startswith(incomplete)]


def _folder(context: Context) -> Path:
    return Path(context.params.get("project") or ".").resolve()


def _snapshot(context: Context) -> Snapshot | None:
    import asyncio

    from devgate import runfile
    from devgate.cli.client import connect
    from devgate.errors import DevgateError

    run = runfile.find(_folder(context))
    if run is None:
        return None

    async def ask() -> Snapshot:
        async with asyncio.timeout(PATIENCE_S):
            return await connect(run).pull()

    try:
        return asyncio.run(ask())
    except (DevgateError, TimeoutError, OSError):
        return None
