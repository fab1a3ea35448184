"""Marks come, grow, end and are forgotten."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.marks import FIRST_S, LONGEST_S, Marks


def test_many_at_the_same_shut_door_count_once():
    marks: Marks[str] = Marks()
    assert marks.add("a", 1, 100.0) == FIRST_S
    assert [marks.add("a", 1, 100.0 + at / 100) for at in range(10)] == [None] * 10
    assert marks.add("b", 1, 100.0) == FIRST_S


def test_each_time_lasts_longer_up_to_a_limit():
    marks: Marks[str] = Marks()
    now, lasted = 100.0, []
    for _ in range(2000):
        lasts_s = marks.add("a", 1, now)
        assert lasts_s is not None
        lasted.append(lasts_s)
        now += lasts_s
    assert lasted[:4] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S]
    assert set(lasted[4:]) == {LONGEST_S}


def test_who_is_started_again_is_not_marked():
    marks: Marks[str] = Marks()
    marks.add("a", 1, 100.0)
    assert marks.add("a", 2, 100.0) == FIRST_S


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 4))
def test_a_row_of_failures_is_too_many(answers: Sequence[bool], enough: int):
    marks: Marks[str] = Marks()
    row, marked = 0, False
    for ended, good in enumerate(answers, 1):
        row = 0 if good else row + 1
        if good:
            continue
        now = ended * LONGEST_S  # each mark has ended before the next
        marked = marks.fail("a", 1, ended, enough, now) is not None
        assert marked is (row >= enough)
        if marked:
            row = 0


@pytest.mark.parametrize("enough", [1, 3])
def test_a_row_does_not_outlive_its_run(enough: int):
    marks: Marks[str] = Marks()
    for ended in range(1, enough):
        assert marks.fail("a", 1, ended, enough, 0.0) is None
    lasts_s = marks.fail("a", 2, enough, enough, 0.0)
    assert (lasts_s is None) is (enough > 1)


def test_what_is_left_out_already_is_not_left_out_again():
    marks: Marks[str] = Marks()
    marks.add("a", 1, 0.0)
    assert marks.fail("a", 1, 1, 1, 0.5) is None
    assert marks.fail("a", 1, 2, 1, FIRST_S) == 2 * FIRST_S
