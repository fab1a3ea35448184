"""HTTP dates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.moments import moment


@pytest.mark.parametrize(
    "date", [b"Sun, 06 Nov 1994 08:49:37 GMT", b"Sunday, 06-Nov-94 08:49:37 GMT", b"Sun Nov  6 08:49:37 1994"]
)
def test_all_three_forms_are_in_universal_time(date: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert moment(date) == 784_111_777


@pytest.mark.parametrize(
    "date",
    [
        *(b"", b"0", b"-1", b"soon", b"\xff", b"Sun, 99 Nov 1994 08:49:37 GMT", b"1, 2, 3", b"Jan"),
        b"Thu, 18 Aug 2050 02:01:18 UTC",
        b"Thu, 18 Aug 2050 02:01:18 AEST",
        b"Thu, 18 Aug 2050 02:01:18 +0000",
        b"Thu, 18 Aug 2050 02:01:18",
        b"Thu, 18 Aug 50 02:01:18 GMT",
        b"Thu 18 Aug 2050 02:01:18 GMT",
        b"Thu, 18  Aug  2050 02:01:18 GMT",
        b"Thu, 18-Aug-2050 02:01:18 GMT",
        b"Thu, 18 Aug 2050 02.01.18 GMT",
        b"Thu, 18 Aug 2050 2:01:18 GMT",
        b"Thu, 18 Aug 2050 02:01:18 GMT, Thu, 18 Aug 2050 02:01:18 GMT",
        b"Thu, 18 Aug 2050 02:01:18 GMT\n",
    ],
)
def test_what_is_no_date(date: bytes):
    assert moment(date) is None


@given(st.binary(max_size=40) | st.text("SunNov 0123456789:,-+GMT()", max_size=40).map(str.encode))
def test_nothing_raises(date: bytes):
    assert moment(date) is None or isinstance(moment(date), float)
