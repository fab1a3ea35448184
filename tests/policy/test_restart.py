"""What follows the end of a service, with a clock that is a number."""

import signal

import pytest

from devgate.model.service import ServiceSpec
from devgate.model.status import ServiceState
from devgate.policy.restart import Again, RestartPolicy, Settled, Verdict, age_text, end_text

EXITED, COMPLETED, CRASHED, BLOCKED = (
    ServiceState.EXITED,
    ServiceState.COMPLETED,
    ServiceState.CRASHED,
    ServiceState.BLOCKED,
)


def spec(**fields: object) -> ServiceSpec:
    return ServiceSpec.model_validate({"command": "x", "backoff": {"jitter": 0}} | fields)


def end(
    policy: RestartPolicy,
    subject: ServiceSpec,
    code: int = 1,
    *,
    now: float = 0.0,
    uptime: float = 0.2,
    ready: float = 0.0,
) -> Verdict:
    return policy.ended(subject, code, now=now, uptime_s=uptime, ready_s=ready, was_ready=ready > 0, draw=0.5)


def once(code: int, *, ready: float = 0.0, **fields: object) -> Verdict:
    return end(RestartPolicy(), spec(**fields), code, ready=ready)


def state(verdict: Verdict) -> ServiceState | None:
    return verdict.state if isinstance(verdict, Settled) else None


def test_a_task_that_ends_well_is_completed() -> None:
    assert state(once(0, kind="task")) is COMPLETED
    assert state(once(0, kind="task", restart="always")) is COMPLETED


def test_a_service_that_ends_well_has_exited() -> None:
    assert state(once(0)) is EXITED
    assert state(once(3, success_exit=[0, 3])) is EXITED


def test_always_means_after_a_good_end_too() -> None:
    assert isinstance(once(0, restart="always"), Again)


def test_a_failure_is_tried_again() -> None:
    assert once(1) == Again(0.5, "exit 1 after 0.2 s")
    assert isinstance(once(0, success_exit=[3]), Again)
    assert isinstance(once(-11), Again)
    assert isinstance(once(1, kind="task"), Again)


def test_no_means_no() -> None:
    assert once(1, restart="no") == Settled(CRASHED, "exit 1 after 0.2 s")


@pytest.mark.parametrize("code", [126, 127])
def test_a_command_that_cannot_be_run_is_not_tried_again(code: int) -> None:
    assert state(once(code)) is BLOCKED
    # but a service that was ready has been running, whatever its code means to it
    assert isinstance(once(code, ready=1.0), Again)


def test_pauses_grow_and_then_it_gives_up() -> None:
    policy, subject = RestartPolicy(), spec()
    verdicts = [end(policy, subject, now=at) for at in (0, 2, 4, 8, 16)]
    assert [verdict.after_s for verdict in verdicts[:4] if isinstance(verdict, Again)] == [0.5, 1.0, 2.0, 4.0]
    assert verdicts[4] == Settled(CRASHED, "exit 1 after 0.2 s, 5th in 1m: gave up")


def test_old_failures_are_not_counted_but_pauses_stay_long() -> None:
    policy, subject = RestartPolicy(), spec()
    for at in (0, 20, 40, 61):
        verdict = end(policy, subject, now=at)
    assert verdict == Again(4.0, "exit 1 after 0.2 s, 3rd in 1m")


def test_ten_seconds_of_being_ready_forgive_everything() -> None:
    policy, subject = RestartPolicy(), spec()
    for at in (0, 2, 4, 8):
        end(policy, subject, now=at)
    assert end(policy, subject, now=20, ready=10.0) == Again(0.5, "exit 1 after 0.2 s")


def test_less_than_that_forgives_nothing() -> None:
    policy, subject = RestartPolicy(), spec()
    for at in (0, 2, 4, 8):
        end(policy, subject, now=at)
    assert state(end(policy, subject, now=20, ready=9.9)) is CRASHED


def test_a_person_forgives_everything() -> None:
    policy, subject = RestartPolicy(), spec()
    for at in (0, 2, 4, 8):
        end(policy, subject, now=at)
    policy.rearm()
    assert end(policy, subject, now=9) == Again(0.5, "exit 1 after 0.2 s")


def test_a_year_of_crashing_takes_no_memory() -> None:
    policy, subject = RestartPolicy(), spec(give_up={"failures": 10_000, "window": "365d"})
    for at in range(5_000):
        assert isinstance(end(policy, subject, now=at), Again)
    assert len(policy._failures) == 1000


def test_the_failures_are_counted_in_words() -> None:
    policy, subject = RestartPolicy(), spec(give_up={"failures": 1000, "window": "10m"})
    causes = []
    for _ in range(113):
        verdict = policy.failed(subject, "exit 1", now=0.0, ready_s=0.0, draw=0.0)
        assert isinstance(verdict, Again)
        causes.append(verdict.cause)
    assert causes[0] == "exit 1"
    assert causes[1] == "exit 1, 2nd in 10m"
    said = {
        number: causes[number - 1].split()[2] for number in (3, 4, 10, 11, 12, 13, 20, 21, 22, 23, 24, 101, 111, 113)
    }
    assert list(said.values()) == (
        [
            "3rd",
            "4th",
            "10th",
            "11th",
            "12th",
            "13th",
            "20th",
            "21st",
            "22nd",
            "23rd",
            "24th",
            "101st",
            "111th",
            "113th",
        ]
    )


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "exit 0"),
        (3, "exit 3"),
        (-9, "killed by SIGKILL"),
        (-62, "killed by signal 62"),
        *((-number, f"killed by {number.name}") for number in (signal.SIGBUS, signal.SIGUSR1, signal.SIGSYS)),
    ],
)
def test_names_the_end(code: int, text: str) -> None:
    assert end_text(code) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.31, "0.3 s"),
        (9.9, "9.9 s"),
        (10, "10 s"),
        (12.4, "12 s"),
        (119, "119 s"),
        (120, "2 min"),
        (600, "10 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (90_000, "25 h"),
    ],
)
def test_ages_are_short(seconds: float, text: str) -> None:
    assert age_text(seconds) == text
