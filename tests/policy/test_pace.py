"""So many bytes a second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.pace import BEAT_S, CATCH_UP_S, ROOM_LIMIT, Pacer

KIB, MIB = 1024, 1024 * 1024


@given(st.integers(100, 10_000_000), st.floats(0.001, 0.05))
def test_the_rate_is_kept_whatever_the_beat(rate: int, beat: float) -> None:
    pacer, now, sent = Pacer(rate, 0.0), 0.0, 0
    while now < 5.0:
        now += beat
        size = pacer.allowance(now)
        pacer.spend(size)
        sent += size
    assert sent == pytest.approx(rate * now, rel=0.02, abs=2)


@pytest.mark.parametrize("rate", [64 * KIB, MIB, 10 * MIB, 50 * MIB])
@pytest.mark.parametrize("late_s", [0.0, 0.001, 0.015])
def test_a_mebibyte_takes_as_long_as_it_should(rate: int, late_s: float) -> None:
    """With timers that come late, and with no more waiting than there is room for: 64 KiB were too little for a fast line."""
    pacer, now, left = Pacer(rate, 0.0), 0.0, MIB
    while left:
        waiting = min(left, pacer.room)
        now += pacer.wait_s(waiting) + late_s
        size = min(pacer.allowance(now), waiting)
        pacer.spend(size)
        left -= size
    assert MIB / rate <= now <= MIB / rate + late_s + 0.001


def test_the_last_bytes_leave_in_time_and_the_others_with_a_beat() -> None:
    pacer = Pacer(1000, 0.0)
    assert pacer.wait_s(1) == 0.001
    assert pacer.wait_s(1000) == BEAT_S
    assert pacer.allowance(0.005) == 5
    assert pacer.wait_s(5) == 0


def test_room_is_bounded() -> None:
    assert Pacer(1, 0.0).room == 64 * KIB
    assert Pacer(10 * MIB, 0.0).room == MIB
    assert Pacer(10**12, 0.0).room == ROOM_LIMIT


def test_nothing_leaves_at_once() -> None:
    assert Pacer(1_000_000, 5.0).allowance(5.0) == 0


def test_a_pause_is_not_followed_by_a_flood() -> None:
    assert Pacer(1000, 0.0).allowance(3600.0) == 1000 * CATCH_UP_S


def test_the_slowest_line_still_moves() -> None:
    pacer = Pacer(1, 0.0)
    assert pacer.allowance(0.5) == 0
    assert pacer.allowance(1.1) == 1
