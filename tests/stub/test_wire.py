"""Answers as bytes."""

import pytest

from devgate.stub import wire


def test_a_head():
    head = wire.head(404, [("A", "1"), ("A", "\u00e9")], service="demo", wall=784111777.9)
    assert head == (
        b"HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Stub-Service: demo\r\nA: 1\r\nA: \xe9\r\n\r\n"
    )


def test_a_status_without_a_name_keeps_its_space():
    assert wire.head(599, [], service="demo", wall=0).startswith(b"HTTP/1.1 599 \r\n")


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [("GET", 200, True), ("HEAD", 200, False), ("GET", 204, False), ("GET", 304, False)],
)
def test_which_answers_have_a_body(method: str, status: int, expected: bool):
    assert wire.has_body(method, status) is expected


def test_a_length_stands_where_it_may():
    assert wire.length_field(200, 0) == (("Content-Length", "0"),)
    assert wire.length_field(204, 5) == ()


@pytest.mark.parametrize(
    ("version", "keep_alive", "expected"),
    [("1.1", True, ()), ("1.1", False, (("Connection", "close"),)), ("1.0", True, (("Connection", "keep-alive"),))],
)
def test_persistence_is_said_where_it_is_not_plain(
    version: str, keep_alive: bool, expected: tuple[tuple[str, str], ...]
):
    assert wire.persistence_field(version, keep_alive=keep_alive) == expected


def test_a_chunk():
    assert wire.chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"
