"""So many bytes a second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.pace import CATCH_UP_S, Pacer


@given(st.integers(100, 10_000_000), st.floats(0.001, 0.05))
def test_the_rate_is_kept_whatever_the_beat(rate: int, beat: float) -> None:
    pacer, now, sent = Pacer(rate, 0.0), 0.0, 0
    while now < 5.0:
        now += beat
        size = pacer.allowance(now)
        pacer.spend(size)
        sent += size
    assert sent == pytest.approx(rate * now, rel=0.02, abs=2)


def test_nothing_leaves_at_once() -> None:
    assert Pacer(1_000_000, 5.0).allowance(5.0) == 0


def test_a_pause_is_not_followed_by_a_flood() -> None:
    assert Pacer(1000, 0.0).allowance(3600.0) == 1000 * CATCH_UP_S


def test_the_slowest_line_still_moves() -> None:
    pacer = Pacer(1, 0.0)
    assert pacer.allowance(0.5) == 0
    assert pacer.allowance(1.1) == 1
