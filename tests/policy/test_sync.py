import pytest

from devgate.model.status import SyncState as S
from devgate.policy.sync import Change, Version, direction, matches, overall


def version(expected: str | None = "1.2.0") -> Version:
    return Version(expected, "exact", warning_s=10, critical_s=20)


def test_a_mismatch_grows_from_noticed_to_warning_to_critical() -> None:
    one = version()
    assert one.saw("1.1.0", 100) == Change(S.UNKNOWN, S.OUT_OF_SYNC)
    assert one.detail == "behind: 1.1.0 where 1.2.0 is expected"
    assert one.judge(109.9) is None
    assert one.judge(110) == Change(S.OUT_OF_SYNC, S.WARNING)
    assert one.judge(120) == Change(S.WARNING, S.CRITICAL)
    assert one.since_s(125) == 25
    assert one.saw("1.2.0", 126) == Change(S.CRITICAL, S.SYNCED)
    assert one.since_s(130) == 0


def test_another_wrong_version_does_not_start_the_time_anew_and_neither_does_a_restart() -> None:
    one = version()
    one.saw("1.0.0", 0)
    one.heard_nothing("refused", 5)
    one.saw("1.1.0", 8)
    assert one.judge(10) == Change(S.OUT_OF_SYNC, S.WARNING)


def test_another_expectation_does() -> None:
    one = version()
    one.saw("1.0.0", 0)
    assert one.judge(30) == Change(S.OUT_OF_SYNC, S.CRITICAL)
    assert one.expect("2.0.0", "exact", warning_s=10, critical_s=20, now=31) == Change(S.CRITICAL, S.OUT_OF_SYNC)
    assert one.expect("2.0.0", "exact", warning_s=1, critical_s=20, now=33) == Change(S.OUT_OF_SYNC, S.WARNING)
    assert one.expect("1.0.0", "exact", warning_s=1, critical_s=20, now=33) == Change(S.WARNING, S.SYNCED)


def test_silence_is_forgiven_for_a_while() -> None:
    one = version()
    one.saw("1.2.0", 0)
    assert one.heard_nothing("refused", 1) is None
    assert one.heard_nothing("refused", 2) is None
    assert one.heard_nothing("refused", 3) == Change(S.SYNCED, S.UNKNOWN)
    assert one.detail == "refused"
    assert version().heard_nothing("refused", 1) is None


def test_nothing_expected_is_nothing_known() -> None:
    one = version(None)
    assert one.saw("1.0.0", 0) is None
    assert one.state is S.UNKNOWN
    assert one.detail == "no version is expected"


@pytest.mark.parametrize(
    ("expected", "actual", "compare", "same"),
    [
        ("1.2.3", "1.2.3", "exact", True),
        ("v1.2.3", "1.2.3 ", "exact", True),
        ("1.2.3", "1.2.3+build", "exact", False),
        ("1.2.3", "1.2.9", "minor", True),
        ("1.2", "1.2.9", "minor", True),
        ("1.2.3", "1.3.3", "minor", False),
        ("1.2.3", "1.9.0-rc.1", "major", True),
        ("1.2.3", "2.0.0", "major", False),
        ("1.2.3", "banana", "minor", None),
        ("2024-01", "2024-01", "exact", True),
    ],
)
def test_versions_are_compared_as_far_as_asked(expected: str, actual: str, compare: str, same: bool | None) -> None:
    assert matches(expected, actual, compare) is same  # type: ignore[arg-type]


def test_a_number_that_is_no_number_any_more_is_not_compared() -> None:
    assert matches("1.2.3", "9" * 5000, "minor") is None


def test_what_cannot_be_compared_is_unknown_and_says_so() -> None:
    one = Version("1.2.3", "minor", warning_s=1, critical_s=2)
    assert one.saw("\x1b[31mbanana", 0) is None
    assert "cannot be compared" in one.detail


def test_of_several_replicas_the_odd_one_counts() -> None:
    assert version().telling(["1.2.0", "1.1.0", "1.0.0"]) == "1.1.0"
    assert version().telling(["v1.2.0", "1.2.0"]) == "v1.2.0"
    assert version(None).telling(["3", "4"]) == "3"


@pytest.mark.parametrize(
    "nonsense", ["9" * 5000, "1." + "9" * 5000, "\u0661.2.3", "1.2.3-" + "a." * 5000, "v" * 5000], ids=range(5)
)
def test_no_version_of_a_service_breaks_the_check(nonsense: str) -> None:
    for compare in ("exact", "minor", "major"):
        one = Version("1.2.3", compare, warning_s=1, critical_s=2)  # type: ignore[arg-type]
        one.saw(nonsense, 0)
        assert len(one.actual) <= 100
        assert len(one.detail) <= 300


def test_directions() -> None:
    assert direction("1.2.0", "1.10.0") == "ahead"
    assert direction("1.2.0", "1.1.9") == "behind"
    assert direction("1.2.0", "blue") == "different"
    assert direction("1.2.0", "1.2.0-rc.1") == "different"
    assert direction("1.2.1", "1.2.2") == "ahead"
    assert direction("1.2.2", "1.2.1") == "behind"
    assert direction("1", "1.0.0") == direction("1.2", "1.2.0") == "different"  # in how they are written alone
    assert direction("1", "1.0.1") == direction("1.2", "1.2.1") == direction("1", "1.1") == "ahead"


def test_the_whole_is_as_bad_as_its_worst_part() -> None:
    assert overall([]) is S.OFF
    assert overall([S.SYNCED, S.SYNCED]) is S.SYNCED
    assert overall([S.SYNCED, S.UNKNOWN, S.WARNING, S.OUT_OF_SYNC]) is S.WARNING
