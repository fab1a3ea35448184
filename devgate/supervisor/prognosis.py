"""Whether a replica that is not ready will become so by itself, and if not, why: pure.

Whoever waits for a service asks here after every change, so that nobody waits for what cannot come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.errors import CommandError, Exit
from devgate.model.status import FAILED, ServiceState
from devgate.redact import redact_text

if TYPE_CHECKING:
    from devgate.supervisor.runner import Runner
    from devgate.supervisor.service import Service
    from devgate.supervisor.world import Others

DONE: Final = frozenset({ServiceState.READY, ServiceState.COMPLETED, ServiceState.EXITED})
"""Ready, or at an end that nobody needs to look at."""


def failure(name: str, runner: Runner, others: Others, ticket: int = 0) -> CommandError | None:
    """Why this replica of service `name` will not become ready by itself; None while it may.

    Args:
        ticket: of the wish that somebody waits for; what the replica was before that says nothing.
    """
    if runner.state is ServiceState.WAITING:
        return _hopeless(name, runner, others)
    wish = runner.wish
    if not wish.up and (wish.answered < ticket or runner.state in (ServiceState.STOPPING, ServiceState.STOPPED)):
        return CommandError(f"{name} was stopped meanwhile", code="superseded")
    if wish.answered >= ticket and runner.state in FAILED:
        refusal = runner.refusal if runner.state is ServiceState.BLOCKED else None
        return CommandError(
            redact_text(f"{name} is {runner.state}: {runner.cause}"),
            hint=refusal.hint if refusal else f"see `devgate logs {name}`",
            code=refusal.code if refusal else "service-failed",
            exit_code=Exit.SERVICE_BLOCKED if runner.state is ServiceState.BLOCKED else None,
        )
    return None


def undecided(service: Service, others: Others) -> bool:
    """Whether it is meant to run, and a replica is neither done nor without hope."""
    return service.up and any(
        runner.state not in DONE and failure(service.name, runner, others) is None for runner in service.runners
    )


def failed(service: Service, others: Others) -> bool:
    """Whether a replica will not become ready, and not because it was stopped."""
    return service.state is not ServiceState.STOPPED and any(
        failure(service.name, runner, others) is not None for runner in service.runners
    )


def _hopeless(name: str, runner: Runner, others: Others) -> CommandError | None:
    """It waits for something that nobody will bring."""
    for need in runner.waiting.needs:
        state, coming = others.look(need)
        if state in FAILED or (not coming and state in (ServiceState.STOPPED, ServiceState.EXITED)):
            return CommandError(f"{name} waits for {need}, which is {state}", hint=f"start {need} first")
    return None
