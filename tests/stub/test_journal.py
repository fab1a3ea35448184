"""Log lines, and readers that go away."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.stub.journal import Journal, printable


def test_a_line_is_there_at_once():
    end, start = os.pipe()
    try:
        Journal(start).say("GET / 200")
        assert os.read(end, 100) == b"GET / 200\n"
    finally:
        os.close(end)
        os.close(start)


def test_news_is_what_differs():
    end, start = os.pipe()
    try:
        journal = Journal(start)
        for topic, state in [
            ("/health", "200"),
            ("/health", "200"),
            ("/version", "200"),
            ("/health", "503"),
            ("/health", "200"),
        ]:
            journal.say_news(topic, state, f"{topic} {state}")
        assert os.read(end, 1000).decode().split("\n")[:-1] == [
            "/health 200",
            "/version 200",
            "/health 503",
            "/health 200",
        ]
    finally:
        os.close(end)
        os.close(start)


def test_a_reader_that_has_gone_ends_it_silently():
    end, start = os.pipe()
    os.close(end)
    try:
        journal = Journal(start)
        journal.say("one")
        journal.say("two")
    finally:
        os.close(start)


def test_a_line_is_lost_where_waiting_is_not_allowed():
    end, start = os.pipe()
    try:
        os.set_blocking(start, False)
        journal = Journal(start)
        for _ in range(1000):
            journal.say("x" * 400)
        while len(os.read(end, 65536)) == 65536:
            pass
        journal.say("again")
        assert os.read(end, 65536).endswith(b"again\n")
    finally:
        os.close(end)
        os.close(start)


def test_without_a_stream_nothing_is_said():
    Journal(None).say("x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a\x1b[2J\nb", "a\\x1b[2J\\nb"),
        ("\u202e\x9b", "\\u202e\\x9b"),
        ("\ud800", "\\ud800"),
        ("x" * 501, "x" * 500 + "..."),
    ],
)
def test_foreign_text_is_shown_and_not_obeyed(text: str, expected: str):
    assert printable(text) == expected


@given(st.text())
def test_whatever_it_is_the_line_stays_one(text: str):
    line = printable(text)
    assert line.isascii()
    assert line.isprintable()
