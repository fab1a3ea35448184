"""Header fields, cookies and security headers, changed on the wire; hosts and headers that choose a route."""

from typing import Any

import pytest

from tests.gateway.handlers.test_tunnel import SHAKE, SWITCH
from tests.gateway.harness import OK, gateway
from tests.upstreams import Peer, answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")


def route(**options: Any) -> list[dict[str, Any]]:
    return [{"path": "/*", **options}]


def answered(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", "Content-Length: 0", *lines, "", ""]).encode()


async def test_what_the_service_is_told() -> None:
    edits = {"remove": ["Cookie", "x-a"], "set": {"X-Env": "dev"}, "add": {"X-Tag": ["1", "2"]}}
    async with (
        scripted(answering(OK, OK)) as service,
        gateway({"a": service}, routes=[{"path": "/a", "request_headers": edits}, {"path": "/*"}]) as bench,
    ):
        client = await bench.connect()
        ask = b"GET %b HTTP/1.1\r\nHost: " + bench.host + b"\r\nCookie: s=1\r\nX-A: 1\r\nx-env: mine\r\nX-B: 2\r\n\r\n"
        for path in (b"/a", b"/b"):  # the same fields on one connection, read once: the other route's stay whole
            client.send(ask % path)
            await client.answer()
        first, second = (head.split(b"\r\n") for head in bytes(service.peers[0].received).split(b"\r\n\r\n")[:2])
        assert {b"X-Env: dev", b"X-Tag: 1", b"X-Tag: 2", b"X-B: 2"} <= set(first)
        assert not {b"Cookie: s=1", b"X-A: 1", b"x-env: mine"} & set(first)
        assert {b"Cookie: s=1", b"X-A: 1", b"x-env: mine"} <= set(second)


async def test_what_the_client_is_told() -> None:
    edits = {"remove": ["Server"], "set": {"X-Frame-Options": "DENY"}, "add": {"X-Tag": "1"}}
    answer_ = answered("Server: x", "x-frame-options: ALLOWALL", "X-Kept: 1")
    async with (
        scripted(answering(answer_)) as service,
        gateway({"a": service}, routes=route(response_headers=edits)) as bench,
    ):
        answer = await bench.get()
        assert "server" not in answer
        assert (answer["x-frame-options"], answer["x-tag"], answer["x-kept"]) == ("DENY", "1", "1")
        assert answer["x-content-type-options"] == "nosniff"


async def test_security_headers_can_be_left_away() -> None:
    async with (
        scripted(answering(answered("X-Frame-Options: DENY"))) as service,
        gateway({"a": service}, routes=route(security_headers=False)) as bench,
    ):
        answer = await bench.get()
        assert answer["x-frame-options"] == "DENY"
        assert not {"x-content-type-options", "referrer-policy"} & {name.decode() for name, _ in answer.fields}


async def test_cookies() -> None:
    cookies = {"domain": "", "path": "/v1", "secure": False, "same_site": "Lax"}
    lines = ("Set-Cookie: a=1; Domain=api.test; Secure; HttpOnly", "set-cookie: b=2; Path=/; Max-Age=5")
    async with (
        scripted(answering(answered(*lines))) as service,
        gateway({"a": service}, routes=route(cookies=cookies)) as bench,
    ):
        assert (await bench.get()).all("set-cookie") == [
            "a=1; HttpOnly; Path=/v1; SameSite=Lax",
            "b=2; Max-Age=5; Path=/v1; SameSite=Lax",
        ]


async def test_handshakes_are_changed_as_well() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(SWITCH + b"Set-Cookie: a=1; Secure\r\nServer: x\r\n\r\n")
        await peer.rest()

    options = {"cookies": {"secure": False}, "response_headers": {"remove": "server"}}
    async with scripted(script) as service, gateway({"a": service}, routes=route(**options)) as bench:
        answer = await bench.ask(SHAKE % b"")
        assert answer.status == 101
        assert answer["set-cookie"] == "a=1"
        assert "server" not in answer
        assert answer["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


async def test_hosts_and_headers_choose_the_route() -> None:
    routes = [
        {"path": "/*"},
        {"path": "/*", "service": "b", "headers": {"X-Canary": "yes"}},
        {"path": "/*", "service": "c", "hosts": ["*.app.localhost"]},
    ]
    says = [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%b" % name for name in (b"a", b"b", b"c")]
    async with (
        scripted(answering(*[says[0]] * 3)) as a,
        scripted(answering(says[1])) as b,
        scripted(answering(says[2])) as c,
        gateway({"a": a, "b": b, "c": c}, routes=routes) as bench,
    ):
        assert (await bench.get()).body == b"a"
        assert (await bench.get(x_canary="no")).body == b"a"
        assert (await bench.get(x_canary="yes")).body == b"b"
        port = bench.port
        assert (await bench.ask(b"GET / HTTP/1.1\r\nHost: x.app.localhost:%d\r\n\r\n" % port)).body == b"c"
        assert (await bench.ask(b"GET / HTTP/1.1\r\nHost: app.localhost:%d\r\n\r\n" % port)).body == b"a"
