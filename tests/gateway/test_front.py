"""The listener: what it refuses, how connections live and end, and aiohttp's behaviour that it relies upon."""

import asyncio

import pytest

from devgate.gateway import connection
from devgate.gateway.refusals import FIELD_LIMIT, FIELDS_LIMIT, TARGET_LIMIT
from tests.deadline import DEADLINE_S
from tests.gateway.harness import OK, Bench, gateway
from tests.upstreams import Peer, answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

GET = b"GET / HTTP/1.1\r\nHost: HOST\r\n\r\n"

AMBIGUOUS = {
    "length and chunked": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "two equal lengths": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 4, 4\r\n\r\nabcd",
    "a signed length": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: +4\r\n\r\nabcd",
    "a negative length": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: -4\r\n\r\nabcd",
    "a hexadecimal length": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0x4\r\n\r\nabcd",
    "an endless length": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "an empty length": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length:\r\n\r\n",
    "identity": b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: identity\r\n\r\nabcd",
    "a coding before chunked": b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding after chunked": b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two codings": b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "almost chunked": b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked with a control": b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked in 1.0": b"POST / HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "an empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "a host with a path": b"GET / HTTP/1.1\r\nHost: HOST/x\r\n\r\n",
    "a host with a user": b"GET / HTTP/1.1\r\nHost: a@HOST\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost: HOST\r\nX-A : b\r\n\r\n",
    "space before the first field": b"GET / HTTP/1.1\r\n X-A: b\r\nHost: HOST\r\n\r\n",
    "a folded field": b"GET / HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\n c\r\n\r\n",
    "a field without a colon": b"GET / HTTP/1.1\r\nHost: HOST\r\nX-A\r\n\r\n",
    "a field without a name": b"GET / HTTP/1.1\r\nHost: HOST\r\n: b\r\n\r\n",
    "NUL in a value": b"GET / HTTP/1.1\r\nHost: HOST\r\nX-A: b\x00c\r\n\r\n",
    "a control in a value": b"GET / HTTP/1.1\r\nHost: HOST\r\nX-A: b\x01c\r\n\r\n",
    "NUL in a name": b"GET / HTTP/1.1\r\nHost: HOST\r\nX\x00A: b\r\n\r\n",
    "a bare CR": b"GET / HTTP/1.1\r\nHost: HOST\r\nX-A: b\rX-B: c\r\n\r\n",
    "bare LFs": b"GET / HTTP/1.1\nHost: HOST\n\n",
    "a bare LF in the end": b"GET / HTTP/1.1\r\nHost: HOST\r\n\n",
    "a control in the target": b"GET /\x01 HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "raw bytes beyond ASCII in the target": b"GET /\xc3\xbc HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "a fragment": b"GET /a#b HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "no target": b"GET HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "another scheme": b"GET ftp://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "an asterisk": b"GET * HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "an unknown method": b"BREW / HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "a small method": b"get / HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "HTTP/3": b"GET / HTTP/3.0\r\nHost: HOST\r\n\r\n",
    "HTTP/2": b"GET / HTTP/2.0\r\nHost: HOST\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: HOST\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "a preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "garbage": b"\x00\x01\x02\x03\r\n\r\n",
    "a climbing path": b"GET /../a HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "an encoded climbing path": b"GET /a/%2e%2E/b HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "a backslash": b"GET /a\\b HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "an encoded NUL": b"GET /a%00 HTTP/1.1\r\nHost: HOST\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_what_is_ambiguous_is_refused_and_reaches_no_service(request_bytes: bytes):
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(request_bytes.replace(b"HOST", bench.host) + GET.replace(b"HOST", bench.host))
        answer = await client.answer()
        assert answer.status == 400
        assert answer.problem["code"] == "bad-request"
        assert "detail" in answer.problem
        assert answer["connection"] == "close"
        assert await client.closed() == b"", "a second request was found in what followed"
        assert service.peers == []


@pytest.mark.parametrize("request_bytes", AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_what_is_ambiguous_is_so_without_anything_behind_it(request_bytes: bytes):
    """What follows may be all that the parser stumbles over."""
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(request_bytes.replace(b"HOST", bench.host))
        answer = await client.answer()
        assert (answer.status, answer["connection"]) == (400, "close")
        assert service.peers == []


@pytest.mark.parametrize("name", ["HTTP/2", "a preface of HTTP/2"])
async def test_who_speaks_http_2_is_told_so(name: str):
    async with gateway({"a": None}) as bench:
        answer = await bench.ask(AMBIGUOUS[name])
        assert answer.problem["detail"] == "This is HTTP/2; the gateway speaks HTTP/1.1 on this port."


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET /" + b"a" * TARGET_LIMIT + b" HTTP/1.1\r\nHost: HOST\r\n\r\n", 414, "uri-too-long"),
        (
            b"GET / HTTP/1.1\r\nHost: HOST\r\nX-A: " + b"a" * (FIELD_LIMIT + 1) + b"\r\n\r\n",
            431,
            "headers-too-large",
        ),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\n" + b"X-A: b\r\n" * FIELDS_LIMIT + b"\r\n", 431, "headers-too-large"),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\n" + b"X-A: b\r\n" * 200_000, 431, "headers-too-large"),
    ],
    ids=["target", "field", "fields", "a megabyte of fields"],
)
async def test_what_is_too_large_is_refused_and_the_answer_arrives(request_bytes: bytes, status: int, code: str):
    async with gateway({"a": None}) as bench:
        answer = await bench.ask(request_bytes)
        assert (answer.status, answer.problem["code"]) == (status, code)


async def test_what_is_just_not_too_large_passes():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        path = b"/" + b"a" * (TARGET_LIMIT - 1)
        fields = b"X-A: b\r\n" * (FIELDS_LIMIT - 2) + b"X-B: " + b"b" * (FIELD_LIMIT - 3) + b"\r\n"
        answer = await bench.ask(b"GET " + path + b" HTTP/1.1\r\nHost: HOST\r\n" + fields + b"\r\n")
        assert answer.status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabcd\r\n",
        b"-1\r\n\r\n",
        b"3 \r\nabc\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\n",
        b"3\nabc\n0\n\n",
    ],
)
async def test_a_body_that_breaks_the_rules_ends_the_request_and_the_attempt(body: bytes):
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.rest()
        ended.set()

    ended = asyncio.Event()
    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(b"POST / HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % bench.host)
        await bench.until(lambda: service.peers)
        client.send(body)
        answer = await client.answer()
        assert answer.status == 400
        assert answer["connection"] == "close"
        async with asyncio.timeout(DEADLINE_S):
            await ended.wait()
        assert b"0\r\n\r\n" not in service.peers[0].received, "the service was told that the body is whole"


async def test_a_body_that_is_broken_from_the_start_is_refused():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        answer = await bench.ask(b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert answer.status == 400


async def test_one_connection_serves_many_requests():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        for _ in range(5):
            client.send(GET.replace(b"HOST", bench.host))
            answer = await client.answer()
            assert (answer.status, "connection" in answer) == (200, False)
        assert len(service.peers) == 1


async def test_pipelined_requests_are_answered_in_order():
    async def script(peer: Peer) -> None:
        while True:
            path = (await peer.head()).split(b" ")[1]
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))

    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        count = 100  # more than aiohttp's queue takes at once
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: %b\r\n\r\n" % (number, bench.host) for number in range(count)))
        assert [(await client.answer()).body for _ in range(count)] == [b"/%d" % number for number in range(count)]


@pytest.mark.parametrize(
    ("version", "connection", "stays"),
    [(b"1.1", b"", True), (b"1.1", b"close", False), (b"1.0", b"", False), (b"1.0", b"keep-alive", True)],
)
async def test_how_long_a_connection_lasts(version: bytes, connection: bytes, stays: bool):
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        line = b"Connection: %b\r\n" % connection if connection else b""
        client.send(b"GET / HTTP/%b\r\nHost: %b\r\n%b\r\n" % (version, bench.host, line))
        answer = await client.answer()
        assert answer.body == b"ok"
        if stays:
            assert answer.all("connection") == (["keep-alive"] if version == b"1.0" else [])
            client.send(GET.replace(b"HOST", bench.host))
            assert (await client.answer()).status == 200
        else:
            assert answer["connection"] == "close"
            assert await client.closed() == b""


async def test_http_1_0_needs_no_host():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        assert (await bench.ask(b"GET / HTTP/1.0\r\n\r\n")).status == 200


async def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "KEEP_ALIVE_S", 0.2)
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        assert await client.closed() == b""
        client = await bench.connect()
        client.send(GET.replace(b"HOST", bench.host))
        await client.answer()
        assert await client.closed() == b""


async def test_a_head_that_does_not_end_is_refused_in_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "HEAD_S", 0.1)
    async with gateway({"a": None}) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost:")
        answer = await client.answer()
        assert (answer.status, answer.problem["code"]) == (408, "request-timeout")
        assert await client.closed() == b""


async def test_a_head_in_small_pieces_is_read(monkeypatch: pytest.MonkeyPatch):
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        for byte in GET.replace(b"HOST", bench.host):
            client.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await client.answer()).status == 200


async def test_who_leaves_while_the_service_thinks_cancels_it():
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.rest()
        cancelled.set()

    cancelled = asyncio.Event()
    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(GET.replace(b"HOST", bench.host))
        await bench.until(lambda: service.peers and service.peers[0].received)
        client.reset()
        async with asyncio.timeout(DEADLINE_S):
            await cancelled.wait()
        await bench.until(lambda: bench.gateway.traffic().in_flight == 0 and bench.gateway.requests().total == 1)
        row = bench.gateway.requests().rows[0]
        assert (row.status, row.error) == (499, "client-left")
        assert bench.gateway.breaker_row("a").failures == 0


async def test_a_refused_upload_is_answered_although_the_client_goes_on_sending():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(b"POST / HTTP/1.1\r\nHost: %b\r\nContent-Length: 50000000\r\n\r\n" % bench.host)
        for _ in range(40):
            client.send(b"x" * 50_000)
        answer = await client.answer()
        assert (answer.status, answer.body, answer["connection"]) == (413, b"big", "close")


async def test_a_bug_is_one_requests_500(bench_with_bug: Bench, caplog: pytest.LogCaptureFixture):
    first = await bench_with_bug.get("/", origin="http://localhost:1420")
    assert first.status == 500
    assert first.problem["request_id"] in first.problem["detail"]
    assert "Traceback" not in first.body.decode()
    assert first["access-control-allow-origin"] == "http://localhost:1420"
    assert (await bench_with_bug.get("/_devgate/health")).status == 200
    assert "bug while serving" in caplog.text
    caplog.clear()


@pytest.fixture
async def bench_with_bug(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    async with gateway({"a": None}) as bench:
        monkeypatch.setattr(bench.gateway._forward._ways, "head", broken)
        yield bench


async def test_a_client_that_is_gone_before_it_is_refused_is_no_fault_of_ours(caplog: pytest.LogCaptureFixture):
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        for _ in range(20):
            client = await bench.connect()
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            client.writer.close()
            await client.writer.wait_closed()
        assert (await bench.get("/")).body == b"ok"
    assert caplog.messages == []
