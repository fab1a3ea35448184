"""Whether waiting makes sense, without processes."""

from types import SimpleNamespace
from typing import Any

import pytest

from devgate.errors import Exit
from devgate.model.status import FAILED, ServiceState
from devgate.supervisor.prognosis import DONE, failed, failure, undecided
from devgate.supervisor.refusal import CannotStartError


class Others:
    """One other service."""

    def __init__(self, state: ServiceState, coming: bool) -> None:
        self.seen = state, coming

    def look(self, name: str) -> tuple[ServiceState, bool]:
        assert name == "db"
        return self.seen


NOBODY: Any = Others(ServiceState.READY, True)


def runner(
    state: ServiceState, *, up: bool = True, answered: int = 1, cause: str = "exit 1", refusal: Any = None
) -> Any:
    return SimpleNamespace(
        state=state,
        wish=SimpleNamespace(up=up, answered=answered),
        waiting=SimpleNamespace(needs=("db",)),
        cause=cause,
        refusal=refusal,
    )


def service(*runners: Any, up: bool = True, state: ServiceState = ServiceState.STARTING) -> Any:
    return SimpleNamespace(name="api", up=up, state=state, runners=runners)


@pytest.mark.parametrize("state", sorted(set(ServiceState) - FAILED - {ServiceState.WAITING}))
def test_what_is_wanted_and_has_not_failed_may_become_ready(state: ServiceState) -> None:
    assert failure("api", runner(state), NOBODY) is None


def test_what_has_failed_says_why_without_secrets() -> None:
    said = failure("api", runner(ServiceState.CRASHED, cause="token=abcdefghijklmnopqrst"), NOBODY)
    assert said is not None
    assert said.message.startswith("api is crashed: token=***")
    assert (said.code, said.hint) == ("service-failed", "see `devgate logs api`")


def test_what_cannot_be_started_says_what_to_do() -> None:
    refusal = CannotStartError("no such program", hint="install it", code="command-not-found")
    said = failure("api", runner(ServiceState.BLOCKED, refusal=refusal), NOBODY)
    assert said is not None
    assert (said.code, said.hint, said.exit_code) == ("command-not-found", "install it", Exit.SERVICE_BLOCKED)


def test_a_failure_before_the_wish_says_nothing() -> None:
    assert failure("api", runner(ServiceState.CRASHED, answered=1), NOBODY, ticket=2) is None


def test_a_wish_that_was_taken_back() -> None:
    said = failure("api", runner(ServiceState.READY, up=False, answered=1), NOBODY, ticket=2)
    assert said is not None
    assert said.code == "superseded"


@pytest.mark.parametrize(
    ("state", "coming", "hopeless"),
    [
        (ServiceState.CRASHED, True, True),
        (ServiceState.BLOCKED, False, True),
        (ServiceState.STOPPED, False, True),
        (ServiceState.EXITED, False, True),
        (ServiceState.STOPPED, True, False),
        (ServiceState.STARTING, True, False),
        (ServiceState.BACKOFF, True, False),
    ],
)
def test_what_waits_for_something_that_nobody_brings(state: ServiceState, coming: bool, hopeless: bool) -> None:
    others: Any = Others(state, coming)
    said = failure("api", runner(ServiceState.WAITING), others)
    assert (said is not None) == hopeless
    if said is not None:
        assert said.message == f"api waits for db, which is {state}"
        assert said.hint == "start db first"


@pytest.mark.parametrize("state", sorted(DONE))
def test_who_is_done_decides_nothing_any_more(state: ServiceState) -> None:
    assert not undecided(service(runner(state)), NOBODY)
    assert undecided(service(runner(state), runner(ServiceState.STARTING)), NOBODY)


def test_who_has_failed_or_is_not_wanted_is_not_waited_for() -> None:
    assert not undecided(service(runner(ServiceState.CRASHED)), NOBODY)
    assert not undecided(service(runner(ServiceState.STARTING), up=False), NOBODY)


def test_one_that_was_stopped_has_not_failed() -> None:
    stopped = runner(ServiceState.STOPPED, up=False)
    assert not failed(service(stopped, up=False, state=ServiceState.STOPPED), NOBODY)
    assert failed(service(runner(ServiceState.READY), runner(ServiceState.CRASHED)), NOBODY)
