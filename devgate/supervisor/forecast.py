"""What a plan comes to for services that stand still: pure.

The difference of two profiles knows what has changed, not who runs. A service that somebody has stopped, or that has not been
asked for yet, is not restarted by a change. It stays as it is as long as nothing needs it; but whoever waits for a service that
nobody starts waits for ever, and so a start brings what it needs with it, in a switch as anywhere else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from devgate.supervisor.graph import pulled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from devgate.model.plan import Plan


def forecast(
    plan: Plan,
    needs: Mapping[str, Collection[str]],
    *,
    up: Collection[str],
    resting: Collection[str],
    beginning: Iterable[str],
    alone: bool = False,
) -> Plan:
    """`plan`, true for what stands still now.

    Args:
        plan: the bare difference of two profiles.
        needs: what each service of the new profile cannot do without.
        up: services that are wanted now.
        resting: services that do not run and are not wanted.
        beginning: those of `plan.start` that start by themselves.
        alone: a start brings nothing with it (`--no-deps`).
    """
    changed = {reason.service for reason in (*plan.restart, *plan.stale) if reason.service in resting}
    starting = {reason.service for reason in plan.restart if reason.service not in resting} | set(beginning)
    revived: set[str] = set()
    if not alone:
        revived |= changed & pulled({*up, *starting}, needs)
        revived |= pulled(starting | revived, needs) & set(resting)
    still = [reason for reason in (*plan.restart, *plan.stale) if reason.service in changed - revived]
    return replace(
        plan,
        keep=tuple(name for name in plan.keep if name not in revived),
        restart=tuple(reason for reason in plan.restart if reason.service not in changed),
        adopt=tuple(reason for reason in plan.adopt if reason.service not in revived),
        stale=tuple(reason for reason in plan.stale if reason.service not in changed),
        start=(*plan.start, *(name for name in needs if name in revived)),
        rest=tuple(still),
    )
