"""Header fields on their way, as bytes. The whole ways are tested in `handlers/test_forward.py`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.gateway.forwarded import forwarded_lines
from devgate.gateway.headers import (
    SECURITY,
    cors_fields,
    ends_here,
    listed,
    max_forwards_line,
    missing_security,
    read_request,
    read_response,
    request_framing,
    rewritten_location,
)

TOKEN = st.text("ABCabc-_", min_size=1, max_size=6).map(str.encode)
VALUE = st.binary(max_size=8).filter(lambda value: not set(value) & {0, 10, 13})


@pytest.mark.parametrize(
    "name",
    b"Connection KEEP-ALIVE proxy-connection TE Transfer-Encoding Upgrade Proxy-Authorization Host Content-Length X-Request-Id "
    b"Forwarded X-Forwarded-Anything x-real-ip X_Real_Ip X-User-Id X-AUTH-Token x-gateway-trust Some_Name Trailer".split(),
)
def test_what_does_not_pass_to_a_service(name: bytes):
    assert read_request([(name, b"x")]).lines == []


@pytest.mark.parametrize(
    "name", [b"Accept", b"Cookie", b"Authorization", b"Origin", b"Via", b"Expect", b"X-Userid", b"traceparent"]
)
def test_what_passes(name: bytes):
    assert read_request([(name, b"x")]).lines == [name + b": x\r\n"]


@pytest.mark.parametrize(
    "name", [b"Connection", b"Content-Length", b"X-Request-ID", b"Location", b"access-control-anything"]
)
def test_what_does_not_pass_to_a_client(name: bytes):
    assert read_response([(name, b"x")]).lines == []


def test_cors_headers_pass_where_they_are_kept():
    fields = read_response([(b"Access-Control-Max-Age", b"1"), (b"X", b"2")], keep_cors=True)
    assert fields.lines == [b"Access-Control-Max-Age: 1\r\n", b"X: 2\r\n"]
    assert cors_fields(fields.noted) == [(b"access-control-max-age", b"1")]


@pytest.mark.parametrize(
    ("connection", "gone"),
    [
        ([b"X-A"], {b"X-A"}),
        ([b"x-a , X-B"], {b"X-A", b"X-B"}),
        ([b"x-a", b"x-b"], {b"X-A", b"X-B"}),
        ([b"close, Authorization, cookie, Host, content-type"], set()),
        ([b",, ,"], set()),
        ([b"keep-alive"], set()),
    ],
)
def test_what_connection_names_is_gone_unless_it_is_protected(connection: list[bytes], gone: set[bytes]):
    names = [b"X-A", b"X-B", b"Authorization", b"Cookie", b"Content-Type"]
    raw = [(name, b"v") for name in names] + [(b"Connection", value) for value in connection]
    left = {line.partition(b":")[0] for line in read_request(raw).lines}
    assert left == set(names) - gone


def test_what_connection_names_was_not_said_to_anybody_behind_us():
    fields = read_response([(b"Date", b"x"), (b"Content-Length", b"5"), (b"Connection", b"date, Content-Length")])
    assert fields.noted == {b"content-length": b"5", b"connection": b"date, Content-Length"}
    assert fields.lines == []


def test_several_values_of_a_noted_name_are_joined():
    assert read_request([(b"Via", b"1.0 a"), (b"VIA", b"1.1 b")]).noted[b"via"] == b"1.0 a, 1.1 b"


@given(st.lists(st.tuples(TOKEN, VALUE), max_size=8))
def test_what_passes_keeps_order_case_and_repetitions(raw: list[tuple[bytes, bytes]]):
    lines = read_request(raw).lines
    expected = [b"%b: %b\r\n" % field for field in raw]
    position = 0
    for line in lines:
        position = expected.index(line, position) + 1
    for name, value in raw:
        dropped = b"_" in name
        assert (b"%b: %b\r\n" % (name, value) in lines) is not dropped


def test_the_memo_is_bounded():
    for number in range(3000):
        read_request([(b"X-%d" % number, b"")])
    from devgate.gateway.headers import _REQUEST

    assert len(_REQUEST) <= 1024


def test_listed():
    assert listed(b" A, b ,,\tC") == {b"a", b"b", b"c"}


@pytest.mark.parametrize(
    ("noted", "line"),
    [
        ({}, b""),
        ({b"content-length": b"0"}, b"Content-Length: 0\r\n"),
        ({b"transfer-encoding": b"Chunked"}, b"Transfer-Encoding: chunked\r\n"),
    ],
)
def test_framing(noted: dict[bytes, bytes], line: bytes):
    assert request_framing(noted) == line


@pytest.mark.parametrize(
    ("method", "hops", "line", "last"),
    [
        ("OPTIONS", b"3", b"Max-Forwards: 2\r\n", False),
        ("OPTIONS", b"0", b"Max-Forwards: -1\r\n", True),
        ("OPTIONS", b"x", b"Max-Forwards: x\r\n", False),
        ("OPTIONS", b"9" * 5000, b"Max-Forwards: 999999998\r\n", False),
        ("GET", b"3", b"Max-Forwards: 3\r\n", False),
    ],
)
def test_max_forwards(method: str, hops: bytes, line: bytes, last: bool):
    noted = {b"max-forwards": hops}
    assert max_forwards_line(method, hops) == line
    assert ends_here(noted) is last


def test_an_ipv6_client_stands_in_brackets_where_rfc_7239_wants_them():
    lines = forwarded_lines("::1", b"[::1]:8080", 8080, b"")
    assert b'Forwarded: for="[::1]";host="[::1]:8080";proto=http\r\n' in lines
    assert b"X-Forwarded-For: ::1\r\n" in lines
    assert b"Prefix" not in lines


def test_a_client_without_a_host():
    lines = forwarded_lines("127.0.0.1", b"", 8080, b"/p")
    assert lines.startswith(b"Forwarded: for=127.0.0.1;proto=http\r\n")
    assert b"X-Forwarded-Host" not in lines
    assert b"X-Forwarded-Prefix: /p\r\n" in lines


def test_only_missing_security_headers_are_added():
    assert missing_security({}).count(b"\r\n") == len(SECURITY)
    lines = missing_security({b"referrer-policy": b"origin"})
    assert b"Referrer" not in lines
    assert lines.count(b"\r\n") == len(SECURITY) - 1


@pytest.mark.parametrize(
    "location", [b"http://127.0.0.1:80/", b"http://127.0.0.1:8000", b"http://127.0.0.1:800.evil/", b"", b"/x"]
)
def test_only_the_services_own_origin_is_rewritten(location: bytes):
    assert rewritten_location(location, [b"http://127.0.0.1:800"], b"http://gw") == location
