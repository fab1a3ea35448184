"""Server-sent events: what is sent and how long apart, without waiting for it."""

import json
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.stub.events import HEARTBEAT, Feed, read_feed, schedule


def pieces(feed: Feed) -> Iterator[tuple[bytes, float]]:
    return schedule(feed, "demo", lambda: 1700000000.25)


def event(number: int) -> bytes:
    return f'id: {number}\ndata: {{"service": "demo", "id": {number}, "time": 1700000000.25}}\n\n'.encode()


def test_the_stream_opens_with_a_comment_and_goes_on_each_second():
    assert list(islice(pieces(Feed()), 3)) == [(b": demo\nretry: 1000\n\n", 0.0), (event(1), 1.0), (event(2), 1.0)]


def test_nothing_is_waited_for_after_the_last_event():
    assert list(pieces(Feed(count=2, interval=5.0, first=8)))[1:] == [(event(8), 5.0), (event(9), 0.0)]
    assert len(list(pieces(Feed(count=0)))) == 1


def test_heartbeats_fill_a_long_pause():
    beats = list(pieces(Feed(count=2, interval=35.0, heartbeat=15.0)))[1:]
    assert beats == [(event(1), 15.0), (HEARTBEAT, 15.0), (HEARTBEAT, 5.0), (event(2), 0.0)]


@given(st.floats(0, 100), st.floats(1, 100), st.integers(0, 5))
def test_pauses_add_up(interval: float, heartbeat: float, count: int):
    waits = [pause for _, pause in pieces(Feed(interval=interval, heartbeat=heartbeat, count=count))]
    assert sum(waits) == pytest.approx(interval * max(0, count - 1))
    assert max(waits) <= heartbeat


@pytest.mark.parametrize(
    ("query", "last", "expected"),
    [
        ("", None, Feed()),
        ("interval=0.5&count=3&heartbeat=2", None, Feed(interval=0.5, count=3, heartbeat=2.0)),
        ("interval=0&token=a%20b&", None, Feed(interval=0.0)),
        ("", "41", Feed(first=42)),
        ("", "", Feed()),
        ("", "-3", Feed()),
        ("", "\u0661", Feed()),
        ("", "\u00b2", Feed()),
        ("", "9" * 5000, Feed()),
        ("", "abc", Feed()),
    ],
)
def test_reads_what_the_client_asks_for(query: str, last: str | None, expected: Feed):
    assert read_feed(query, last) == expected


@pytest.mark.parametrize(
    "query", ["interval=x", "interval=", "interval=-1", "interval=nan", "count=inf", "count=-1", "heartbeat=0"]
)
def test_a_number_that_is_none_is_named(query: str):
    with pytest.raises(ValueError, match=rf"^{query.partition('=')[0]}: "):
        read_feed(query, None)


@given(st.text(), st.none() | st.text())
def test_hostile_requests_are_read_or_refused(query: str, last: str | None):
    try:
        feed = read_feed(query, last)
    except ValueError:
        return
    text = next(islice(pieces(feed), 1, None), (b"data: {}\n\n", 0))[0].decode()
    assert json.loads(text.partition("data: ")[2]) is not None
