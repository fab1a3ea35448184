"""Every line of the catalogue caused for real, and what program and person are told (SEMANTICS 3.15)."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from html import unescape

import pytest

from devgate.directory import Endpoint
from devgate.gateway import connection
from devgate.gateway.failures import CATALOGUE
from devgate.model.status import ServiceState
from tests.gateway.harness import OK, PAGE, Answer, Bench, gateway
from tests.gateway.test_leaving import thinking
from tests.upstreams import Peer, Script, answering, free_port, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

Ask = Callable[[bytes], Awaitable[Answer]]
"""Causes it once more, with these header lines."""
Cause = Callable[[pytest.MonkeyPatch], AbstractAsyncContextManager[Ask]]

CAUSES: dict[str, Cause] = {}

BROWSER = b"Accept: text/html,*/*;q=0.8\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n"
HEADLESS = ("headers-too-large", "request-timeout", "uri-too-long")
"""Of whose requests nothing is known but that they do not parse, so neither is the page that asks."""


def cause(code: str) -> Callable[[Callable[[pytest.MonkeyPatch], AsyncIterator[Ask]]], Cause]:
    def note(made: Callable[[pytest.MonkeyPatch], AsyncIterator[Ask]]) -> Cause:
        CAUSES[code] = asynccontextmanager(made)
        return CAUSES[code]

    return note


def asking(
    bench: Bench, line: bytes = b"GET /x?q=1", lines: bytes = b"", body: bytes = b"", host: bytes = b"HOST"
) -> Ask:
    async def ask(more: bytes) -> Answer:
        head = b"%b HTTP/1.1\r\nHost: %b\r\n%b%b\r\n" % (line, host, lines, more)
        return await bench.ask(head + body)

    return ask


async def answered(script: Script, line: bytes = b"POST /x?q=1", **settings: object) -> AsyncIterator[Ask]:
    """What a service does to a request that may not be sent twice."""
    async with scripted(script) as service, gateway({"a": service}, managed=False, **settings) as bench:  # type: ignore[arg-type]
        yield asking(bench, line)


@asynccontextmanager
async def state(state: ServiceState | None, **settings: object) -> AsyncIterator[Ask]:
    async with gateway({"a": None}, **settings) as bench:  # type: ignore[arg-type]
        if state is not None:
            bench.move("a", ServiceState.STARTING)
            bench.move("a", state)
        yield asking(bench)


@cause("bad-request")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with gateway({"a": None}) as bench:
        yield asking(bench, b"GET /a/../b")


@cause("origin-not-allowed")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with gateway({"a": None}, cors={"origins": ["https://other.test"]}) as bench:
        yield asking(bench, b"POST /x", b"Origin: https://evil.test\r\n")


@cause("host-not-allowed")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with gateway({"a": None}) as bench:
        yield asking(bench, host=b"evil.test")


@cause("no-route")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with gateway({"a": None}, routes=[{"path": f"/x{number}"} for number in range(5)]) as bench:
        yield asking(bench, b"GET /x9")


@cause("method-not-allowed")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with gateway({"a": None}, routes=[{"path": "/*", "methods": ["GET", "PUT"]}]) as bench:
        yield asking(bench, b"POST /x?q=1")


@cause("request-timeout")
async def _(patch: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    patch.setattr(connection, "HEAD_S", 0.1)
    async with gateway({"a": None}) as bench:

        async def ask(more: bytes) -> Answer:
            return await bench.ask(b"GET / HTTP/1.1\r\nHost: HOST\r\n" + more)

        yield ask


@cause("body-too-large")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with gateway({"a": None}, max_body="10B") as bench:
        yield asking(bench, b"POST /x?q=1", b"Content-Length: 11\r\n", b"x" * 11)


@cause("uri-too-long")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with gateway({"a": None}) as bench:
        yield asking(bench, b"GET /" + b"x" * 9000)


@cause("headers-too-large")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with gateway({"a": None}) as bench:
        yield asking(bench, lines=b"X: %b\r\n" % (b"x" * 9000))


@cause("quota-exceeded")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    rule = {"by": "global", "limit": 1, "window": "1h"}
    async with scripted(answering(OK)) as service, gateway({"a": service}, limits={"rules": [rule]}) as bench:
        assert (await bench.get()).status == 200
        yield asking(bench)


@cause("internal")
async def _(patch: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    async with gateway({"a": None}) as bench:
        patch.setattr(bench.gateway._forward._ways, "head", broken)
        yield asking(bench)


@cause("connect-refused")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with gateway({"a": None}, managed=False) as bench:
        bench.serve("a", free_port())
        yield asking(bench)


@cause("reset")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.reset()

    async for ask in answered(script):
        yield ask


@cause("dns")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with gateway({"a": None}, managed=False) as bench:
        bench.serve("a", 80, host="no-such-name.invalid")
        yield asking(bench)


@cause("tls")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async def script(peer: Peer) -> None:
        await peer.read(1)
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await peer.rest()

    async with scripted(script) as service, gateway({"a": None}, managed=False) as bench:
        instance = bench.entry().instances[0]
        bench.directory.announce(instance, Endpoint("127.0.0.1", service.port, "https"))
        bench.move("a", ServiceState.READY)
        yield asking(bench)


@cause("bad-response")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async for ask in answered(answering(b"HTTP/1.1 two hundred\r\n\r\n")):
        yield ask


@cause("truncated")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Le")

    async for ask in answered(script):
        yield ask


@cause("target-prohibited")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with gateway({"a": None}, managed=False) as bench:
        bench.serve("a", 80, host="169.254.169.254")
        yield asking(bench)


@cause("upgrade-failed")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    shake = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    async with (
        scripted(answering(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")) as service,
        gateway({"a": service}) as bench,
    ):
        yield asking(bench, lines=shake)


@cause("circuit-open")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    specs = {"a": {"breaker": {"failures": 1}}}
    failing = answering(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
    async with scripted(failing) as service, gateway({"a": service}, specs=specs, managed=False) as bench:
        await bench.get()
        yield asking(bench)


@cause("no-healthy-instance")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with gateway({"a": None}, managed=False) as bench:
        yield asking(bench)


@cause("hold-timeout")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with state(ServiceState.STARTING, hold="50ms") as ask:
        yield ask


@cause("stopped")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with state(None) as ask:
        yield ask


@cause("blocked")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with state(ServiceState.BLOCKED) as ask:
        yield ask


@cause("crashed")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with state(ServiceState.CRASHED) as ask:
        yield ask


@cause("draining")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with gateway({"a": None}) as bench:
        bench.gateway.drain()
        yield asking(bench)


@cause("overloaded")
async def _(patch: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    patch.setattr("devgate.gateway.hold.CAPACITY", 0)
    async with state(ServiceState.STARTING) as ask:
        yield ask


@cause("connect-timeout")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    full, others = socket.socket(), []
    try:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _n in range(3):  # nobody accepts, so the queue is full and the system answers no more
            others.append(socket.socket())
            others[-1].setblocking(False)
            others[-1].connect_ex(full.getsockname())
        async with gateway({"a": None}, managed=False, timeouts={"connect": "100ms"}) as bench:
            bench.serve("a", full.getsockname()[1])
            yield asking(bench)
    finally:
        for one in (full, *others):
            one.close()


@cause("response-timeout")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async for ask in answered(thinking, timeouts={"response": "100ms"}):
        yield ask


@cause("not-kept")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with (
        scripted(answering(OK)) as service,
        gateway({"a": service}, routes=[{"path": "/*", "cache": True}]) as bench,
    ):
        yield asking(bench, lines=b"Cache-Control: only-if-cached\r\n")


@cause("fault")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async for ask in answered(answering(OK), routes=[{"path": "/*", "fault": {"status": 503, "count": False}}]):
        yield ask


@cause("loop")
async def _(_: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        await bench.get()
        own = next(line for line in bytes(service.peers[0].received).split(b"\r\n") if line.startswith(b"Via: "))
        yield asking(bench, lines=own + b"\r\n")


def test_no_line_is_without_a_cause():
    assert set(CAUSES) == set(CATALOGUE)


@pytest.mark.parametrize("code", CATALOGUE)
async def test_as_a_program_reads_it(code: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    kind = CATALOGUE[code]
    async with CAUSES[code](monkeypatch) as ask:
        # One origin that is refused is enough.
        answer = await ask(
            b"" if code in ("origin-not-allowed", "request-timeout") else b"Origin: %b\r\n" % PAGE.encode()
        )
    caplog.clear()
    problem = answer.problem
    assert (answer.status, problem["code"]) == (kind.status, code)
    assert answer["cache-control"] == "no-store"
    assert answer["x-request-id"] == problem["request_id"]
    assert answer.all("proxy-status") == ([f"devgate; error={kind.proxy_error}"] if kind.proxy_error else [])
    assert problem["type"] == (f"urn:devgate:problem:{code}" if code != "quota-exceeded" else QUOTA)
    assert problem["title"] == problem["error"] == kind.title
    assert problem["detail"].endswith(".")
    assert (problem["category"], problem["recovery"]) == (kind.category, kind.recovery)
    assert problem["stage"]
    assert datetime.fromisoformat(problem["timestamp"]).tzinfo is not None
    assert answer.all("retry-after") == ([str(problem["retry_after"])] if "retry_after" in problem else [])
    assert ("retry_after" in problem) == (answer.status in (429, 503))
    assert ("allow" in answer) == (code == "method-not-allowed")
    if "instance" in problem:
        assert "?" not in problem["instance"]
    known = (
        code not in HEADLESS
        and answer.status not in (400, 403, 404, 405, 413)
        and code not in ("draining", "quota-exceeded")
    )
    if known:
        assert (problem["route"], problem["service"]) == ("/*", "a")
    readable = code not in (*HEADLESS, "host-not-allowed", "origin-not-allowed")
    assert answer.all("access-control-allow-origin") == ([PAGE] if readable else [])
    assert any("Origin" in value for value in answer.all("vary"))


@pytest.mark.parametrize("code", [code for code in CATALOGUE if code not in HEADLESS])
async def test_as_a_person_reads_it(code: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    async with CAUSES[code](monkeypatch) as ask:
        problem = json.loads((await ask(b"")).body)
        page = await ask(BROWSER)
    caplog.clear()
    assert page["content-type"] == "text/html; charset=utf-8"
    assert (page.status, page["x-devgate-error"], page["cache-control"]) == (CATALOGUE[code].status, code, "no-store")
    assert page.all("proxy-status") == (
        [f"devgate; error={CATALOGUE[code].proxy_error}"] if CATALOGUE[code].proxy_error else []
    )
    text = page.body.decode()
    said = unescape(text)
    for name, value in problem.items():
        if name in ("request_id", "timestamp", "retry_after", "detail"):
            assert name.replace("_", " ") in text or name == "detail"
        else:
            assert ", ".join(map(str, value)) if isinstance(value, list) else str(value) in said


async def test_a_405_says_what_is_allowed_and_a_404_what_is_near(monkeypatch: pytest.MonkeyPatch):
    async with CAUSES["method-not-allowed"](monkeypatch) as ask:
        answer = await ask(b"")
        assert answer["allow"] == "GET, HEAD, PUT"
        assert answer.problem["detail"] == "/x takes GET, HEAD, PUT, not POST."
    async with CAUSES["no-route"](monkeypatch) as ask:
        detail = (await ask(b"")).problem["detail"]
        assert detail.count("/x") == 1 + 3
    async with gateway({"a": None}, routes=[{"path": "/x1"}], routes_hint=False) as bench:
        assert (await bench.get("/x9")).problem["detail"] == "No route matches GET /x9."


async def test_what_a_page_shows_of_a_request_is_escaped():
    async with gateway({"a": None}, routes=[{"path": "/x1"}]) as bench:
        answer = await asking(bench, b"GET /<img/src=x>&\"'")(BROWSER)
        assert answer.status == 404
        assert b"<img" not in answer.body
        assert b"&lt;img" in answer.body


QUOTA = "https://iana.org/assignments/http-problem-types#quota-exceeded"
