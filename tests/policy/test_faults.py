"""Which faults are on, as profiles and operators come and go."""

import math

from devgate.model.fault import Fault
from devgate.policy.faults import FaultBoard

LATE = Fault(latency_s=1.0)
BROKEN = Fault(status=503)
ROUTES = ("a", "b", "c")


def test_a_profile_brings_faults_and_takes_them_away() -> None:
    board = FaultBoard()
    board.apply({"a": (LATE, None), "b": (BROKEN, 5.0)}, ROUTES, 100.0)
    assert {route: one.until for route, one in board.active.items()} == {"a": math.inf, "b": 105.0}
    assert board.due == 105.0
    board.apply({}, ROUTES, 101.0)
    assert not board.active
    assert board.due == math.inf


def test_taking_it_over_again_changes_nothing() -> None:
    board = FaultBoard()
    for now in (100.0, 103.0):
        board.apply({"a": (LATE, 5.0)}, ROUTES, now)
    assert board.active["a"].until == 105.0


def test_what_was_cleared_or_has_expired_stays_away_until_it_is_written_differently() -> None:
    board = FaultBoard()
    written = {"a": (LATE, None), "b": (BROKEN, 5.0)}
    board.apply(written, ROUTES, 100.0)
    assert board.clear("a") == ("a",)
    assert board.expire(105.0) == ("b",)
    board.apply(written, ROUTES, 106.0)
    assert not board.active
    board.apply({**written, "a": (BROKEN, None)}, ROUTES, 107.0)
    assert {route: one.fault for route, one in board.active.items()} == {"a": BROKEN}


def test_somebody_s_own_goes_first_and_survives_a_reload_but_not_its_route() -> None:
    board = FaultBoard()
    board.apply({"a": (LATE, None)}, ROUTES, 100.0)
    board.set("a", BROKEN, 10.0, 100.0)
    board.set("b", BROKEN, 20.0, 100.0)
    board.apply({"a": (BROKEN, None)}, ROUTES, 101.0)
    assert [(one.fault, one.source) for one in board.active.values()] == [(BROKEN, "operator")] * 2
    board.apply({"a": (BROKEN, None)}, ("a",), 101.0)
    assert list(board.active) == ["a"]
    assert board.expire(109.9) == ()
    assert board.expire(110.0) == ("a",)


def test_all_are_cleared_at_once() -> None:
    board = FaultBoard()
    board.set("a", LATE, 10.0, 0.0)
    board.set("b", LATE, 10.0, 0.0)
    assert set(board.clear()) == {"a", "b"}
    assert board.clear("a") == ()
