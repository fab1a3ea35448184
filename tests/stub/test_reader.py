"""Bytes to requests, however they are cut, and what is refused."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.stub.answers import keeps_body
from devgate.stub.reader import HEAD_LIMIT, RequestReader
from devgate.stub.request import Request

HOST = b"Host: stub\r\n"


def read(*pieces: bytes) -> RequestReader:
    reader = RequestReader(keeps_body)
    for piece in pieces:
        reader.feed(piece, now=7.0)
    return reader


def facts(request: Request) -> tuple[object, ...]:
    return (
        request.method,
        request.target,
        request.headers,
        request.trailers,
        request.body_bytes,
        request.body_sha256,
        bytes(request.kept),
        request.keep_alive,
        request.upgrade,
        request.ended,
    )


def test_names_values_and_order_stay_as_sent():
    reader = read(b"GET /a%20b?x HTTP/1.1\r\nhOsT: stub\r\nX-A: 1\r\nx-a:\t 2 \r\nX-L: \xe9\xff\r\nE:\r\n\r\n")
    (request,) = reader.requests
    assert request.headers == [("hOsT", "stub"), ("X-A", "1"), ("x-a", "2"), ("X-L", "\u00e9\u00ff"), ("E", "")]
    assert (request.method, request.target, request.arrived, request.ended) == ("GET", "/a%20b?x", 7.0, True)


STREAM = (
    b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello"
    b"GET /b HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    b"\r\n"  # RFC 9112 2.2: an empty line before a request is ignored
    b"PUT /c HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n3\r\nabc\r\n0\r\nX-T: 1\r\nx-t: 2\r\n\r\n"
    b"POST /_stub HTTP/1.1\r\n" + HOST + b'Content-Length: 14\r\n\r\n{"latency": 0}'
    b"GET http://x/d HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    b"ignored"
)


def test_a_pipeline_is_read_in_order():
    reader = read(STREAM)
    assert [(r.method, r.path, r.body_bytes) for r in reader.requests] == [
        ("POST", "/a", 5),
        ("GET", "/b", 0),
        ("PUT", "/c", 8),
        ("POST", "/_stub", 14),
        ("GET", "/d", 0),
    ]
    assert reader.requests[2].trailers == [("X-T", "1"), ("x-t", "2")]
    assert bytes(reader.requests[3].kept) == b'{"latency": 0}'
    assert [r.keep_alive for r in reader.requests] == [True, True, True, True, False]
    assert not any(r.upgrade for r in reader.requests)
    assert (reader.refusal, reader.rest) == (None, None)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_it_does_not_matter_where_it_is_cut(cuts: list[int]):
    edges = [0, *sorted(cuts), len(STREAM)]
    reader = read(*(STREAM[start:end] for start, end in pairwise(edges)))
    assert [facts(request) for request in reader.requests] == [facts(request) for request in read(STREAM).requests]
    assert reader.refusal is None


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400),  # TLS
        (b"GET /\r\n\r\n", 505),
        (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", 400),
        (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.0\r\n" + HOST + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\n" + b"Host: a\n\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A : b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\x00\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b": b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999999\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"CONNECT a:80 HTTP/1.1\r\n" + HOST + b"\r\nx", 501),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc", 501),
        (
            b"GET / HTTP/1.1\r\n" + HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc",
            501,
        ),
        (b"GET /" + b"a" * (HEAD_LIMIT + 1) + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"a" * HEAD_LIMIT + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * HEAD_LIMIT + b"\r\n", 431),
    ],
)
def test_what_cannot_be_answered_is_refused(data: bytes, status: int):
    reader = read(data)
    assert reader.refusal is not None
    assert reader.refusal[0] == status
    assert not any(request.ended for request in reader.requests)


def test_a_refusal_leaves_what_came_before():
    reader = read(b"GET /a HTTP/1.1\r\n" + HOST + b"\r\nGARBAGE")
    assert [request.path for request in reader.requests] == ["/a"]
    assert reader.refusal is not None


def endless(start: bytes, piece: bytes) -> RequestReader:
    """Feeds `piece` again and again until it is refused; four times the limit is far more than it may take."""
    reader = read(start)
    fed = 0
    while reader.refusal is None and fed < 4 * HEAD_LIMIT:
        reader.feed(piece, now=7.0)
        fed += len(piece)
    return reader


HEAD = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"


@pytest.mark.parametrize(
    ("start", "piece", "status"),
    [
        (b"GET /", b"a" * 100, 414),
        (HEAD + b"A: ", b"a" * 100, 431),
        (HEAD + b"A", b"a" * 100, 431),
        (HEAD, b"A: b\r\n", 431),
        (CHUNKED + b"T: ", b"a" * 100, 431),
        (CHUNKED, b"T: b\r\n", 431),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a" * 100, 431),
        (b"", b"\r\n", 431),
    ],
)
def test_what_never_ends_is_bounded(start: bytes, piece: bytes, status: int):
    refusal = endless(start, piece).refusal
    assert refusal is not None
    assert refusal[0] == status


def test_a_long_body_is_no_long_head():
    reader = read(HEAD + b"Content-Length: 1000000000\r\n\r\n")
    for _ in range(64):
        reader.feed(bytes(64 * 1024), now=7.0)
    assert reader.refusal is None
    assert reader.requests[0].body_bytes == 64 * 64 * 1024


UPGRADE = b"GET /ws HTTP/1.1\r\n" + HOST + b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n"


def test_after_an_upgrade_bytes_are_left_alone():
    reader = read(UPGRADE + b"\x81", b"\x00GET /")
    assert reader.requests[0].upgrade
    assert reader.rest == b"\x81\x00GET /"


@given(
    st.lists(st.binary(max_size=80) | st.sampled_from([HEAD, CHUNKED, UPGRADE, b"\r\n", b"\r\n\r\n", HOST]), max_size=8)
)
def test_hostile_bytes_raise_nothing(pieces: list[bytes]):
    reader = read(*pieces)
    assert reader.refusal is None or 400 <= reader.refusal[0] <= 505
