"""One client at a time against a real stub: bytes where they matter, the standard library and aiohttp as other opinions."""

import hashlib
import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import aiohttp
import psutil
import pytest

from tests.deadline import DEADLINE_S
from tests.stub.process import StubProcess, read_all, read_until, split_answer

HOST = b"Host: stub\r\n"
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # the example of RFC 6455
OPENING = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n"
)


@pytest.fixture
def http(stub: StubProcess) -> Iterator[HTTPConnection]:
    with closing(HTTPConnection("127.0.0.1", stub.port, timeout=DEADLINE_S)) as connection:
        yield connection


def test_the_request_comes_back_raw(stub: StubProcess):
    answer = stub.exchange(b"PURGE //a%2Fb/../'c?x=%20&& HTTP/1.1\r\nhost: h\r\nX-B: 1\r\nx-a: \xe9\r\nX-B: 2\r\n\r\n")
    status, fields, body, rest = split_answer(answer)
    assert (status, rest) == (200, b"")
    assert fields["x-stub-service"] == "demo"
    assert fields["content-type"] == "application/json"
    assert json.loads(body) == {
        "service": "demo",
        "port": stub.port,
        "pid": stub.process.pid,
        "method": "PURGE",
        "path": "//a%2Fb/../'c",
        "query": "x=%20&&",
        "target": "//a%2Fb/../'c?x=%20&&",
        "headers": [["host", "h"], ["X-B", "1"], ["x-a", "\u00e9"], ["X-B", "2"]],
        "body_bytes": 0,
        "body_sha256": hashlib.sha256().hexdigest(),
    }


def test_one_connection_serves_many_requests(http: HTTPConnection):
    sockets = set()
    for method in ("GET", "POST", "HEAD", "DELETE", "GET"):
        http.request(method, "/x", body=b"abc" if method == "POST" else None)
        sockets.add(http.sock)
        answer = http.getresponse()
        content = answer.read()
        assert answer.status == 200
        assert (content == b"") is (method == "HEAD")
        assert int(answer.headers["Content-Length"]) > 0
    assert len(sockets) == 1


def test_a_pipeline_is_answered_in_order_though_the_first_is_slow(stub: StubProcess):
    paths = ["/slow", "/1", "/empty", "/2", "/health", "/3"]
    answer = stub.exchange(b"".join(b"GET %b HTTP/1.1\r\n" % path.encode() + HOST + b"\r\n" for path in paths))
    got = []
    for _ in paths:
        status, _, body, answer = split_answer(answer)
        got.append((status, json.loads(body).get("path", "health") if body[:1] == b"{" else body.decode()))
    assert got == [(200, "slow"), (200, "/1"), (204, ""), (200, "/2"), (200, "health"), (200, "/3")]
    assert answer == b""


def test_more_requests_than_wait_at_once_are_all_answered(stub: StubProcess):
    answer = stub.exchange((b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n") * 1000)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 1000


def test_http_1_0_closes_unless_asked(stub: StubProcess):
    with stub.connect() as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        _, fields, body, rest = split_answer(read_all(client))
        assert fields["connection"] == "close"
        assert (json.loads(body)["headers"], rest) == ([], b"")
    with stub.connect() as client:
        for _ in range(2):
            client.sendall(b"GET /empty HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert b"Connection: keep-alive" in read_until(client, b"\r\n\r\n")


def test_close_is_honoured_and_what_follows_ignored(stub: StubProcess):
    with stub.connect() as client:
        client.sendall(b"GET /a HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\nGET /b HTTP/1.1\r\n" + HOST + b"\r\n")
        status, fields, body, rest = split_answer(read_all(client))
    assert (status, fields["connection"], json.loads(body)["path"], rest) == (200, "close", "/a", b"")


def test_a_chunked_upload_is_hashed_with_its_trailers(stub: StubProcess):
    pieces = [bytes([number]) * (number * 997 + 1) for number in range(40)]
    chunks = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = b"POST /up HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    echo = json.loads(split_answer(stub.exchange(head + chunks + b"0\r\nX-Sum: 1\r\n\r\n"))[2])
    assert echo["body_bytes"] == sum(map(len, pieces))
    assert echo["body_sha256"] == hashlib.sha256(b"".join(pieces)).hexdigest()
    assert echo["trailers"] == [["X-Sum", "1"]]


def test_a_large_body_is_not_kept(stub: StubProcess, http: HTTPConnection):
    before = psutil.Process(stub.process.pid).memory_info().rss
    block, count = bytes(1 << 20), 64
    http.request("PUT", "/up", body=(block for _ in range(count)), headers={"Content-Length": str(count << 20)})
    echo = json.loads(http.getresponse().read())
    assert echo["body_bytes"] == count << 20
    assert echo["body_sha256"] == hashlib.sha256(block * count).hexdigest()
    assert psutil.Process(stub.process.pid).memory_info().rss - before < 16 << 20


def test_a_client_that_asks_first_is_told_to_go_on(stub: StubProcess):
    with stub.connect() as client:
        client.sendall(b"POST /a HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert read_until(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        client.shutdown(socket.SHUT_WR)
        status, _, body, _ = split_answer(read_all(client))
    assert (status, json.loads(body)["body_bytes"]) == (200, 3)


def test_the_go_ahead_waits_for_the_answers_before_it(stub: StubProcess):
    with stub.connect() as client:
        client.sendall(
            b"GET /slow HTTP/1.1\r\n"
            + HOST
            + b"\r\nPOST /a HTTP/1.1\r\n"
            + HOST
            + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"
        )
        first = read_until(client, b"HTTP/1.1 100 Continue\r\n\r\n")
    assert split_answer(first)[2:] == (b"slow", b"HTTP/1.1 100 Continue\r\n\r\n")


def test_no_go_ahead_where_the_body_is_there_already(stub: StubProcess):
    answer = stub.exchange(b"POST /a HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\na")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_canned_answers(stub: StubProcess):
    status, fields, body = stub.ask("/api/users/7")
    assert (status, body, fields.get_all("Set-Cookie")) == (200, {"name": "Ada"}, ["a=1", "b=2"])  # type: ignore[attr-defined]
    assert stub.ask("/files/a/b")[::2] == (404, b"no such file")
    answer = stub.exchange(b"GET /empty HTTP/1.1\r\n" + HOST + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length" not in answer


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_what_is_malformed_is_answered_and_the_connection_closed(stub: StubProcess, data: bytes):
    with stub.connect() as client:
        client.sendall(b"GET /before HTTP/1.1\r\n" + HOST + b"\r\n" + data)
        first, _, body, rest = split_answer(read_all(client))
        assert (first, json.loads(body)["path"]) == (200, "/before")
        status, fields, _, rest = split_answer(rest)
    assert (status, fields["connection"], fields["x-stub-service"], rest) == (400, "close", "demo", b"")


def test_the_last_word_is_not_lost_though_the_client_still_sends(stub: StubProcess):
    with stub.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"a" * 400_000)
        assert split_answer(read_all(client))[0] == 431


def test_half_a_request_is_not_answered(stub: StubProcess):
    assert stub.exchange(b"GET / HTTP/1.1\r\n" + HOST) == b""
    assert stub.exchange(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nab") == b""
    assert stub.exchange(b"") == b""


def test_a_log_line_for_each_request_and_one_for_many_probes():
    with StubProcess() as stub:
        for _ in range(3):
            stub.ask("/health")
        stub.ask("/a?b", method="POST", body=b"x")
        stub.exchange(b"GET /\x1b HTTP/1.1\r\n" + HOST + b"\r\n")
        stub.switch(health="unhealthy")
        for _ in range(3):
            stub.ask("/health")
        assert stub.stop() == 0
        words = [line.split()[:3] for line in stub.lines[1:-1]]
    assert words[0] == ["GET", "/health", "200"]
    assert words[1] == ["POST", "/a?b", "200"]
    assert words[2][:2] == ["-", "400"]
    assert words[3] == ["POST", "/_stub", "200"]
    assert words[4] == ["GET", "/health", "503"]
    assert len(words) == 5


# Streams.


def test_an_event_stream_in_chunks(stub: StubProcess, http: HTTPConnection):
    http.request("GET", "/events?interval=0&count=3", headers={"Last-Event-ID": "41"})
    answer = http.getresponse()
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["Transfer-Encoding"] == "chunked"
    events = answer.read().decode().split("\n\n")
    assert events[0] == ": demo\nretry: 1000"
    assert [event.split("\n")[0] for event in events[1:-1]] == ["id: 42", "id: 43", "id: 44"]
    assert [json.loads(event.split("data: ")[1])["id"] for event in events[1:-1]] == [42, 43, 44]
    http.request("GET", "/after")
    assert json.loads(http.getresponse().read())["path"] == "/after"


def test_heartbeats_come_between_events(stub: StubProcess):
    with stub.connect() as client:
        client.sendall(b"GET /events?interval=60&heartbeat=0.02 HTTP/1.1\r\n" + HOST + b"\r\n")
        received = read_until(client, b": heartbeat\n\n")
    assert b"id: 1\n" in received
    assert b"id: 2\n" not in received


def test_an_event_stream_without_chunks_ends_with_the_connection(stub: StubProcess):
    with stub.connect() as client:
        client.sendall(b"GET /events?interval=0&count=2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        head, _, body = read_all(client).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert b"Connection: close" in head
    assert body.count(b"id: ") == 2


def test_the_head_of_a_stream(stub: StubProcess):
    answer = stub.exchange(b"HEAD /events HTTP/1.1\r\n" + HOST + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n")


def test_a_stream_ends_when_its_client_leaves():
    with StubProcess() as stub:
        with stub.connect() as client:
            client.sendall(b"GET /events?interval=3600 HTTP/1.1\r\n" + HOST + b"\r\n")
            read_until(client, b"id: 1")
        stub.line("/events?interval=3600 - client left")


def test_an_answer_is_dropped_when_its_client_leaves():
    with StubProcess(latency=0.3) as stub:
        with stub.connect() as client:
            client.sendall(b"GET /gone HTTP/1.1\r\n" + HOST + b"\r\n")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset
        stub.line("GET /gone - client left")
        stub.ask("/after")
        stub.line("GET /after 200")
        assert not any("GET /gone 200" in line for line in stub.lines)


def test_a_client_that_does_not_read_costs_nothing():
    with StubProcess() as stub, stub.connect() as slow:
        process = psutil.Process(stub.process.pid)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(b"GET /events?interval=0 HTTP/1.1\r\n" + HOST + b"\r\n")
        stub.line("event stream opened")
        end = time.monotonic() + DEADLINE_S
        busy = -1.0
        while (used := process.cpu_times().user) != busy:  # it rests once nothing more is taken
            assert time.monotonic() < end
            busy = used
            time.sleep(0.2)
        assert process.memory_info().rss < 40 << 20
        assert stub.ask("/x")[0] == 200


def send_for_ever(client: socket.socket) -> None:
    """Send until the other side has gone, or the deadline has come."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        client.sendall(b"x")


def test_a_client_that_stays_after_the_last_word_is_left(stub: StubProcess):
    with stub.connect() as client:
        client.sendall(b"nonsense\r\n\r\n")
        assert split_answer(read_all(client))[0] == 400
        with pytest.raises(ConnectionError):
            send_for_ever(client)


def push_until_stuck(client: socket.socket, data: bytes, limit: int) -> int:
    """Send `data` again and again without reading, until there is no more room; the bytes sent, or `limit`."""
    client.settimeout(2)
    sent = 0
    try:
        while sent < limit:
            sent += client.send(data)
    except TimeoutError:
        return sent
    return limit


def test_a_client_that_asks_and_does_not_read_is_read_no_further():
    with StubProcess() as stub, stub.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        requests = (b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n") * 1000
        assert push_until_stuck(client, requests, 64 << 20) < 64 << 20
        assert psutil.Process(stub.process.pid).memory_info().rss < 40 << 20
        assert stub.ask("/health")[0] == 200


# WebSockets.


async def test_a_websocket_says_back_what_it_is_told(stub: StubProcess):
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{stub.port}/any/path?token=x"
        async with session.ws_connect(url, protocols=["v2", "v1"], max_msg_size=0) as socket_:
            assert socket_.protocol == "v2"
            await socket_.send_str("h\u00e9")
            assert await socket_.receive_str() == "h\u00e9"
            for size in (0, 125, 126, 65_536, 3_000_000):
                await socket_.send_bytes(bytes(size))
                assert await socket_.receive_bytes() == bytes(size)
            await socket_.close(code=4321, message=b"done")
            assert socket_.close_code == 4321


async def test_a_message_that_is_too_long_is_refused_with_1009(stub: StubProcess):
    url = f"http://127.0.0.1:{stub.port}/"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0) as socket_:
        await socket_.send_bytes(bytes((16 << 20) + 1))
        answer = await socket_.receive()
        assert (answer.type, answer.data) == (aiohttp.WSMsgType.CLOSE, 1009)


def test_frames_that_come_with_the_handshake_are_answered(stub: StubProcess):
    ping = b"\x89\x81\x00\x00\x00\x00p"
    close = b"\x88\x82\x00\x00\x00\x00\x03\xe8"
    with stub.connect() as client:
        client.sendall(b"GET /ws HTTP/1.1\r\n" + HOST + OPENING + b"\r\n" + ping + close)
        head, _, frames = read_all(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nX-Stub-Service: demo\r\n" in head
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert frames == b"\x8a\x01p\x88\x02\x03\xe8"


def test_a_handshake_that_is_none_is_refused_and_closed(stub: StubProcess):
    opening = OPENING.replace(b"Version: 13", b"Version: 7")
    with stub.connect() as client:
        client.sendall(b"GET /ws HTTP/1.1\r\n" + HOST + opening + b"\r\n")
        status, fields, _, rest = split_answer(read_all(client))
    assert (status, fields["sec-websocket-version"], fields["connection"], rest) == (426, "13", "close", b"")


def test_a_websocket_client_that_leaves_is_noticed():
    with StubProcess() as stub:
        with stub.connect() as client:
            client.sendall(b"GET /ws HTTP/1.1\r\n" + HOST + OPENING + b"\r\n")
            read_until(client, b"\r\n\r\n")
        stub.line("GET /ws WebSocket lost after 0 messages")


def test_a_websocket_client_that_does_not_read_is_read_no_further():
    message = b"\x82\xfe\xff\xff" + bytes(4) + bytes(0xFFFF)
    with StubProcess() as stub, stub.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /ws HTTP/1.1\r\n" + HOST + OPENING + b"\r\n")
        read_until(client, b"\r\n\r\n")
        assert push_until_stuck(client, message, 128 << 20) < 128 << 20
        assert psutil.Process(stub.process.pid).memory_info().rss < 48 << 20
        assert stub.ask("/health")[0] == 200


def test_a_client_that_is_gone_before_it_is_refused_is_no_fault_of_ours():
    with StubProcess() as stub:
        for _ in range(20):
            with stub.connect() as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n")
        assert split_answer(stub.exchange(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))[0] == 200
        stub.stop()
        assert not [line for line in stub.lines if "Traceback" in line or "Error" in line]
