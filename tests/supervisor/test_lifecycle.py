"""The table of states, walked."""

import pytest

from devgate.model.status import FAILED, RETURNING, ServiceState
from devgate.supervisor.lifecycle import TRANSITIONS, Trigger, UnknownTransitionError, after

S = ServiceState


def reachable(start: ServiceState) -> set[ServiceState]:
    found, pending = {start}, [start]
    while pending:
        here = pending.pop()
        for (state, _), new in TRANSITIONS.items():
            if state is here and new not in found:
                found.add(new)
                pending.append(new)
    return found


def test_every_state_is_reached_from_stopped() -> None:
    assert reachable(S.STOPPED) == set(S)


def test_no_state_is_a_dead_end() -> None:
    for state in S:
        assert S.READY in reachable(state), f"{state} can never become ready again"
        assert S.STOPPED in reachable(state), f"{state} can never be stopped"


def test_every_trigger_leads_somewhere() -> None:
    assert {trigger for _, trigger in TRANSITIONS} == set(Trigger)


def test_a_process_is_never_forgotten() -> None:
    """From a state with a process only its end, or a stop, leads to a state without one."""
    running = {S.STARTING, S.SLOW, S.READY, S.STOPPING}
    ends = {
        Trigger.EXITED,
        Trigger.COMPLETED,
        Trigger.FAILED,
        Trigger.GAVE_UP,
        Trigger.REFUSED,
        Trigger.STOPPED,
        Trigger.LOST,
    }
    # after a stop, a restart goes on with the next start at once
    again = {(S.STOPPING, Trigger.WANTED), (S.STOPPING, Trigger.REFUSED), (S.STOPPING, Trigger.COMPLETED)}
    for (state, trigger), new in TRANSITIONS.items():
        if state in running and new not in running:
            assert trigger in ends or (state, trigger) in again, (state, trigger)


def test_only_a_start_leads_out_of_what_is_settled() -> None:
    starts = {Trigger.WANTED, Trigger.SPAWNED, Trigger.REFUSED, Trigger.COMPLETED, Trigger.STOPPED, Trigger.FOUND}
    for state, trigger in TRANSITIONS:
        if state in FAILED | {S.EXITED, S.COMPLETED}:
            assert trigger in starts, (state, trigger)


def test_a_stop_is_possible_wherever_something_may_come_back() -> None:
    for state in RETURNING:
        assert (state, Trigger.STOPPED) in TRANSITIONS or (state, Trigger.STOPPING) in TRANSITIONS, state


def test_anything_else_is_a_bug() -> None:
    with pytest.raises(UnknownTransitionError, match="PASSED while stopped"):
        after(S.STOPPED, Trigger.PASSED)
