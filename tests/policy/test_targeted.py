"""What is told to caches like ours, and to caches in general."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.targeted import told


def of(*targeted: bytes, general: bytes = b"max-age=1, no-store") -> dict[bytes, bytes | None] | None:
    """The directives of `CDN-Cache-Control`; None where it was ignored."""
    found = told([(b"Cache-Control", general), *((b"CDN-Cache-Control", value) for value in targeted)])
    if not found.targeted:
        assert found.directives == told([(b"cache-control", general)]).directives
        return None
    return dict(found.directives)


@pytest.mark.parametrize(
    ("field", "directives"),
    [
        (b"max-age=60", {b"max-age": b"60"}),
        (b"  max-age=60 ,\tprivate  ", {b"max-age": b"60", b"private": None}),
        (b"max-age=60;x=1; y, no-store;z", {b"max-age": b"60", b"no-store": None}),
        (b"max-age=30, max-age=60", {b"max-age": b"60"}),
        (b"max-age=60, max-age", {}),
        (b'no-cache="a, b", public', {b"no-cache": b'"a, b"', b"public": None}),
        (b"none", {b"none": None}),
        (b"no-store=?0, private=?1", {b"private": b"?1"}),
        (b'max-age="60"', {}),
        (b"max-age=6.0, stale-if-error=x, public", {b"public": None}),
        (b"max-age=-1", {b"max-age": b"-1"}),
        (b"x=:aGk=:, y=tok/en, max-age=1", {b"x": b":aGk=:", b"y": b"tok/en", b"max-age": b"1"}),
    ],
)
def test_what_it_says_counts_alone(field: bytes, directives: dict[bytes, bytes | None]):
    assert of(field) == directives


@pytest.mark.parametrize(
    "field",
    [
        b"",
        b"   ",
        b"max-age=60,",
        b"max-age=60, &&&",
        b"Max-Age=60",
        b"max-age =60",
        b"max-age= 60",
        b"max-age=60 private",
        b"max-age=1234567890123456",
        b'x="a',
        b'x="\xff"',
        b"x=(a b)",
        b"x=?2",
        b"x;",
        b",max-age=1",
    ],
)
def test_what_does_not_parse_is_not_there(field: bytes):
    assert of(field) is None


def test_several_lines_are_one():
    assert of(b"max-age=1", b"private") == {b"max-age": b"1", b"private": None}
    assert of(b"max-age=1", b"&") is None


@given(st.binary(max_size=64))
def test_no_bytes_upset_it(field: bytes):
    of(field)


@given(st.sampled_from([b"a;", b"a,", b'"', b"\\", b"; a=", b":", b"=", b"1."]), st.integers(1, 3_000))
def test_long_nonsense_takes_no_time(piece: bytes, times: int):
    of(b"a=" + piece * times)
