"""The breaker against SEMANTICS 3.1, with a clock that is a number."""

from collections.abc import Iterable
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.model.service import BreakerSpec
from devgate.model.status import BreakerState, Forced
from devgate.policy.breaker import CAUSES_KEPT, Admission, Breaker, Change, Outcome
from devgate.policy.transitions import TRANSITIONS, Trigger

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
SUCCESS, FAILURE, TIMEOUT, ALIVE, IGNORED = Outcome


def breaker(**fields: object) -> Breaker:
    """Opens after 3 failures for 10 s; 2 good probes close it."""
    return Breaker(BreakerSpec.model_validate({"failures": 3, "open": "10s", "success": 2} | fields))


def send(subject: Breaker, outcome: Outcome, now: float, cause: str = "status 500") -> Change | None:
    admission = subject.admit(now)
    assert admission.admitted
    return subject.record(admission, outcome, now, cause)


def opened(now: float = 0.0, **fields: object) -> Breaker:
    subject = breaker(**fields)
    for _ in range(3):
        send(subject, FAILURE, now)
    assert subject.state is OPEN
    return subject


def half_open(**fields: object) -> tuple[Breaker, Admission]:
    """At 10 s, with one probe out."""
    subject = opened(**fields)
    probe = subject.admit(10.0)
    assert probe.admitted
    assert subject.state is HALF_OPEN
    return subject, probe


# closed


def test_opens_at_the_threshold_and_says_why():
    subject = breaker()
    assert send(subject, FAILURE, 1.0) is None
    assert send(subject, FAILURE, 1.0) is None
    assert send(subject, TIMEOUT, 1.5, "no answer for 30 s") == Change(
        CLOSED, OPEN, "3 failures in a row, last: no answer for 30 s"
    )
    assert subject.stats(1.5).since == 1.5
    assert subject.stats(1.5).opened == 1


def test_a_success_forgets_all_failures():
    subject = breaker()
    for outcome in (FAILURE, FAILURE, SUCCESS, FAILURE, FAILURE):
        assert send(subject, outcome, 1.0) is None
    assert subject.stats(1.0).failures == 2


def test_a_4xx_neither_adds_nor_forgets():
    subject = breaker()
    for outcome in (FAILURE, FAILURE, ALIVE, IGNORED):
        assert send(subject, outcome, 1.0) is None
    assert subject.stats(1.0).failures == 2
    assert send(subject, FAILURE, 1.0) is not None


@pytest.mark.parametrize(
    ("decay", "at", "left"),
    [(None, 9.9, 2), (None, 10.0, 1), (None, 20.0, 0), (None, 1e6, 0), ("2s", 2.0, 1), ("2s", 3.9, 1)],
)
def test_one_failure_is_forgotten_per_decay(decay: str | None, at: float, left: int):
    subject = breaker(decay=decay, failures=9)
    send(subject, FAILURE, 0.0)
    send(subject, FAILURE, 0.0)
    assert subject.stats(at).failures == left
    send(subject, FAILURE, at)
    assert subject.stats(at).failures == left + 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, SUCCESS), (101, SUCCESS), (304, SUCCESS), (501, SUCCESS)]
    + [(status, ALIVE) for status in (400, 401, 404, 429, 499)]
    + [(status, FAILURE) for status in (500, 502, 503, 504)],
)
def test_what_a_status_says(status: int, outcome: Outcome):
    assert breaker().judge(status) is outcome


def test_which_statuses_fail_is_configurable():
    subject = breaker(statuses=[429, 501])
    assert [subject.judge(status) for status in (429, 501, 500)] == [FAILURE, FAILURE, SUCCESS]


# open


def test_open_refuses_and_says_how_long():
    subject = opened()
    refused = subject.admit(3.5)
    assert not refused.admitted
    assert refused.retry_after_s == 6.5
    assert subject.stats(3.5).probe_in_s == 6.5
    assert subject.stats(3.5).totals.rejected == 1


def test_repeated_openings_double_the_pause_up_to_five_times_and_closing_forgets_it():
    subject = opened()
    now, pauses = 0.0, []
    for _ in range(5):
        pause = subject.stats(now).probe_in_s
        pauses.append(pause)
        assert not subject.admit(now + pause - 0.01).admitted
        now += pause
        assert send(subject, FAILURE, now) == Change(HALF_OPEN, OPEN, "probe failed: status 500")
    assert pauses == [10, 20, 40, 50, 50]
    now += 50
    send(subject, SUCCESS, now)
    assert send(subject, SUCCESS, now) == Change(HALF_OPEN, CLOSED, "2 good probes")
    for _ in range(3):
        send(subject, FAILURE, now)
    assert subject.stats(now).probe_in_s == 10


def test_the_end_of_the_pause_is_a_change():
    subject = opened()
    assert subject.admit(10.0).change == Change(OPEN, HALF_OPEN, "pause over")


# half open


def test_one_probe_at_a_time():
    subject, probe = half_open()
    other = subject.admit(10.1)
    assert not other.admitted
    assert other.retry_after_s == 1.0
    subject.record(probe, SUCCESS, 10.2)
    assert subject.admit(10.3).admitted


def test_more_probes_where_asked_for():
    subject, _ = half_open(half_open_max=3)
    assert [subject.admit(10.0).admitted for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("outcome", Outcome)
def test_a_slot_is_free_again_whatever_the_outcome(outcome: Outcome):
    subject, probe = half_open(success=5)
    subject.record(probe, outcome, 10.5)
    assert subject.admit(10.5 + 40).admitted


def test_a_probe_whose_client_left_moves_nothing():
    subject, probe = half_open()
    assert subject.record(probe, IGNORED, 10.5) is None
    assert subject.state is HALF_OPEN


def test_a_stale_slot_is_freed_and_its_late_outcome_moves_nothing():
    subject, lost_probe = half_open()
    assert not subject.admit(19.9).admitted
    probe = subject.admit(20.0)
    assert probe.admitted
    assert subject.record(lost_probe, FAILURE, 20.1) is None
    assert not subject.admit(20.2).admitted  # the late one has not given back the other's slot
    subject.record(probe, SUCCESS, 20.3)
    assert subject.state is HALF_OPEN


def test_a_4xx_is_alive_for_a_probe():
    subject, probe = half_open()
    subject.record(probe, ALIVE, 10.1)
    assert send(subject, ALIVE, 10.2) == Change(HALF_OPEN, CLOSED, "2 good probes")


def test_one_good_probe_is_enough_where_asked_for():
    subject, probe = half_open(success=1)
    assert subject.record(probe, SUCCESS, 10.1) == Change(HALF_OPEN, CLOSED, "1 good probe")


@pytest.mark.parametrize("outcome", [SUCCESS, FAILURE, TIMEOUT])
def test_a_request_of_an_earlier_phase_is_counted_and_moves_nothing(outcome: Outcome):
    subject = breaker()
    slow = subject.admit(0.0)
    for _ in range(3):
        send(subject, FAILURE, 0.0)
    probe = subject.admit(10.0)
    before = subject.stats(10.0).totals
    assert subject.record(slow, outcome, 10.1) is None
    assert subject.state is HALF_OPEN
    after = subject.stats(10.1).totals
    assert (after.success - before.success) + (after.failure - before.failure) == 1
    assert subject.record(probe, FAILURE, 10.2) is not None


# the service's life


def test_lost_opens_at_once():
    assert breaker().lost(1.0, "crashed, exit 1") == Change(CLOSED, OPEN, "crashed, exit 1")


def test_returned_probes_at_once():
    subject = opened()
    assert subject.returned(2.0, "ready again") == Change(OPEN, HALF_OPEN, "ready again")
    assert subject.admit(2.0).admitted


def test_returned_leaves_a_closed_breaker_closed_with_a_clean_record():
    subject = breaker()
    send(subject, FAILURE, 0.0)
    assert subject.returned(1.0, "ready again") is None
    assert subject.state is CLOSED
    assert subject.stats(1.0).failures == 0


def test_returned_frees_the_slots_of_probes_to_the_run_before():
    subject, probe = half_open()
    subject.returned(10.5, "ready again")
    assert subject.admit(10.6).admitted
    assert subject.record(probe, FAILURE, 10.7) is None


# by hand


def test_reset_closes():
    subject = opened()
    assert subject.reset(1.0, "by hand") == Change(OPEN, CLOSED, "by hand")
    assert subject.admit(1.0).admitted
    assert breaker().reset(1.0, "by hand") is None


def test_forced_closed_never_opens():
    subject = breaker()
    subject.force(Forced.CLOSED, 0.0, "by hand")
    for _ in range(10):
        send(subject, FAILURE, 0.0)
    assert subject.state is CLOSED
    assert subject.stats(0.0).totals.failure == 10


def test_forced_open_refuses_until_reset():
    subject = breaker()
    subject.force(Forced.OPEN, 0.0, "by hand")
    assert not subject.admit(1e6).admitted
    subject.reset(1e6, "by hand")
    assert subject.admit(1e6).admitted


def test_disabled_counts_nothing():
    subject = breaker(enabled=False)
    for _ in range(10):
        send(subject, FAILURE, 0.0)
    stats = subject.stats(0.0)
    assert (stats.state, stats.forced, stats.totals.failure) == (CLOSED, Forced.DISABLED, 0)
    subject.reset(0.0, "by hand")
    assert subject.forced is Forced.DISABLED


def test_metrics_only_moves_and_refuses_nothing():
    subject = breaker()
    subject.force(Forced.METRICS_ONLY, 0.0, "by hand")
    for _ in range(5):
        send(subject, FAILURE, 0.0)
    assert subject.state is OPEN
    assert subject.stats(0.0).totals.rejected == 0
    probe = subject.admit(10.0)
    assert subject.state is HALF_OPEN
    assert subject.admit(10.0).admitted
    subject.record(probe, SUCCESS, 10.0)
    send(subject, SUCCESS, 10.0)
    assert subject.state is CLOSED


OVERRULED = {Forced.OPEN: OPEN, Forced.CLOSED: CLOSED, Forced.DISABLED: CLOSED}


@pytest.mark.parametrize("forced", Forced)
def test_what_requests_meet_is_what_is_told(forced: Forced):
    for subject in (breaker(), opened()):
        before = subject.state
        after = OVERRULED.get(forced, before)
        change = subject.force(forced, 2.0, "by hand")
        stats = subject.stats(2.0)
        assert (stats.state, stats.forced, stats.by_hand) == (after, forced, True)
        assert change == (None if before is after else Change(before, after, "by hand"))
        assert (stats.since, stats.why) == (2.0, "by hand") if change else stats.since == 0.0
        admission = subject.admit(2.0)
        assert admission.admitted is (forced is not Forced.OPEN)
        assert (
            stats.probe_in_s == (8.0 if before is OPEN and forced is Forced.METRICS_ONLY else 0.0)
            or forced is Forced.OPEN
        )
        assert subject.reset(3.0, "reset") == (None if after is CLOSED else Change(after, CLOSED, "reset"))
        assert not subject.stats(3.0).by_hand


@pytest.mark.parametrize("forced", [Forced.CLOSED, Forced.DISABLED, Forced.OPEN])
def test_what_is_overruled_happens_unheard(forced: Forced):
    subject = breaker()
    subject.force(forced, 0.0, "by hand")
    assert subject.lost(1.0, "crashed") is None
    assert subject.stats(1.0).state is OVERRULED[forced]
    assert subject.returned(2.0, "ready again") is None


def test_what_the_profile_says_is_nobodys_hand():
    subject = breaker(enabled=False)
    assert not subject.stats(0.0).by_hand
    subject.force(Forced.OPEN, 0.0, "by hand")
    assert subject.stats(0.0).by_hand
    assert subject.reset(1.0, "reset") == Change(OPEN, CLOSED, "reset")
    assert (subject.stats(1.0).forced, subject.stats(1.0).by_hand) == (Forced.DISABLED, False)


# by rate


def by_rate(**fields: object) -> Breaker:
    """Opens where half of at least 4 calls within 10 s have failed."""
    return breaker(mode="rate", window="10s", min_calls=4, ratio=0.5, **fields)


def test_opens_at_the_rate_and_says_why():
    subject = by_rate()
    for outcome in (FAILURE, SUCCESS, ALIVE, IGNORED, SUCCESS):
        assert send(subject, outcome, 1.0) is None
    assert subject.stats(1.0).counted == "1 of 3 failed in the last 10 s"
    assert send(subject, TIMEOUT, 2.0, "no answer for 30 s") == Change(
        CLOSED, OPEN, "2 of 4 failed in the last 10 s, last: no answer for 30 s"
    )
    assert subject.stats(3.0).why == "2 of 4 failed in the last 10 s, last: no answer for 30 s"
    assert whats(subject, 100.0) == ["status 500", "no answer for 30 s"]


def test_by_rate_it_is_probed_and_closes_as_ever_and_begins_anew():
    subject = by_rate()
    for _ in range(4):
        send(subject, FAILURE, 0.0)
    assert not subject.admit(9.9).admitted
    send(subject, SUCCESS, 10.0)
    assert send(subject, SUCCESS, 10.0) == Change(HALF_OPEN, CLOSED, "2 good probes")
    assert subject.stats(10.0).failures == 0
    assert send(subject, FAILURE, 10.1) is None


def test_by_rate_causes_leave_with_the_window():
    subject = by_rate()
    for second in range(3):
        send(subject, FAILURE, float(second), f"{second}")
    assert whats(subject, 9.0) == ["0", "1", "2"]
    assert whats(subject, 11.0) == ["2"]


def test_by_rate_a_good_answer_is_recorded_with_its_time():
    subject = by_rate()
    admission = subject.passing
    assert admission is not None
    assert not subject.acquits(admission, 200)


@pytest.mark.parametrize("forced", [None, *Forced])
def test_what_passes_without_asking_is_what_admit_would_give(forced: Forced | None):
    for subject in (breaker(), opened()):
        if forced is not None:
            subject.force(forced, 0.0, "by hand")
        if subject.passing is not None:
            assert subject.admit(1.0) is subject.passing
        else:
            assert forced in (None, Forced.OPEN, Forced.METRICS_ONLY)


@pytest.mark.parametrize("forced", [None, *Forced])
@pytest.mark.parametrize("status", [200, 204, 304, 399, 400, 404, 429, 499, 500, 502, 503, 599])
def test_an_acquittal_is_what_judging_and_recording_would_be(forced: Forced | None, status: int):
    one, other = breaker(statuses=[204, 502]), breaker(statuses=[204, 502])
    for subject in (one, other):
        send(subject, FAILURE, 0.0)
        if forced is not None:
            subject.force(forced, 0.0, "by hand")
    admission = one.passing
    if admission is not None and one.acquits(admission, status):
        other.record(other.admit(1.0), other.judge(status), 1.0)
    assert one.stats(1.0) == other.stats(1.0)


def test_an_admission_of_an_earlier_phase_acquits_nobody():
    subject = breaker()
    early = subject.admit(0.0)
    subject.lost(0.0, "crashed")
    assert not subject.acquits(early, 200)
    subject.reset(0.0, "by hand")
    assert not subject.acquits(early, 200)


def test_stats_keep_the_last_causes_and_the_last_of_all():
    subject = breaker(failures=100)
    for number in range(CAUSES_KEPT + 2):
        subject.record(subject.admit(0.0), FAILURE, float(number), f"cause {number}", f"id {number}")
    stats = subject.stats(11.0)
    assert len(stats.causes) == CAUSES_KEPT
    assert stats.causes[-1] is stats.last
    assert stats.last is not None
    assert (stats.last.what, stats.last.request_id, stats.last.at) == ("cause 11", "id 11", 11.0)
    send(subject, SUCCESS, 12.0)
    assert (subject.stats(12.0).causes, subject.stats(12.0).last) == ((), stats.last)


def whats(subject: Breaker, now: float) -> list[str]:
    return [cause.what for cause in subject.stats(now).causes]


def test_what_opened_it_is_told_until_it_has_closed_and_every_failed_probe():
    subject = breaker()
    send(subject, FAILURE, 0.0, "long forgotten")
    send(subject, SUCCESS, 0.0)
    assert whats(subject, 0.0) == []
    send(subject, FAILURE, 1.0, "one")
    send(subject, ALIVE, 1.0)
    send(subject, TIMEOUT, 2.0, "two")
    assert whats(subject, 2.0) == ["one", "two"]
    late = subject.admit(2.5)
    send(subject, FAILURE, 3.0, "three")
    assert subject.state is OPEN
    subject.record(late, FAILURE, 4.0, "of an earlier phase")
    assert whats(subject, 4.0) == ["one", "two", "three"]
    send(subject, FAILURE, 13.0, "probe")
    assert whats(subject, 13.0) == ["one", "two", "three", "probe"]
    subject.lost(14.0, "crashed")
    assert whats(subject, 14.0) == ["one", "two", "three", "probe", "crashed"]
    subject.reset(15.0, "by hand")
    assert whats(subject, 15.0) == []
    subject.lost(16.0, "crashed again")
    assert whats(subject, 16.0) == ["crashed again"]


def test_time_forgets_what_it_has_counted():
    subject = breaker(failures=5, decay="10s")
    for number in range(3):
        send(subject, FAILURE, float(number), f"{number}")
    assert whats(subject, 2.0) == ["0", "1", "2"]
    assert whats(subject, 13.0) == ["1", "2"]
    send(subject, FAILURE, 13.0, "3")
    assert whats(subject, 13.0) == ["1", "2", "3"]


def test_totals_count_timeouts_as_failures_too():
    subject = breaker(failures=100)
    for outcome in Outcome:
        send(subject, outcome, 0.0)
    totals = subject.stats(0.0).totals
    assert (totals.success, totals.failure, totals.timeout, totals.ignored) == (1, 2, 1, 2)


# the table


def reached_from(start: BreakerState) -> set[BreakerState]:
    seen, queue = {start}, [start]
    while queue:
        state = queue.pop()
        following = {new for (old, _), new in TRANSITIONS.items() if old is state} - seen
        seen |= following
        queue += following
    return seen


@pytest.mark.parametrize("state", BreakerState)
def test_every_state_is_reached_from_every_state(state: BreakerState):
    assert reached_from(state) == set(BreakerState)


@pytest.mark.parametrize("trigger", [Trigger.LOST, Trigger.RETURNED, Trigger.RESET])
def test_what_comes_from_outside_is_defined_in_every_state(trigger: Trigger):
    assert {old for old, name in TRANSITIONS if name is trigger} == set(BreakerState)


Step = tuple[str, float, int]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["admit", "lost", "returned", "reset", *(outcome.name for outcome in Outcome)]),
            st.floats(0, 15),
            st.integers(0, 5),
        ),
        max_size=60,
    )
)
def test_any_history_keeps_the_promises(steps: Iterable[Step]):
    subject = breaker(half_open_max=2)
    now, out = 0.0, []
    for what, pause, index in steps:
        now += pause
        before = subject.state
        change = None
        if what == "admit":
            admission = subject.admit(now)
            change = admission.change
            if admission.admitted:
                out.append(admission)
            else:
                assert admission.retry_after_s > 0
        elif what in Outcome.__members__:
            if out:
                change = subject.record(out.pop(index % len(out)), Outcome[what], now)
        else:
            change = getattr(subject, what)(now, "")
        assert (change is not None) == (before is not subject.state)
        if change is not None:
            assert (change.old, change.new) == (before, subject.state)
        stats = subject.stats(now)
        assert 0 <= stats.probe_in_s <= 50
        assert 0 <= stats.failures < 3
        assert min(astuple(stats.totals)) >= 0
        if subject.state is HALF_OPEN:  # never closed to probes for ever
            probe = subject.admit(now + 10)
            assert probe.admitted
            subject.record(probe, IGNORED, now + 10)
            now += 10
