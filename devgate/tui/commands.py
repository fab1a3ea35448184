"""What the keys ask of devgate: which of them make sense for a service now, and the call behind each.

Nothing here awaits more than the call itself: the engine owns the work, so a screen that closes interrupts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.model.status import FAILED, BreakerState, Forced, Owner, ServiceState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devgate.control import Control
    from devgate.model.snapshot import ServiceRow, Snapshot

_DOWN: Final = FAILED | {ServiceState.STOPPED, ServiceState.EXITED, ServiceState.COMPLETED}


@dataclass(frozen=True, slots=True)
class Command:
    """Something to ask for one service, or with `targets` for several."""

    verb: str
    """As in "could not restart chat-server"."""
    call: Callable[[Control, str], Awaitable[None]]
    """The second argument is a service's name; empty for a command that needs none."""
    fits: Callable[[ServiceRow], bool] | None = None
    """Whether it makes sense for a service in this state; None: it needs no service."""
    many: bool = False
    """For every service that fits, instead of the selected one."""


def _ours(row: ServiceRow) -> bool:
    return row.owner is Owner.DEVGATE


def _beaten(row: ServiceRow) -> bool:
    """Whether all that it lacks is its port, which somebody else holds."""
    return _ours(row) and row.blocked_by == "port-in-use"


def _up(row: ServiceRow) -> bool:
    return _ours(row) and row.state not in _DOWN


def _force(forced: Forced, verb: str) -> Command:
    return Command(
        f"{verb} the breaker of",
        lambda control, name: control.gateway.force_breaker(name, forced),
        lambda row: row.breaker.forced is not forced,
    )


COMMANDS: Final[dict[str, Command]] = {
    "start": Command(
        "start", lambda control, name: control.services.start(name), lambda row: _ours(row) and row.state in _DOWN
    ),
    "stop": Command("stop", lambda control, name: control.services.stop(name), _up),
    "start_dependents": Command(
        "start dependents and",
        lambda control, name: control.services.start(name, dependents=True),
        lambda row: _ours(row) and row.state in _DOWN and bool(row.dependents),
    ),
    "stop_dependents": Command(
        "stop dependents and",
        lambda control, name: control.services.stop(name, dependents=True),
        lambda row: _up(row) and bool(row.dependents),
    ),
    "kill": Command("kill", lambda control, name: control.services.kill(name), _up),
    "restart": Command("restart", lambda control, name: control.services.restart(name), _ours),
    "cascade": Command("restart", lambda control, name: control.services.restart(name, dependents=True), _ours),
    "adopt": Command("adopt", lambda control, name: control.services.adopt(name), _beaten),
    "take": Command("take over", lambda control, name: control.services.take_port(name), _beaten),
    "red": Command(
        "restart",
        lambda control, name: control.services.restart(name),
        lambda row: _ours(row) and row.state in FAILED,
        many=True,
    ),
    "reset": Command(
        "reset the breaker of",
        lambda control, name: control.gateway.reset_breaker(name),
        lambda row: row.breaker.by_hand or row.breaker.state is not BreakerState.CLOSED or row.breaker.failures > 0,
    ),
    "force_open": _force(Forced.OPEN, "hold open"),
    "force_closed": _force(Forced.CLOSED, "hold closed"),
    "force_metrics_only": _force(Forced.METRICS_ONLY, "only watch with"),
    "force_disabled": _force(Forced.DISABLED, "switch off"),
    "sync": Command("check versions", lambda control, _: control.sync.check()),
}

FORCING: Final = tuple(name for name in COMMANDS if name.startswith("force_"))


def targets(command: Command, snapshot: Snapshot | None, selected: str) -> tuple[str, ...]:
    """The services that this would be for, empty if it makes no sense now; `("",)` if it needs none."""
    if command.fits is None:
        return ("",)
    rows = snapshot.services if snapshot is not None else ()
    fits = command.fits
    return tuple(row.name for row in rows if (command.many or row.name == selected) and fits(row))


def at_stake(command: str, row: ServiceRow) -> str:
    """What carrying it out now would lose, as a sentence; empty if nothing."""
    if command == "kill" and row.traffic.in_flight:
        return f"{row.traffic.in_flight} requests in flight will fail."
    if command == "take":
        return f"This ends a process: {row.cause or 'its port is taken'}."
    return ""


def losses(snapshot: Snapshot | None) -> tuple[list[ServiceRow], list[ServiceRow]]:
    """Services that quitting stops, and those that stay because somebody else runs them."""
    rows = snapshot.services if snapshot is not None else ()
    running = [row for row in rows if row.state not in _DOWN]
    return [row for row in running if _ours(row)], [row for row in running if not _ours(row)]
