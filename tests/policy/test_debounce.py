from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.debounce import LONGEST, Debounce


def test_fires_once_after_things_were_quiet() -> None:
    debounce = Debounce(0.3)
    debounce.touch(10.0)
    debounce.touch(10.2)
    assert debounce.due == 10.5
    assert not debounce.take(10.4)
    assert debounce.take(10.5)
    assert not debounce.take(99.0)


def test_nothing_pending_is_never_due() -> None:
    debounce = Debounce(0.3)
    assert debounce.due is None
    assert not debounce.take(99.0)


def test_a_burst_without_end_is_cut() -> None:
    debounce = Debounce(1.0)
    now = 0.0
    while not debounce.take(now):
        debounce.touch(now)
        now += 0.5
    assert now == LONGEST


def test_the_next_event_begins_another_burst() -> None:
    debounce = Debounce(1.0)
    debounce.touch(0.0)
    assert debounce.take(1.0)
    debounce.touch(50.0)
    assert debounce.due == 51.0


@given(st.lists(st.floats(0, 5), min_size=1), st.floats(0.01, 3))
def test_never_fires_early_and_never_waits_for_ever(gaps: list[float], quiet_s: float) -> None:
    debounce = Debounce(quiet_s)
    now = 0.0
    for gap in gaps:
        debounce.touch(now)
        due = debounce.due
        assert due is not None
        assert now <= due <= now + quiet_s
        assert debounce.take(due) is True
        now = due + gap
