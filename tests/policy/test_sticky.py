"""Cookies and hashes that lead to a place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.sticky import Place, cookie_value, fraction, read, side, write


@pytest.mark.parametrize(
    ("cookies", "value"),
    [
        (b"", b""),
        (b"v=a.1", b"a.1"),
        (b"x=1; v=a.1; v=b.2", b"a.1"),
        (b'x;v = "a.1" ;', b"a.1"),
        (b"vv=a.1", b""),
        (b"v", b""),
    ],
)
def test_cookie_value(cookies: bytes, value: bytes):
    assert cookie_value(cookies, b"v") == value


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (b"a.1", Place("a", 1)),
        (b"a.b.0", Place("a.b", 0)),
        (b"c.1", None),
        (b"a", None),
        (b"a.", None),
        (b"a.-1", None),
        (b"a.99999", None),
        ("a.\u0661".encode(), None),
        (b"\xff.1", None),
        (b"", None),
    ],
)
def test_read(value: bytes, place: Place | None):
    assert read(value, ["a", "a.b"]) == place


def test_what_is_written_is_read_back():
    line = write(Place("a.b", 3), "v", 3600.0)
    assert line == b"v=a.b.3; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600"
    assert read(cookie_value(line.split(b";")[0], b"v"), ["a.b"]) == Place("a.b", 3)
    assert b"Max-Age" not in write(Place("a", 0), "v", None)


@given(st.binary(max_size=30))
def test_a_fraction_is_one_and_stays_the_same(value: bytes):
    assert 0 <= fraction(value) < 1
    assert fraction(value) == fraction(value)


def test_fractions_are_spread_as_the_shares_say():
    shares = {"a": 70.0, "b": 30.0, "c": 0.0}
    picked = [side(shares, fraction(str(number).encode())) for number in range(2000)]
    assert abs(picked.count("a") / 2000 - 0.7) < 0.05
    assert "c" not in picked


@given(st.floats(0, 1, exclude_max=True))
def test_every_draw_falls_on_a_side(draw: float):
    assert side({"a": 0.0, "b": 33.3, "c": 66.7}, draw) in ("b", "c")
