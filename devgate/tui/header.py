"""The lines above every view, as parts: pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from devgate.model.status import ServiceState
from devgate.tui import format as fmt
from devgate.tui import rows
from devgate.tui.widgets.line import Part

if TYPE_CHECKING:
    from devgate.model.snapshot import Snapshot

LIMIT_SHOWN_S = 30.0
"""How long the header says that a limit was reached, be it enforced or not."""
SLOW_LOOP_MS = 50.0
"""From this delay of the event loop the header says so: requests wait as long."""


def header(snapshot: Snapshot) -> list[Part]:
    """Profile, address, ready, sync, rate, errors, last reload."""
    ready = "good" if snapshot.ready >= snapshot.total else "warn"
    traffic = snapshot.traffic
    address = snapshot.url.removeprefix("http://")
    rate = fmt.count(traffic.per_minute)
    errors = "bad" if traffic.error_ratio >= rows.MANY_ERRORS else "warn" if traffic.error_ratio else "muted"
    share = fmt.ratio(traffic.error_ratio)
    parts = [
        Part(((snapshot.profile, "title"),)),
        Part(((address, "key"),), ((address[address.rfind(":") :], "key"),), drop=2),
        Part(((f"{snapshot.ready}/{snapshot.total} ready", ready),)),
        Part((rows.sync_summary(snapshot),), drop=4),
        Part(
            (rows.number(f"{rate} req/min", traffic.per_minute),),
            (rows.number(f"{rate}/min", traffic.per_minute),),
            drop=3,
        ),
        Part(((f"{share} errors", errors),), ((f"{share} err", errors),), drop=5),
    ]
    if rows.is_exposed(snapshot):
        parts.insert(2, Part((rows.EXPOSED,), (("open!", "bad"),)))
    if snapshot.faults:
        one = snapshot.faults[0]
        count = fmt.plural(len(snapshot.faults), "fault")
        said = f"fault {one.route}: {one.words}" if len(snapshot.faults) == 1 else f"{count} on"
        parts.insert(2, Part(((said, "warn"),), ((f"{count} on", "warn"),)))
    reached = [row for row in snapshot.limits if row.over_s is not None and row.over_s < LIMIT_SHOWN_S]
    if reached:
        names = ", ".join(dict.fromkeys(f"{row.name} {row.route}".rstrip() for row in reached))
        parts.append(Part(((f"limit {names} reached", "warn"),), (("limit reached", "warn"),), drop=1))
    if snapshot.stopping:
        left = sum(row.pid is not None for row in snapshot.services)
        killed = f", killed in {math.ceil(snapshot.kill_in_s)}s" if left and snapshot.kill_in_s is not None else ""
        parts.insert(2, Part(((f"stopping, {fmt.plural(left, 'service')} left{killed}", "warn"),)))
    if snapshot.loop_delay_ms >= SLOW_LOOP_MS:
        parts.append(Part(((f"loop {fmt.milliseconds(snapshot.loop_delay_ms)} late", "warn"),), drop=1))
    if snapshot.reloaded_at is not None:
        parts.append(Part(((f"loaded {fmt.clock(snapshot.reloaded_at)}", "muted"),), drop=6, right=True))
    return parts


def banner(snapshot: Snapshot) -> list[Part]:
    """Why the changed file was refused or what it waits for, and that nothing has changed; empty without a problem."""
    problems = snapshot.config_problems
    if not problems:
        return []
    if snapshot.config_waits:
        return [
            Part((("▲ needs your agreement  ", "warn"), (problems[0].partition(";")[0], "plain"))),
            Part((("c", "key"), (" shows them and asks", "plain")), key="c"),
            Part((("what ran before runs on", "muted"),), drop=1, right=True),
        ]
    first = problems[0].partition("\n")[0]
    more = f"  and {len(problems) - 1} more" if len(problems) > 1 else ""
    return [
        Part(((f"✖ config error  {first}", "bad"), (more, "bad"))),
        Part((("the last good profile keeps running", "plain"),), drop=1, right=True),
    ]


def settled(snapshot: Snapshot) -> bool:
    """Whether nothing of ours runs any more."""
    down = {
        ServiceState.STOPPED,
        ServiceState.EXITED,
        ServiceState.COMPLETED,
        ServiceState.CRASHED,
        ServiceState.BLOCKED,
    }
    return all(row.state in down or row.owner.value == "external" for row in snapshot.services)
