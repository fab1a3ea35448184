"""What a response may look like. Half of these tests pin llhttp, the other half the checks that it leaves to us."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.gateway.upstream import response
from devgate.gateway.upstream.errors import Kind
from devgate.gateway.upstream.response import MAX_FIELDS, MAX_HEAD, Framing, ResponseHead, ResponseReader

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def read(*reads: bytes, **request: bool) -> list[Any]:
    """What a reader finds in `reads`, in order, in a form that does not depend on how they were cut."""
    reader = ResponseReader()
    reader.begin(**request)
    found: list[Any] = []
    body = b""
    for data in reads:
        if found and getattr(found[-1], "status", 0) == 101:
            body += data  # raw; the connection keeps it from the reader
            continue
        reader.feed(data)
        found += reader.informational
        reader.informational.clear()
        if reader.head is not None:
            found.append(reader.head)
            reader.head = None
        body += b"".join(reader.pieces)
        reader.pieces.clear()
        if reader.complete or reader.fault:
            break
    if body:
        found.append(body)
    if reader.trailers and reader.complete:
        found.append(("trailers", reader.trailers))
    if reader.complete:
        found.append("garbage" if reader.garbage else "complete")
    if reader.fault:
        found.append((reader.kind, reader.fault))
    return found


def fault(*reads: bytes, **request: bool) -> str:
    """Why this is refused; whole and byte by byte alike."""
    whole = read(*reads, **request)
    slowly = read(*(bytes([byte]) for data in reads for byte in data), **request)
    assert whole[-1] == slowly[-1]
    kind, text = whole[-1]
    assert kind is Kind.BAD_RESPONSE
    return str(text)


def test_a_response_with_a_length() -> None:
    head, body, end = read(OK + b"Content-Type: text/plain\r\ncontent-LENGTH: 5\r\nA: 1\r\na: 2\r\n\r\nhello")
    assert head == ResponseHead(
        version="1.1",
        status=200,
        reason=b"OK",
        headers=[(b"Content-Type", b"text/plain"), (b"content-LENGTH", b"5"), (b"A", b"1"), (b"a", b"2")],
        framing=Framing.LENGTH,
        length=5,
        keep=True,
    )
    assert body == b"hello"
    assert end == "complete"


def test_a_chunked_response_with_extensions_and_trailers() -> None:
    head, body, trailers, end = read(CHUNKED + b'5;a=b;c="d e"\r\nhello\r\n6\r\n world\r\n0;last\r\nT: v\r\nU:\r\n\r\n')
    assert (head.framing, head.length, head.keep) == (Framing.CHUNKED, None, True)
    assert body == b"hello world"
    assert trailers == ("trailers", [(b"T", b"v"), (b"U", b"")])
    assert end == "complete"


def test_parts_of_a_body_stay_apart() -> None:
    reader = ResponseReader()
    reader.feed(CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n")
    assert reader.pieces == [b"hello", b" world"]


def test_without_a_length_the_body_lasts_until_the_end_of_the_connection() -> None:
    head, body = read(OK + b"\r\n", b"hello", b" world")
    assert (head.framing, head.keep) == (Framing.EOF, False)
    assert body == b"hello world"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
@pytest.mark.parametrize("fields", [b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_statuses_without_a_body(status: bytes, fields: bytes) -> None:
    head, end = read(b"HTTP/1.1 " + status + b"\r\n" + fields + b"\r\n")
    assert (head.framing, head.keep, end) == (Framing.NONE, True, "complete")
    assert head.length == (5 if b"Length" in fields else None)


@pytest.mark.parametrize(
    "fields", [b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 0\r\n"]
)
def test_the_answer_to_head_ends_with_its_head(fields: bytes) -> None:
    raw = OK + fields + b"\r\n"
    for cut in range(len(raw)):
        head, end = read(*filter(None, (raw[:cut], raw[cut:])), is_head=True)
        assert (head.framing, head.keep, end) == (Framing.NONE, True, "complete")


def test_a_body_after_the_answer_to_head_is_garbage() -> None:
    assert read(OK + b"Content-Length: 5\r\n\r\nhello", is_head=True)[-1] == "garbage"


@pytest.mark.parametrize(
    ("version", "fields", "keep"),
    [
        ("1.1", b"", True),
        ("1.1", b"Connection: close\r\n", False),
        ("1.1", b"Connection: x\r\nConnection: keep-alive , Close\r\n", False),
        ("1.1", b"Connection: closed\r\n", True),
        ("1.0", b"", False),
        ("1.0", b"Connection: Keep-Alive\r\n", True),
        ("1.0", b"Connection: keep-alive, close\r\n", False),
    ],
)
@pytest.mark.parametrize("is_head", [False, True])
def test_who_keeps_the_connection(version: str, fields: bytes, keep: bool, is_head: bool) -> None:
    raw = b"HTTP/%b 200 OK\r\nContent-Length: 0\r\n%b\r\n" % (version.encode(), fields)
    head, end = read(raw, is_head=is_head)
    assert (head.version, head.keep, end) == (version, keep, "complete")


def test_a_coding_in_http_1_0_is_read_and_not_trusted_further() -> None:
    raw = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    head, body, end = read(raw)
    assert (head.framing, head.keep, body, end) == (Framing.CHUNKED, False, b"hi", "complete")


def test_informational_responses_come_before_the_answer() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    first, second, third, head, body, end = read(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + hints + OK + b"Content-Length: 2\r\n\r\nhi"
    )
    assert [first.status, second.status, third.status, head.status] == [100, 102, 103, 200]
    assert third.headers == [(b"Link", b"</a.css>")]
    assert (first.headers, body, end) == ([], b"hi", "complete")


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.0 100 Continue\r\n\r\n", b"HTTP/1.1 103 Hints\r\nConnection: close\r\n\r\n"]
)
def test_an_interim_response_says_nothing_about_the_connection(interim: bytes) -> None:
    *_, end = read(interim + OK + b"Content-Length: 2\r\n\r\nhi")
    assert end == "complete"


def test_an_upgrade_that_was_asked_for() -> None:
    for cut in range(len(SWITCH)):
        head, tail = read(*filter(None, (SWITCH[:cut], SWITCH[cut:] + b"\x81\x01a")), expects_upgrade=True)
        assert head.status == 101
        assert tail == b"\x81\x01a"
    (head,) = read(SWITCH, expects_upgrade=True)
    assert head.headers == [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")]


def test_a_101_that_nobody_asked_for() -> None:
    assert "no upgrade" in fault(SWITCH)


def test_a_101_that_upgrades_to_nothing() -> None:
    assert read(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", expects_upgrade=True)[-1][0] is Kind.UPGRADE_FAILED


def test_an_offer_to_upgrade_is_an_ordinary_field() -> None:
    """Apache offers h2c with every answer; llhttp looks at the status before it believes in an upgrade."""
    offer = b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nhi"
    for request in ({}, {"expects_upgrade": True}):
        assert read(OK + offer, **request)[-1] == "complete"
        assert read(b"HTTP/1.1 426 Upgrade Required\r\n" + offer, **request)[-1] == "complete"


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 999 Odd\xff\r\nContent-Length: 0\r\n\r\n",
        OK + b"A: b\xffc\td\r\nContent-Length: 0 \r\n\r\n",
        OK + b"Content-Length: 000\r\n\r\n",
        OK + b"Transfer-Encoding: CHUNKED \r\n\r\n0\r\n\r\n",
    ],
)
def test_odd_but_sound(raw: bytes) -> None:
    assert read(raw)[-1] == "complete"
    assert read(*(bytes([byte]) for byte in raw))[-1] == "complete"


@pytest.mark.parametrize(
    "raw",
    [
        b"<html>",
        b"ICY 200 OK\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"\r\n" + OK + b"\r\n",
        b" " + OK + b"\r\n",
        b"http/1.1 200 OK\r\n\r\n",
        b"HTTP/1.2 200 OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 20 Short\r\n\r\n",
        b"HTTP/1.1 2000 Long\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 O\x1bK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
        OK + b"A: b\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 0\r\n\n",
        OK + b"A: b\rc\r\n\r\n",
        OK + b"A: b\0c\r\n\r\n",
        OK + b"A: b\x1bc\r\n\r\n",
        OK + b"A: b\x7fc\r\n\r\n",
        OK + b"A\0: b\r\n\r\n",
        OK + b"A\xff: b\r\n\r\n",
        OK + b"A : b\r\n\r\n",
        OK + b"Content-Length : 0\r\n\r\n",
        OK + b"A B: b\r\n\r\n",
        OK + b": b\r\n\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b" A: b\r\n\r\n",
        OK + b"A: b\r\n c\r\n\r\n",
        OK + b"A: b\r\n\tc\r\n\r\n",
    ],
)
def test_heads_that_are_refused(raw: bytes) -> None:
    assert fault(raw)


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 2\r\nContent-Length: 3",
        b"Content-Length: 2\r\nContent-Length: 2",
        b"Content-Length: 2, 2",
        b"Content-Length: +2",
        b"Content-Length: -2",
        b"Content-Length: 0x2",
        b"Content-Length: 2_0",
        b"Content-Length: 2 2",
        b"Content-Length: ",
        b"Content-Length: 99999999999999999999999",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 2",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: chunked, gzip",
        b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: chunked;q=1",
        b"Transfer-Encoding: \x0bchunked",
        b"Transfer-Encoding: ",
    ],
)
@pytest.mark.parametrize("is_head", [False, True])
def test_framing_that_is_refused(fields: bytes, is_head: bool) -> None:
    assert fault(OK + fields + b"\r\n\r\n", is_head=is_head)


@pytest.mark.parametrize(
    "chunks",
    [
        b"\r\nhi\r\n0\r\n\r\n",
        b"-2\r\nhi\r\n0\r\n\r\n",
        b"0x2\r\nhi\r\n0\r\n\r\n",
        b"2 \r\nhi\r\n0\r\n\r\n",
        b"2\nhi\r\n0\r\n\r\n",
        b"2\r\nhi\n0\r\n\r\n",
        b"2\r\nhi0\r\n\r\n",
        b"2\r\nhello\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\nhi\r\n0\r\n\r\n",
        b"2;a\nhi\r\n0\r\n\r\n",
        b"2;a\0\r\nhi\r\n0\r\n\r\n",
        b"0\r\n\n",
        b"0\r\nA b\r\n\r\n",
        b"0\r\nA: b\r\n c\r\n\r\n",
        b"0\r\nContent-Length: 5\r\n\r\n",
        b"0\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
)
def test_chunks_that_are_refused(chunks: bytes) -> None:
    assert fault(CHUNKED + chunks)


@pytest.mark.parametrize("keep", [b"", b"Connection: close\r\n"])
@pytest.mark.parametrize("garbage", [b"!", b"H", OK + b"Content-Length: 0\r\n\r\n", b"\0", b"<html>"])
def test_whatever_follows_a_whole_response_is_garbage(keep: bytes, garbage: bytes) -> None:
    _, body, end = read(OK + keep + b"Content-Length: 2\r\n\r\nhi" + garbage)
    assert (body, end) == (b"hi", "garbage")
    _, body, end = read(OK + keep + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" + garbage)
    assert (body, end) == (b"hi", "garbage")
    assert read(b"HTTP/1.1 204 No Content\r\n" + keep + b"\r\n" + garbage)[-1] == "garbage"


def test_empty_lines_after_a_response_are_no_garbage() -> None:
    """llhttp skips them. They carry nothing; and where they come late, the reader of the next response refuses them."""
    assert read(OK + b"Content-Length: 2\r\n\r\nhi\r\n\r\n")[-1] == "complete"


def field(size: int) -> bytes:
    """One field that takes `size` bytes on the wire."""
    return b"A: %b\r\n" % (b"x" * (size - 5))


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 103 Hints\r\n\r\n"])
@pytest.mark.parametrize("step", [1000, 2**20])
def test_a_head_may_be_large_but_not_that_large(before: bytes, step: int) -> None:
    def cut(raw: bytes) -> list[bytes]:
        return [raw[at : at + step] for at in range(0, len(raw), step)]

    end = b"Content-Length: 0\r\n\r\n"
    assert read(*cut(before + OK + field(MAX_HEAD - 500) + end))[-1] == "complete"
    kind, text = read(*cut(before + OK + field(MAX_HEAD + 1) + end))[-1]
    assert kind is Kind.BAD_RESPONSE
    assert str(MAX_HEAD) in text
    assert read(*cut(before + OK + b"A: " + b"x" * MAX_HEAD), b"x" * (MAX_HEAD + 1))[-1][0] is Kind.BAD_RESPONSE


def test_many_interim_responses_do_not_add_up() -> None:
    interim = b"HTTP/1.1 102 Processing\r\n\r\n"
    found = read(*[interim] * (3 * MAX_HEAD // len(interim)), OK + b"Content-Length: 0\r\n\r\n")
    assert found[-1] == "complete"


def test_the_number_of_fields_has_a_bound() -> None:
    most = b"".join(b"A%d: b\r\n" % number for number in range(MAX_FIELDS - 1)) + b"Content-Length: 0\r\n"
    assert read(OK + most + b"\r\n")[-1] == "complete"
    assert str(MAX_FIELDS) in fault(OK + most + b"One: more\r\n\r\n")


def test_trailers_have_the_same_bounds() -> None:
    last = CHUNKED + b"0\r\n"
    assert str(MAX_FIELDS) in fault(last + b"A: b\r\n" * (MAX_FIELDS + 1) + b"\r\n")
    assert str(MAX_HEAD) in read(last + field(MAX_HEAD + 1) + b"\r\n")[-1][1]
    assert str(MAX_HEAD) in read(*[last, b"A: ", *[b"x" * 1000] * 80])[-1][1]


def test_chunk_extensions_without_end() -> None:
    assert str(MAX_HEAD) in read(CHUNKED + b"5;a=", *[b"x" * 1000] * 80)[-1][1]


def test_a_long_chunked_body_is_no_extension() -> None:
    chunk = b"3e8;a=b\r\n" + b"x" * 1000 + b"\r\n"
    *_, body, end = read(CHUNKED, *[chunk] * 200, b"0\r\n\r\n")
    assert (len(body), end) == (200_000, "complete")


def test_a_reader_reads_one_response_after_another() -> None:
    reader = ResponseReader()
    reader.begin(is_head=True)
    reader.feed(OK + b"Content-Length: 5\r\n\r\n")
    assert reader.complete
    reader.begin()
    assert not reader.received
    reader.feed(OK + b"Content-Length: 2\r\n\r\nhi")
    assert (reader.complete, reader.pieces) == (True, [b"hi"])
    reader.begin()
    reader.feed(b"?")
    assert reader.fault
    reader.begin()
    assert not reader.fault


def test_a_mistake_in_a_callback_is_not_taken_for_a_bad_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """httptools turns whatever a callback raises into an error of its own."""
    monkeypatch.setattr(response, "CONTROL", None)
    with pytest.raises(AttributeError):
        read(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


RESPONSES = st.sampled_from(
    [
        OK + b"Content-Length: 5\r\nA:\r\nB: c\r\n\r\nhello",
        OK + b"\r\nhello",
        CHUNKED + b"5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nT: v\r\nU:\r\n\r\n",
        CHUNKED + b"5\r\nhello\r\n!",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
        OK + b"A: b\r\n c\r\n\r\n",
        SWITCH + b"\x81\x05hello",
    ]
)


def cut_up(raw: bytes, cuts: list[int]) -> list[bytes]:
    at = [0, *sorted({cut % len(raw) for cut in cuts}), len(raw)]
    return [raw[start:end] for start, end in pairwise(at) if start < end]


@given(RESPONSES, st.lists(st.integers(0, 10_000), max_size=12), st.booleans(), st.booleans())
def test_it_does_not_matter_where_the_bytes_are_cut(raw: bytes, cuts: list[int], is_head: bool, upgrade: bool) -> None:
    def comparable(found: list[Any]) -> list[Any]:
        return ["complete" if part == "garbage" else part for part in found]  # what follows later is seen later

    cut = read(*cut_up(raw, cuts), is_head=is_head, expects_upgrade=upgrade)
    assert comparable(cut) == comparable(read(raw, is_head=is_head, expects_upgrade=upgrade))


@given(
    st.binary(min_size=1, max_size=300),
    st.lists(st.integers(0, 10_000), max_size=6),
    st.sampled_from([b"", OK, CHUNKED]),
)
def test_no_bytes_make_it_raise(noise: bytes, cuts: list[int], start: bytes) -> None:
    read(*cut_up(start + noise, cuts))


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=10), st.lists(st.integers(0, 10_000), max_size=12))
def test_chunks_come_out_as_they_went_in(chunks: list[bytes], cuts: list[int]) -> None:
    raw = CHUNKED + b"".join(b"%X\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    found = read(*cut_up(raw, cuts))
    assert found[1:] == [*([b"".join(chunks)] if chunks else []), "complete"]
