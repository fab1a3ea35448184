"""If-None-Match and If-Modified-Since against what is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.preconditions import not_modified

OLD = b"Mon, 01 Jan 2024 00:00:00 GMT"
NEW = b"Tue, 02 Jan 2024 00:00:00 GMT"


@pytest.mark.parametrize(
    ("none_match", "since", "etag", "modified", "has_it"),
    [
        (b"", b"", b'"a"', OLD, False),
        (b'"a"', b"", b'"a"', b"", True),
        (b'"b", "a"', b"", b'"a"', b"", True),
        (b'W/"a"', b"", b'"a"', b"", True),
        (b'"a"', b"", b'W/"a"', b"", True),
        (b'"b"', NEW, b'"a"', OLD, False),  # the date has no say beside a tag
        (b"*", b"", b"", b"", True),
        (b'"a,b"', b"", b'"a,b"', b"", True),
        (b'"a"', b"", b"", OLD, False),
        (b'"a', b"", b'"a"', b"", False),
        (b"", OLD, b"", OLD, True),
        (b"", NEW, b"", OLD, True),
        (b"", OLD, b"", NEW, False),
        (b"", b"Tue Jan  2 00:00:00 2024", b"", OLD, True),  # the oldest form has no zone
        (b"", b"oops", b"", NEW, False),
        (b"", OLD, b"", b"", False),
        (b"", b"", b"", b"", False),
    ],
)
def test_not_modified(none_match: bytes, since: bytes, etag: bytes, modified: bytes, has_it: bool):
    assert not_modified(none_match, since, etag, modified) is has_it


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_nothing_upsets_it(none_match: bytes, since: bytes, etag: bytes, modified: bytes):
    assert not_modified(none_match, since, etag, modified) in (True, False)
