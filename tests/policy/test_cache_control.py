"""`Cache-Control`, well and badly written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.cache_control import LONGEST_S, directives, seconds


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([], {}),
        ([b""], {}),
        ([b"no-store"], {b"no-store": None}),
        ([b"Max-Age=5, PUBLIC"], {b"max-age": b"5", b"public": None}),
        ([b"max-age=5", b"no-cache"], {b"max-age": b"5", b"no-cache": None}),
        ([b"max-age=5, max-age=9"], {b"max-age": b"5"}),
        ([b'max-age="7"'], {b"max-age": b"7"}),
        ([b'private="set-cookie, no-store", max-age=3'], {b"private": b"set-cookie, no-store", b"max-age": b"3"}),
        ([b",, max-age = 5 ;x, ,no-store,"], {b"max-age": b"5", b"no-store": None}),
        ([b'ext="a\\"b,no-store", public'], {b"ext": b'a\\"b,no-store', b"public": None}),
    ],
)
def test_directives(values: list[bytes], found: dict[bytes, bytes | None]):
    assert directives(values) == found


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"", None), (b"max-age", 0), (b"max-age=x", 0), (b"max-age=-1", 0), (b"max-age=1.5", 0), (b"max-age=060", 60)]
    + [(b"max-age=" + b"9" * count, LONGEST_S) for count in (10, 12, 13, 5000)],
)
def test_seconds(value: bytes, expected: int | None):
    assert seconds(directives([value]), b"max-age") == expected


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_nothing_upsets_it(values: list[bytes]):
    found = directives(values)
    assert all(name == name.lower() and name for name in found)
    assert (seconds(found, b"max-age") or 0) >= 0


def test_long_nonsense_takes_no_time():
    assert list(directives([b'a="' + b"\\" * 100_000])) == [b"a"]
    assert len(directives([b"a," * 50_000 + b"b"])) == 2
