"""Marks come, grow, end and are forgotten."""

from devgate.policy.marks import FIRST_S, LONGEST_S, Marks


def test_a_mark_ends_by_itself():
    marks: Marks[str] = Marks()
    assert not marks
    marks.add("a", 1, 100.0)
    assert marks
    assert marks.out("a", 1, 100.0)
    assert not marks.out("b", 1, 100.0)
    assert marks.out("a", 1, 100.0 + FIRST_S - 0.1)
    assert not marks.out("a", 1, 100.0 + FIRST_S)


def test_many_at_the_same_shut_door_count_once():
    marks: Marks[str] = Marks()
    for at in range(10):
        marks.add("a", 1, 100.0 + at / 100)
    assert not marks.out("a", 1, 100.0 + FIRST_S)


def test_each_time_lasts_longer_up_to_a_limit():
    marks: Marks[str] = Marks()
    now, lasted = 100.0, []
    for _ in range(8):
        marks.add("a", 1, now)
        step = 0
        while marks.out("a", 1, now + step):
            step += 1
        lasted.append(float(step))
        now += step
    assert lasted[:4] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S]
    assert lasted[-1] == LONGEST_S


def test_who_is_started_again_is_not_marked():
    marks: Marks[str] = Marks()
    marks.add("a", 1, 100.0)
    assert not marks.out("a", 2, 100.0)
    assert not marks
    marks.add("a", 2, 100.0)
    assert marks.out("a", 2, 100.0)
