"""When the end of a service is the end of devgate."""

from __future__ import annotations

import pytest

from devgate.engine.verdict import Verdict, shell_code
from devgate.model.events import Event, Lagged, ProcessExited, ServiceChanged
from devgate.model.status import ServiceState


def changed(service: str, new: ServiceState) -> Event:
    return ServiceChanged(service, 0, ServiceState.READY, new, "", 1, 0.0)


def exited(service: str, code: int) -> Event:
    return ProcessExited(service, 0, 1, code, 1.0, "", 0.0)


def considered(verdict: Verdict, *events: Event) -> list[tuple[str, int]]:
    return [found for event in events if (found := verdict.consider(event)) is not None]


def test_by_default_nothing_ends_devgate() -> None:
    verdict = Verdict()
    assert not considered(verdict, exited("a", 1), *(changed("a", state) for state in ServiceState), Lagged(1))


@pytest.mark.parametrize("state", ServiceState)
def test_only_what_failed_for_good_counts_as_failed(state: ServiceState) -> None:
    found = considered(Verdict(on_fail=True), changed("a", state))
    assert found == ([(f"a {state.value}", 1)] if state in (ServiceState.CRASHED, ServiceState.BLOCKED) else [])


@pytest.mark.parametrize(
    ("code", "state", "expected"),
    [
        (0, ServiceState.EXITED, 0),
        (0, ServiceState.COMPLETED, 0),
        (3, ServiceState.BACKOFF, 3),
        (3, ServiceState.CRASHED, 3),
        (-9, ServiceState.BACKOFF, 137),
    ],
)
def test_the_watched_one_gives_its_code(code: int, state: ServiceState, expected: int) -> None:
    verdict = Verdict(watched="a")
    assert not considered(verdict, exited("b", 7), changed("b", ServiceState.CRASHED))
    assert considered(verdict, exited("a", code), changed("a", state)) == [(f"a {state.value}", expected)]


def test_the_watched_one_may_never_have_run() -> None:
    assert Verdict(watched="a").consider(changed("a", ServiceState.BLOCKED)) == ("a blocked", 4)


def test_a_restart_by_hand_is_no_end() -> None:
    verdict = Verdict(watched="a", on_fail=True)
    states = (ServiceState.STOPPING, ServiceState.STOPPED, ServiceState.STARTING, ServiceState.READY)
    assert not considered(verdict, *(changed("a", state) for state in states), exited("a", -15))


def test_codes_as_a_shell_has_them() -> None:
    assert [shell_code(code) for code in (0, 1, 255, -15)] == [0, 1, 255, 143]
