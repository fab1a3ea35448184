"""Pauses grow, stay under their limit, and vary no more than the jitter says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.model.service import BackoffSpec
from devgate.policy.backoff import pause

DEFAULT = BackoffSpec()
UNMOVED = 0.5  # the draw in the middle: no jitter


@pytest.mark.parametrize(("failures", "expected"), [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, 15.0), (7, 15.0)])
def test_doubles_up_to_the_longest(failures: int, expected: float) -> None:
    assert pause(DEFAULT, failures, UNMOVED) == pytest.approx(expected)


def test_jitter_goes_both_ways() -> None:
    assert pause(DEFAULT, 2, 0.0) == pytest.approx(0.9)
    assert pause(DEFAULT, 2, 0.999999) == pytest.approx(1.1, abs=1e-4)


@given(
    failures=st.integers(1, 10**9),
    draw=st.floats(0, 1, exclude_max=True),
    first=st.floats(0, 100),
    factor=st.floats(1, 100),
    longest=st.floats(0, 1000),
    jitter=st.floats(0, 1),
)
def test_is_never_negative_nor_above_the_longest(
    failures: int, draw: float, first: float, factor: float, longest: float, jitter: float
) -> None:
    spec = BackoffSpec(first=first, factor=factor, max=longest, jitter=jitter)
    assert 0 <= pause(spec, failures, draw) <= longest
