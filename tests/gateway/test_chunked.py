"""Chunked bodies of requests, read strictly and in whatever pieces they come."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.gateway.chunked import EXTRA_LIMIT, FIELDS_LIMIT, LINE_LIMIT, ChunkedBody
from devgate.gateway.exchange import BadBody

NAMES = st.text("abcXYZ019-_!~", min_size=1, max_size=10).map(str.encode)
VALUES = st.binary(max_size=20).map(lambda raw: bytes(byte for byte in raw if byte > 31 and byte != 127).strip(b" \t"))
EXTENSIONS = st.sampled_from((b"", b";", b";a", b" ; a=b", b'\t;a="b c";d'))


def read(*pieces: bytes) -> tuple[bytes, list[tuple[bytes, bytes]], bool]:
    """The body, its trailers, and whether it has ended; what goes on must be a chunked body itself."""
    trailers: list[tuple[bytes, bytes]] = []
    body = ChunkedBody(trailers)
    out, ended = bytearray(), False
    for piece in pieces:
        data = body.feed(piece)
        while data and not ended:
            size, _, data = data.partition(b"\r\n")
            out += data[: int(size, 16)]
            data = data[int(size, 16) :]
            assert data.startswith(b"\r\n")
            data = data[2:]
            ended = int(size, 16) == 0
        if ended:
            assert body.ended
            out += data
    return bytes(out), trailers, body.ended


@given(
    chunks=st.lists(st.tuples(st.binary(min_size=1, max_size=40), EXTENSIONS), max_size=5),
    end=EXTENSIONS,
    trailers=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    cuts=st.lists(st.integers(0, 300), max_size=8),
)
def test_what_was_sent_arrives_wherever_it_is_cut(
    chunks: list[tuple[bytes, bytes]], end: bytes, trailers: list[tuple[bytes, bytes]], cuts: list[int]
):
    wire = b"".join(b"%X%b\r\n%b\r\n" % (len(data), extension, data) for data, extension in chunks)
    wire += b"000%b\r\n" % end + b"".join(b"%b: \t%b \r\n" % field for field in trailers) + b"\r\n"
    marks = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    pieces = [wire[a:b] for a, b in itertools.pairwise(marks) if a < b]
    assert read(*pieces) == (b"".join(data for data, _ in chunks), trailers, True)
    assert read(*(wire[at : at + 1] for at in range(len(wire)))) == (
        b"".join(data for data, _ in chunks),
        trailers,
        True,
    )


@given(
    st.binary(max_size=60),
    st.sampled_from((b"", b"3\r\nabc\r\n", b"0\r\n", b"0\r\nA: b\r\n", b"3\r\nab")),
    st.booleans(),
)
def test_garbage_is_taken_or_refused_alike_however_it_is_cut(garbage: bytes, before: bytes, bytewise: bool):
    def outcome(*pieces: bytes) -> object:
        try:
            return read(*pieces)
        except BadBody as fault:
            return fault.code

    wire = before + garbage
    whole, cut = outcome(wire), outcome(*(wire[at : at + 1] for at in range(len(wire))))
    assert whole == cut


def test_what_follows_goes_on_as_it_is():
    body = ChunkedBody([])
    assert body.feed(b"3\r\nabc\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\n") == b"3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n"


@pytest.mark.parametrize(
    "wire",
    [
        b"\r\n", b"3 \r\n", b" 3\r\n", b"+3\r\n", b"-3\r\n", b"0x3\r\n", b"3_0\r\n", b";a\r\n", b"g\r\n", b"3\n", b"3\r\r\n",
        b"3;a\x00\r\n", b"3;a\nb\r\n", b"3 a\r\n", b"1234567890abcdef0\r\n", b"3\r\nabcd\r\n", b"3\r\nabc\n", b"3\r\nabcX",
        b"0\r\n\n", b"0\r\nA\r\n", b"0\r\n: b\r\n", b"0\r\nA : b\r\n", b"0\r\n A: b\r\n", b"0\r\nA: b\r\n c\r\n", b"0\r\nA: b\n",
        b"0\r\nA: b\x00\r\n", b"0\r\nA: b\rc\r\n", b"0\r\nA\xff: b\r\n", b"0\r\nA: b\x7f\r\n", b"0\nA: b\r\n", b"x", b"\x00",
    ],
)  # fmt: skip
def test_what_breaks_the_rules_is_refused_at_once(wire: bytes):
    with pytest.raises(BadBody) as refused:
        read(wire)
    assert refused.value.code == "bad-request"


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"3;" + b"a" * LINE_LIMIT, "bad-request"),
        (b"0" * LINE_LIMIT + b"\r\n", "bad-request"),
        ((b"1;" + b"a" * 8000 + b"\r\nb\r\n") * (EXTRA_LIMIT // 8000 + 1), "bad-request"),
        (b"0\r\nA: " + b"b" * LINE_LIMIT, "headers-too-large"),
        (b"0\r\n" + b"A: b\r\n" * (FIELDS_LIMIT + 1), "headers-too-large"),
        (b"0\r\n" + (b"A: " + b"b" * 8000 + b"\r\n") * 9, "headers-too-large"),
    ],
)
def test_what_has_no_end_is_refused(wire: bytes, code: str):
    for pieces in ((wire,), tuple(wire[at : at + 100] for at in range(0, len(wire), 100))):
        with pytest.raises(BadBody) as refused:
            read(*pieces)
        assert refused.value.code == code


def test_what_is_just_not_too_much_passes():
    fields = b"A: b\r\n" * (FIELDS_LIMIT - 1) + b"B: " + b"b" * (LINE_LIMIT - 3) + b"\r\n"
    body, trailers, ended = read(b"0\r\n" + fields + b"\r\n")
    assert (body, len(trailers), ended) == (b"", FIELDS_LIMIT, True)
