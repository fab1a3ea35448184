"""`devgate up --dry-run`: what would start, in which order, and what would be blocked. Nothing is bound, asked or written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from devgate.cli.launch import load
from devgate.cli.selection import selection, start_order
from devgate.errors import Exit
from devgate.escape import visible
from devgate.supervisor import kinship, ports, preflight
from devgate.supervisor.launch import Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devgate.cli.launch import Request
    from devgate.profile.loading import Loaded
    from devgate.supervisor.refusal import CannotStartError


def rehearse(request: Request) -> int:
    """Say what `request` would do."""
    loaded = load(request)
    profile = loaded.profile
    order = start_order(
        profile, selection(profile, request.only, request.without, no_deps=request.no_deps), no_deps=request.no_deps
    )
    where = f"{profile.gateway.host}:{profile.gateway.port}"
    lines = [f"{loaded.ref} would listen on {where} and start" + (", in this order:" if order else " no service")]
    for number, names in enumerate(order, 1):
        for name in names:
            needs = ", ".join(profile.services[name].depends_on)
            lines.append(f"  {number}. {name}" + (f"  (needs {needs})" if needs else ""))
    started = {name for names in order for name in names}
    if left := [name for name in profile.services if name not in started]:
        lines.append(f"not started: {', '.join(left)}")
    lines += (
        f"would be blocked: {name}: {refusal.message}" for name, refusal in _blocked(loaded, request) if name in started
    )
    print("\n".join(map(visible, lines)))
    return Exit.OK


def _blocked(loaded: Loaded, request: Request) -> Iterator[tuple[str, CannotStartError]]:
    """The services that could not be started now, but for what a start would mend itself."""
    around = Surroundings(loaded.folder, os.environ, request.env, "", request.all_stubs)
    for name, refusal in preflight.blocked(loaded.profile, around, auto_ports=request.auto_ports).items():
        port = loaded.profile.services[name].port
        taken = refusal.code == "port-in-use" and isinstance(port, int)
        if not taken or not (request.take_port or _is_left(port)):
            yield name, refusal


def _is_left(port: object) -> bool:
    """Whether what holds a port was left behind by a devgate that is gone."""
    owner = ports.owner(port) if isinstance(port, int) else None
    kin = kinship.kin_of(owner.pid) if owner is not None and owner.pid is not None else None
    return kin is not None and not kin.alive
