"""Who needs whom: order of starting and stopping, what a start pulls in, who still waits for what. Pure.

`needs` maps each service to what it depends on. Names that nobody has are passed over here: `profile.checks` refuses them, and
cycles, before anything runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.model.status import FAILED, ServiceState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from devgate.model.service import DependencySpec

_STARTED = frozenset(
    {ServiceState.STARTING, ServiceState.SLOW, ServiceState.READY, ServiceState.EXITED, ServiceState.COMPLETED}
)
_MET = {
    "started": _STARTED,
    # A task is never ready; who needs one means that it has done its work.
    "ready": frozenset({ServiceState.READY, ServiceState.COMPLETED}),
    "completed": frozenset({ServiceState.COMPLETED, ServiceState.EXITED}),
}
_GONE = FAILED | {ServiceState.EXITED}


def levels(needs: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Services in groups: each group needs only earlier ones. Order within a group is that of `needs`.

    Reversed it is the order of stopping.
    """
    depth: dict[str, int] = {}

    def measure(name: str, above: frozenset[str]) -> int:
        if name not in depth:
            below = [
                measure(need, above | {name}) for need in needs[name] if need in needs and need not in above | {name}
            ]
            depth[name] = 1 + max(below, default=-1)
        return depth[name]

    for name in needs:
        measure(name, frozenset())
    return [[name for name in needs if depth[name] == level] for level in range(max(depth.values(), default=-1) + 1)]


def pulled(names: Iterable[str], needs: Mapping[str, Collection[str]]) -> frozenset[str]:
    """`names` and everything they need, directly or not."""
    found: set[str] = set()
    pending = [name for name in names if name in needs]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(need for need in needs[name] if need in needs)
    return frozenset(found)


def dependents(name: str, needs: Mapping[str, Collection[str]]) -> list[str]:
    """Who needs `name`, directly or not, in the order in which they start."""
    found = {name}
    ordered = [service for level in levels(needs) for service in level]
    for service in ordered:
        if found & set(needs[service]):
            found.add(service)
    return [service for service in ordered if service in found and service != name]


def waiting_for(
    wanted: Mapping[str, DependencySpec], look: Callable[[str], tuple[ServiceState, bool]]
) -> tuple[str, ...]:
    """Names of what is still missing.

    Args:
        wanted: `depends_on` of one service.
        look: the state of another, and whether it is meant to run.
    """
    missing = []
    for name, need in wanted.items():
        state, coming = look(name)
        if state in _MET[need.condition]:
            continue
        if not need.required and (state in _GONE or (state is ServiceState.STOPPED and not coming)):
            continue
        missing.append(name)
    return tuple(missing)
