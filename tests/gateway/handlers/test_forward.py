"""Forwarding to the letter, with raw bytes on both sides (RFC 9110, 9112)."""

import asyncio
import socket

import pytest

from devgate.clock import SystemClock
from tests.deadline import DEADLINE_S
from tests.gateway.harness import CHUNKS, OK, PAGE, Answer, Truncated, gateway
from tests.upstreams import Peer, answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")


def sent_head(peer: Peer) -> tuple[bytes, dict[str, str], list[tuple[str, str]]]:
    """Request line and fields of the first request that a service got."""
    head = bytes(peer.received).split(b"\r\n\r\n")[0]
    line, *rest = head.split(b"\r\n")
    pairs = [tuple(field.decode("latin-1").split(": ", 1)) for field in rest]
    lowered = [(name.lower(), value) for name, value in pairs]
    return line, dict(lowered), lowered  # type: ignore[return-value]


# The request


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/a%2Fb/%27x%3A?q=%27%20+%2B",
        b"/a?",
        b"/a??",
        b"//a//b//",
        b"/./a/.",
        b"/%7e~%7E",
        b"/a;v=1?b;c",
        b"/a'b\"<>|^`{}",
        b"/%zz%",
    ],
)
async def test_the_target_arrives_byte_for_byte(target: bytes):
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        answer = await bench.ask(b"GET " + target + b" HTTP/1.1\r\nHost: HOST\r\n\r\n")
        assert answer.status == 200
        assert sent_head(service.peers[0])[0] == b"GET " + target + b" HTTP/1.1"


async def test_of_an_absolute_target_only_the_path_is_used():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        answer = await bench.ask(b"GET http://HOST/x?y HTTP/1.1\r\nHost: evil.test\r\n\r\n")
        assert answer.status == 200
        line, fields, _ = sent_head(service.peers[0])
        assert line == b"GET /x?y HTTP/1.1"
        assert fields["x-forwarded-host"] == bench.host.decode()
        refused = await bench.ask(b"GET http://evil.test/ HTTP/1.1\r\nHost: HOST\r\n\r\n")
        assert refused.problem["code"] == "host-not-allowed"


@pytest.mark.parametrize(
    ("path", "forwarded"),
    [
        ("/m/x%2Fy/?z", b"/x%2Fy/?z"),
        ("/m", b"/"),
        ("/m/", b"/"),
        ("/m?q", b"/?q"),
        ("//m//x", b"/x"),
        ("/m/./x", b"/./x"),
    ],
)
async def test_a_prefix_is_stripped_from_the_raw_path(path: str, forwarded: bytes):
    routes = [{"path": "/m", "strip_prefix": True}]
    async with scripted(answering(OK)) as service, gateway({"a": service}, routes=routes) as bench:
        assert (await bench.get(path)).status == 200
        line, fields, _ = sent_head(service.peers[0])
        assert line == b"GET %b HTTP/1.1" % forwarded
        assert fields["x-forwarded-prefix"] == "/m"


async def test_fields_arrive_in_order_and_as_written_but_for_what_belongs_to_the_hop():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        await bench.ask(
            b"GET / HTTP/1.1\r\nHost: HOST\r\nx-B: 1\r\nACCEPT: */*\r\nX-B: 2\r\nX-Obs: \xff\xe9\r\nX-Empty:\r\n"
            b"Connection: keep-alive, X-Hop, Authorization, Content-Length\r\nX-Hop: gone\r\nKeep-Alive: timeout=5\r\n"
            b"Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic x\r\nTE: trailers, deflate\r\nTrailer: X-T\r\n"
            b"Authorization: Bearer t\r\nCookie: a=b\r\nCookie: c=d\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
            b"X_Underscore: gone\r\nX-User-Id: mallory\r\nX-Auth-Role: admin\r\nX-Gateway-Y: z\r\n\r\n"
        )
        _, fields, pairs = sent_head(service.peers[0])
        assert [value for name, value in pairs if name == "x-b"] == ["1", "2"]
        assert [value for name, value in pairs if name == "cookie"] == ["a=b", "c=d"]
        assert b"x-B: 1\r\nACCEPT: */*\r\nX-B: 2\r\nX-Obs: \xff\xe9\r\nX-Empty: \r\n" in bytes(
            service.peers[0].received
        )
        assert fields["authorization"] == "Bearer t"
        assert (fields["connection"], fields["te"]) == ("TE", "trailers")
        gone = (
            "x-hop",
            "keep-alive",
            "proxy-connection",
            "proxy-authorization",
            "trailer",
            "upgrade",
            "http2-settings",
        )
        assert not fields.keys() & {*gone, "x_underscore", "x-user-id", "x-auth-role", "x-gateway-y"}


async def test_what_the_service_is_told_about_the_client():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        await bench.ask(
            b"GET / HTTP/1.1\r\nHost: localhost:%d\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n"
            b"X-Forwarded-Proto: https\r\nX-Real-IP: 6.6.6.6\r\nVia: 1.0 fred\r\nX-Request-ID: abcdefgh-1\r\n\r\n"
            % bench.port
        )
        _, fields, pairs = sent_head(service.peers[0])
        own = f"localhost:{bench.port}"
        assert fields["host"] == f"127.0.0.1:{service.port}"
        assert fields["x-forwarded-for"] == fields["x-real-ip"] == "127.0.0.1"
        assert fields["x-forwarded-host"] == own
        assert fields["x-forwarded-port"] == str(bench.port)
        assert fields["x-forwarded-proto"] == "http"
        assert fields["forwarded"] == f'for=127.0.0.1;host="{own}";proto=http'
        assert fields["x-request-id"] == "abcdefgh-1"
        via = [value for name, value in pairs if name == "via"]
        assert via[0] == "1.0 fred"
        assert via[1].startswith("1.1 devgate (")
        assert len(pairs) == len({name for name, _ in pairs}) + 1  # only Via stands twice


async def test_who_is_called_nothing_passes_on_no_empty_name():
    routes = [{"path": "/*", "host_header": "preserve"}]
    async with scripted(answering(OK)) as service, gateway({"a": service}, routes=routes) as bench:
        assert (await bench.ask(b"GET / HTTP/1.0\r\n\r\n")).status == 200
        assert sent_head(service.peers[0])[1]["host"] == f"127.0.0.1:{service.port}"


@pytest.mark.parametrize("called", ["upstream", "preserve", "app.example.test:81"])
async def test_what_the_service_is_called(called: str):
    routes = [{"path": "/*", "host_header": called}]
    async with scripted(answering(OK)) as service, gateway({"a": service}, routes=routes) as bench:
        hosts = {"upstream": f"127.0.0.1:{service.port}", "preserve": f"localhost:{bench.port}"}
        for method in (b"GET", b"POST"):
            await bench.ask(b"%b / HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: 0\r\n\r\n" % (method, bench.port))
        for peer in service.peers:
            _, fields, pairs = sent_head(peer)
            assert [value for name, value in pairs if name == "host"] == [hosts.get(called, called)]
            assert fields["x-forwarded-host"] == f"localhost:{bench.port}"


@pytest.mark.parametrize("given", ["short", "a" * 129, "has space", "semi;colon", ""])
async def test_a_request_id_that_is_not_harmless_is_replaced(given: str):
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        answer = await bench.get("/", x_request_id=given)
        made = sent_head(service.peers[0])[1]["x-request-id"]
        assert len(made) == 36
        assert answer["x-request-id"] == made


async def test_a_request_that_comes_back_is_refused():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        await bench.get("/")
        own = sent_head(service.peers[0])[1]["via"]
        answer = await bench.get("/", via=f"1.1 other, {own}")
        assert (answer.status, answer.problem["code"]) == (508, "loop")
        assert (await bench.get("/", via="1.1 devgate (0badcafe)")).status == 200


async def test_a_service_that_is_the_gateway_itself_is_found_out():
    async with gateway({"a": None}) as bench:
        bench.serve("a", bench.port)
        answer = await bench.get("/")
        assert answer.status == 508


async def length_script(peer: Peer) -> None:
    """Answers with what it got of the body."""
    while True:
        head = await peer.head()
        lengths = [int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        if b"transfer-encoding: chunked" in head.lower():
            body = b""
            while size := int(await peer._until(b"\r\n"), 16):
                body += (await peer.read(size + 2))[:-2]
            await peer.read(2)
        else:
            body = await peer.read(lengths[0]) if lengths else b""
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_000])
@pytest.mark.parametrize("pause", [False, True])
async def test_a_body_of_known_length(size: int, pause: bool):
    async with scripted(length_script) as service, gateway({"a": service}) as bench:
        body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        client = await bench.connect()
        client.send(b"PUT /x HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n\r\n" % (bench.host, size))
        if pause:
            await bench.until(lambda: size == 0 or service.peers)
        client.send(body)
        answer = await client.answer()
        assert answer.body == body
        _, fields, _ = sent_head(service.peers[0])
        assert fields["content-length"] == str(size)
        assert "transfer-encoding" not in fields
        row = bench.gateway.requests().rows[0]
        assert (row.request_bytes, row.response_bytes) == (size, size)


@pytest.mark.parametrize("pause", [False, True])
async def test_a_chunked_body(pause: bool):
    async with scripted(length_script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(b"POST /x HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % bench.host)
        if pause:
            await bench.until(lambda: service.peers)
        for chunk in CHUNKS:
            client.send(b"%x;ext=1\r\n%b\r\n" % (len(chunk), chunk))
        client.send(b"0\r\nX-Trailer: t\r\n\r\n")
        answer = await client.answer()
        assert answer.body == b"".join(CHUNKS)
        assert sent_head(service.peers[0])[1]["transfer-encoding"] == "chunked"
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        assert (await client.answer()).status == 200


async def test_an_empty_chunked_body():
    async with scripted(length_script) as service, gateway({"a": service}) as bench:
        answer = await bench.ask(b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert (answer.status, answer.body) == (200, b"")


async def test_an_upload_is_no_faster_than_the_service():
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        peer.stop_reading()
        await gate.wait()
        peer.resume_reading()
        await length_script(peer)

    async with scripted(script, limit=2**26) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        size = 40_000_000
        client.send(b"PUT / HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n\r\n" % (bench.host, size))
        client.send(b"x" * size)
        sent = -1
        while sent != (sent := client.writer.transport.get_write_buffer_size()):  # type: ignore[attr-defined]
            await asyncio.sleep(0.2)
        assert sent > size / 2, "the gateway has taken the body in"
        gate.set()
        assert len((await client.answer()).body) == size


async def test_expect_continue_goes_from_end_to_end():
    async def script(peer: Peer) -> None:
        head = await peer.head()
        assert b"expect: 100-continue" in head.lower()
        await asked.wait()
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await peer.read(5)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body)

    asked = asyncio.Event()
    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(b"POST / HTTP/1.1\r\nHost: %b\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n" % bench.host)
        asked.set()
        status, reason, _, _ = await client.head()
        assert (status, reason) == (100, b"Continue")
        client.send(b"hello")
        assert (await client.answer()).body == b"hello"


async def test_a_refused_expectation_is_relayed():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(b"POST / HTTP/1.1\r\nHost: %b\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n" % bench.host)
        answer = await client.answer()
        assert (answer.status, answer["connection"]) == (417, "close")


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PROPFIND", "M-SEARCH", "QUERY", "OPTIONS", "PURGE"])
async def test_other_methods_pass(method: str):
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        assert (await bench.get("/x", method=method)).status == 200
        assert sent_head(service.peers[0])[0] == f"{method} /x HTTP/1.1".encode()


@pytest.mark.parametrize(
    "request_line", [b"CONNECT HOST HTTP/1.1", b"CONNECT evil.test:443 HTTP/1.1", b"TRACE / HTTP/1.1"]
)
async def test_connect_and_trace_are_refused(request_line: bytes):
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        answer = await bench.ask(request_line + b"\r\nHost: HOST\r\n\r\n")
        assert (answer.status, answer.problem["code"]) == (405, "method-not-allowed")
        assert "GET" in answer["allow"]
        assert service.peers == []


# The answer


async def ask_of(response: bytes, *, method: str = "GET", close: bool = False, **headers: str) -> Answer:
    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            peer.send(response)
            if close:
                return

    async with scripted(script) as service, gateway({"a": service}) as bench:
        answer = await bench.get("/", method=method, **headers)
        assert bench.events == []
        return answer


async def test_answer_fields_arrive_in_order_and_as_written():
    answer = await ask_of(
        b"HTTP/1.1 207 Fancy Reason\r\nSet-Cookie: a=1\r\nx-Z: 1\r\nSet-Cookie: b=2; Secure\r\nServer: s\r\nX-Obs: \xff\r\n"
        b"Connection: close, X-Hop\r\nX-Hop: gone\r\nKeep-Alive: x\r\nContent-Length: 0\r\n"
        b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Encoding: gzip\r\n\r\n"
    )
    assert (answer.status, answer.reason) == (207, b"Fancy Reason")
    assert answer.all("set-cookie") == ["a=1", "b=2; Secure"]
    assert b"Set-Cookie: a=1\r\nx-Z: 1\r\nSet-Cookie: b=2; Secure\r\nServer: s\r\nX-Obs: \xff\r\n" in answer.raw_head
    assert answer["date"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert answer["content-encoding"] == "gzip"
    assert answer["via"] == "1.1 devgate"
    assert not {"x-hop", "keep-alive", "connection"} & {name.decode() for name, _ in answer.fields}


async def test_a_missing_date_is_added():
    assert (await ask_of(OK))["date"].endswith(" GMT")


@pytest.mark.parametrize(
    ("response", "length"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", "1234"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\n\r\n", None),
    ],
)
async def test_head_has_no_body_and_keeps_the_length(response: bytes, length: str | None):
    answer = await ask_of(response, method="HEAD")
    assert answer.all("content-length") == ([length] if length else [])
    assert "transfer-encoding" not in answer


@pytest.mark.parametrize(
    ("response", "length"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", []),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", []),
        (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 99\r\n\r\n", ["99"]),
    ],
)
async def test_answers_without_a_body(response: bytes, length: list[str]):
    answer = await ask_of(response)
    assert answer.all("content-length") == length
    assert answer["vary"] == "Origin"


async def test_chunks_and_trailers():
    answer = await ask_of(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1;x=y\r\na\r\n3\r\nbcd\r\n0\r\nX-Sum: 4\r\n"
        b"Set-Cookie: no\r\n\r\n"
    )
    assert answer.chunks == [b"a", b"bcd"]
    assert answer["trailer"] == "X-Sum"
    assert answer.trailers == [(b"x-sum", b"4")]


async def test_a_body_that_the_close_ends_becomes_chunked():
    answer = await ask_of(b"HTTP/1.0 200 OK\r\n\r\nhello", close=True)
    assert (answer.body, answer["transfer-encoding"]) == (b"hello", "chunked")


@pytest.mark.parametrize(
    "response", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: t\r\n\r\n", OK]
)
async def test_a_client_of_1_0_gets_no_chunks(response: bytes):
    async with scripted(answering(response)) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        answer = await client.answer()
        assert "transfer-encoding" not in answer
        assert answer.body in (b"hello", b"ok")


async def test_early_hints_are_relayed_and_not_taken_for_the_answer():
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\n\r\n"
    async with scripted(answering(early + early + OK)) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        for _ in range(2):
            status, reason, fields, _ = await client.head()
            assert (status, reason, fields) == (103, b"Early Hints", [(b"link", b"</a.css>")])
        assert (await client.answer()).body == b"ok"
        old = await bench.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert old.raw_head.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("http://127.0.0.1:PORT/next?x", "http://HOST/p/next?x"),
        ("http://127.0.0.1:PORT", "http://HOST/p"),
        ("HTTP://127.0.0.1:PORT/", "http://HOST/p/"),
        ("http://localhost:PORT/x", "http://HOST/p/x"),
        ("http://127.0.0.1:PORT0/", "http://127.0.0.1:PORT0/"),
        ("http://other.test/", "http://other.test/"),
        ("/relative", "/relative"),
        ("//127.0.0.1:PORT/", "http://HOST/p/"),
        ("//127.0.0.1:PORT0/", "//127.0.0.1:PORT0/"),
        ("//other.test/", "//other.test/"),
    ],
)
async def test_a_location_that_names_the_service_names_the_gateway(location: str, seen: str):
    async def script(peer: Peer) -> None:
        await peer.head()
        there = location.replace("PORT", str(service.port))
        peer.send(f"HTTP/1.1 302 Found\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n".encode())
        await peer.rest()

    async with (
        scripted(script) as service,
        gateway({"a": service}, routes=[{"path": "/p", "strip_prefix": True}]) as bench,
    ):
        answer = await bench.get("/p/x")
        assert answer["location"] == seen.replace("PORT", str(service.port)).replace("HOST", bench.host.decode())


@pytest.mark.parametrize(
    ("host_header", "location", "seen"),
    [
        ("App.test:99", "http://app.test:99/x", "http://HOST/p/x"),
        ("app.test", "//App.Test?q", "http://HOST/p?q"),
        ("app.test", "http://app.test:99/x", "http://app.test:99/x"),
        ("preserve", "http://app.test/x", "http://app.test/x"),
    ],
)
async def test_so_does_one_that_uses_the_name_the_route_gives_the_service(host_header: str, location: str, seen: str):
    answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    route = {"path": "/p", "strip_prefix": True, "host_header": host_header}
    async with scripted(answering(answer)) as service, gateway({"a": service}, routes=[route]) as bench:
        assert (await bench.get("/p/x"))["location"] == seen.replace("HOST", bench.host.decode())


@pytest.mark.parametrize(("rest", "seen"), [("", "/"), ("/x?y", "/x?y"), ("?y", "/?y"), ("#z", "/#z")])
async def test_a_client_that_calls_us_nothing_gets_a_location_without_a_name(rest: str, seen: str):
    async def script(peer: Peer) -> None:
        await peer.head()
        there = f"http://127.0.0.1:{service.port}{rest}"
        peer.send(f"HTTP/1.1 302 Found\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n".encode())
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        assert (await bench.ask(b"GET / HTTP/1.0\r\n\r\n"))["location"] == seen


async def test_what_a_service_keeps_for_the_hop_is_not_missed_in_the_answer():
    """It is ours to say then, as where the service says nothing."""
    fields = b"Connection: Date, x-frame-options\r\nDate: yesterday\r\nX-Frame-Options: DENY\r\n"
    answer = await ask_of(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + fields + b"\r\n")
    assert answer["date"].endswith(" GMT")
    assert answer["x-frame-options"] == "SAMEORIGIN"


async def test_security_headers_are_added_where_the_service_has_none():
    answer = await ask_of(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Frame-Options: DENY\r\n\r\n")
    assert answer["x-frame-options"] == "DENY"
    assert answer["x-content-type-options"] == "nosniff"
    assert answer["referrer-policy"] == "no-referrer"
    assert "strict-transport-security" not in answer


@pytest.mark.parametrize("theirs", ["", "X-Accel-Buffering: no\r\n", "x-accel-buffering: yes\r\n"])
async def test_an_event_stream_says_once_that_it_is_not_to_be_buffered(theirs: str):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{theirs}Content-Length: 9\r\n\r\ndata: 1\n\n"
    async with scripted(answering(head.encode())) as service, gateway({"a": service}) as bench:
        answer = await bench.get("/")
        assert answer.all("x-accel-buffering") == [theirs.strip().partition(": ")[2] or "no"]


async def test_an_event_stream_passes_event_by_event():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for number in range(3):
            await next_one.wait()
            next_one.clear()
            peer.send(b"8\r\ndata: %d\n\r\n" % number)
        await peer.rest()
        ended.set()

    next_one, ended = asyncio.Event(), asyncio.Event()
    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(
            b"GET / HTTP/1.1\r\nHost: %b\r\nOrigin: %b\r\nLast-Event-ID: 7\r\n\r\n" % (bench.host, PAGE.encode())
        )
        status, _, fields, _ = await client.head()
        assert status == 200
        assert (b"x-accel-buffering", b"no") in fields
        assert (b"access-control-allow-origin", PAGE.encode()) in fields
        assert b"Last-Event-ID: 7" in service.peers[0].received
        for number in range(3):
            next_one.set()
            async with asyncio.timeout(DEADLINE_S):
                assert await client.reader.readexactly(13) == b"8\r\ndata: %d\n\r\n" % number
        client.reset()
        async with asyncio.timeout(DEADLINE_S):
            await ended.wait()
        await bench.until(lambda: bench.gateway.requests().total)
        assert bench.gateway.requests().rows[0].kind == "sse"
        assert bench.gateway.traffic().p50_ms is None


async def test_a_download_is_no_faster_than_the_client():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // 1_000_000):
            peer.send(b"x" * 1_000_000)
            await peer.flush()
            taken.append(1_000_000)

    size, taken = 60_000_000, []
    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        seen = -1
        while seen != (seen := len(taken)):
            await asyncio.sleep(0.3)
        assert sum(taken) < size, "the gateway has taken the body in"
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert len((await client.answer()).body) == size


# Truth about failures


async def failing(script, *, path: str = "/", method: str = "GET", body: bytes | None = None, **settings):  # type: ignore[no-untyped-def]
    """The answer that a client gets, and the row in the record."""
    async with scripted(script) as service, gateway({"a": service}, managed=False, **settings) as bench:
        try:
            answer: Answer | None = await bench.get(path, method=method, body=body, origin=PAGE)
        except Truncated:
            answer = None
        await bench.until(lambda: bench.gateway.requests().total == 1)
        row = bench.gateway.requests().rows[0]
        return answer, row, bench.gateway.breaker_row("a")


@pytest.mark.parametrize(
    "beginning",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
    ],
)
@pytest.mark.parametrize("reset", [False, True])
async def test_a_service_that_dies_within_a_body_never_makes_a_clean_end(beginning: bytes, reset: bool):
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(beginning)
        await peer.flush()
        await seen.wait()
        peer.reset() if reset else peer.close()

    seen = asyncio.Event()
    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        await client.head()
        async with asyncio.timeout(DEADLINE_S):
            got = await client.reader.readuntil(b"half")
        seen.set()
        rest = await client.closed()
        assert b"0\r\n\r\n" not in got + rest
        assert b"problem" not in got + rest
        await bench.until(lambda: bench.gateway.requests().total)
        row = bench.gateway.requests().rows[0]
        assert (row.status, row.error) == (200, "truncated")
        await bench.until(lambda: bench.gateway.breaker_row("a").failures == 1)
        assert bench.gateway.traffic().error_ratio == 1.0
        instance = bench.entry().instances[0]
        assert instance.lost(since=0.0) == 1
        assert instance.lost(since=SystemClock().now() + 1) == 0


async def test_a_body_that_is_cut_before_anything_left_is_a_502():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        peer.end()

    answer, row, breaker = await failing(script)
    # The first bytes may have left before the end was seen; either way it is no clean end.
    assert answer is None or answer.problem["code"] == "truncated"
    assert row.error == "truncated"
    assert breaker.failures == 1
    (cause,) = breaker.causes
    assert (cause.what, cause.request_id) == (breaker.last_cause, row.request_id)
    assert abs(cause.at - row.at) < DEADLINE_S


@pytest.mark.parametrize(
    ("response", "code", "status"),
    [
        (b"", "reset", 502),
        (b"HTTP/1.1 200 OK\r\nContent-", "truncated", 502),
        (b"garbage\r\n\r\n", "bad-response", 502),
        (b"HTTP/2.0 200 OK\r\n\r\n", "bad-response", 502),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "bad-response", 502),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nab", "bad-response", 502),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "bad-response", 502),
        (b"HTTP/1.1 200 OK\r\nX-A: b\x00c\r\n\r\n", "bad-response", 502),
    ],
)
async def test_a_service_that_answers_nonsense_is_a_502_that_says_so(response: bytes, code: str, status: int):
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(response)
        peer.end()
        await peer.rest()

    answer, row, breaker = await failing(script)
    assert answer is not None
    assert answer.status == status
    problem = answer.problem
    assert (problem["code"], problem["service"], problem["route"]) == (code, "a", "/*")
    assert problem["stage"] in ("head", "send")
    assert answer["access-control-allow-origin"] == PAGE
    assert answer["proxy-status"].startswith("devgate; error=")
    assert answer["cache-control"] == "no-store"
    assert row.error == code
    assert breaker.failures == 1


async def test_garbage_after_an_answer_costs_only_the_connection():
    async with scripted(answering(OK + b"HTTP/1.1 666 Smuggled\r\n\r\n")) as service, gateway({"a": service}) as bench:
        for _ in range(2):
            assert (await bench.get("/")).body == b"ok"
        assert len(service.peers) == 2
        detail = await bench.gateway.inspector.request(2)
        assert "garbage" in [one.step for one in detail.decisions]


async def test_a_service_that_does_not_answer_is_a_504():
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.rest()
        cancelled.set()

    cancelled = asyncio.Event()
    answer, _, breaker = await failing(script, timeouts={"response": "100ms"})
    assert answer is not None
    assert (answer.status, answer.problem["code"]) == (504, "response-timeout")
    assert breaker.failures == 1
    async with asyncio.timeout(DEADLINE_S):
        await cancelled.wait()


async def test_a_routes_own_timeout():
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.rest()

    answer, _, _ = await failing(script, path="/slow", routes=[{"path": "/slow", "timeout": "50ms"}])
    assert answer is not None
    assert answer.status == 504


async def test_a_body_that_stands_still_is_broken_off():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await peer.rest()

    answer, row, _ = await failing(script, timeouts={"idle": "100ms"})
    assert answer is None
    assert row.error == "response-timeout"


async def test_a_stream_may_stand_still():
    async def script(peer: Peer) -> None:
        await peer.head()
        await asyncio.sleep(0.7)
        peer.send(OK)
        await peer.rest()

    timeouts = {"response": "50ms", "idle": "50ms"}
    answer, _, _ = await failing(script, timeouts=timeouts, routes=[{"path": "/*", "stream": True}])
    assert answer is not None
    assert answer.status == 200


async def test_a_request_body_that_does_not_come_is_a_408():
    async with scripted(length_script) as service, gateway({"a": service}, timeouts={"idle": "100ms"}) as bench:
        answer = await bench.ask(b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 10\r\n\r\nhalf")
        assert (answer.status, answer.problem["code"]) == (408, "request-timeout")
        assert answer["connection"] == "close"
        assert bench.gateway.breaker_row("a").failures == 0


async def test_nobody_listens():
    async with gateway({"a": None}, managed=False) as bench:
        bench.serve("a", 1)
        answer = await bench.get("/", origin=PAGE)
        assert (answer.status, answer.problem["code"]) == (502, "connect-refused")
        assert bench.gateway.breaker_row("a").failures == 1
        assert bench.suspects == []


async def test_a_connection_that_does_not_come_about_is_a_504():
    full = socket.socket()
    others = []
    try:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):  # nobody accepts, so the queue is full and the system answers no more
            others.append(socket.socket())
            others[-1].setblocking(False)
            others[-1].connect_ex(full.getsockname())
        async with gateway({"a": None}, managed=False, timeouts={"connect": "200ms"}) as bench:
            bench.serve("a", full.getsockname()[1])
            answer = await bench.get("/")
            assert (answer.status, answer.problem["code"], answer.problem["stage"]) == (
                504,
                "connect-timeout",
                "connect",
            )
    finally:
        for one in (full, *others):
            one.close()


async def test_a_service_on_the_other_loopback_is_found():
    async with scripted(answering(OK), host="::1") as service, gateway({"a": None}) as bench:
        bench.serve("a", service.port)
        assert (await bench.get("/")).status == 200


# Connections that are kept


async def test_a_dead_kept_connection_costs_a_get_nothing():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(OK)
        if peer.number == 0:
            await peer.head()  # the second request on the first connection is never answered
            peer.reset()
        else:
            await peer.rest()

    async with scripted(script) as service, gateway({"a": service}, managed=False) as bench:
        assert (await bench.get("/")).status == 200
        assert (await bench.get("/")).status == 200
        assert len(service.peers) == 2
        assert bench.gateway.breaker_row("a").failures == 0


async def test_a_post_is_never_sent_twice():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(OK)
        await peer.head()
        peer.reset()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        assert (await bench.get("/")).status == 200
        answer = await bench.get("/", method="POST", body=b"x")
        assert (answer.status, answer.problem["code"]) == (502, "reset")
        assert sum(bytes(peer.received).count(b"POST") for peer in service.peers) == 1


async def test_a_post_does_not_use_a_connection_that_the_service_has_closed():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(OK)
        await peer.flush()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        for _ in range(10):
            assert (await bench.get("/", method="POST", body=b"x")).status == 200


async def test_requests_share_connections():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        for _ in range(20):
            await bench.get("/")
        assert len(service.peers) == 1
