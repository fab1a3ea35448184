"""Answers taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.inspection.answers import answer_of, dechunked


def test_an_answer():
    answer = answer_of(b"HTTP/1.1 404 Not Found\r\nA: 1\r\nb:2 \r\n\r\nbody")
    assert (answer.status, answer.reason, answer.body) == (404, "Not Found", b"body")
    assert answer.fields == ((b"A", b"1"), (b"b", b"2"))


def test_a_chunked_answer():
    assert (
        answer_of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n").body
        == b"abcde"
    )


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200", b"nonsense\r\n\r\n", b"HTTP/1.1 x y\r\n\r\n"])
def test_half_an_answer_is_none(data: bytes):
    assert answer_of(data).status == 0


@given(st.lists(st.binary(min_size=1, max_size=40)), st.integers(0, 500))
def test_chunks_give_what_there_is(pieces: list[bytes], end: int):
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)[:end]
    assert b"".join(pieces).startswith(dechunked(framed))


@given(st.binary())
def test_any_bytes(data: bytes):
    dechunked(data)
    answer_of(data)
