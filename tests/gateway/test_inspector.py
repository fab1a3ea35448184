"""What is told of a request that has passed, and sending it again: over real sockets."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from devgate.errors import CommandError
from devgate.gateway.capture import KEPT
from devgate.inspection.draft import text_of
from devgate.model.detail import RequestDetail, first
from devgate.model.fault import Fault
from devgate.model.status import ServiceState
from tests.deadline import DEADLINE_S
from tests.gateway.harness import OK, PAGE, Bench, gateway
from tests.inspection.test_messages import frame
from tests.upstreams import Peer, Script, answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

SECRET = "hunter2-hunter2-hunter2"


def taking(reply: bytes) -> Script:
    """A service that reads whole requests."""

    async def script(peer: Peer) -> None:
        while True:
            head = await peer.head()
            length = re.search(rb"(?i)content-length: (\d+)", head)
            await peer.read(int(length[1]) if length else 0)
            peer.send(reply)

    return script


async def newest(bench: Bench) -> RequestDetail:
    return await bench.gateway.inspector.request(bench.gateway.requests().next)


def steps(detail: RequestDetail) -> list[str]:
    return [decision.step for decision in detail.decisions]


async def test_a_request_with_all_its_parts():
    body = b'{"id": 7}'
    reply = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nSet-Cookie: sid=%b\r\nContent-Length: %d\r\n\r\n%b" % (
        SECRET.encode(), len(body), body,
    )  # fmt: skip
    async with scripted(taking(reply)) as service, gateway({"a": service}) as bench:
        for _ in range(2):  # the second one finds an idle connection
            await bench.get(
                f"/x?token={SECRET}", method="POST", body=json.dumps({"password": SECRET, "a": 1}).encode(), origin=PAGE,
                authorization=f"Bearer {SECRET}", content_type="application/json",
            )  # fmt: skip
            detail = await newest(bench)
            assert SECRET not in repr(detail)
            assert json.loads(detail.request_body.text)["a"] == 1
            assert (detail.reason, detail.response_body.text) == ("Created", '{"id": 7}')
            assert first(detail.request, "authorization").startswith("Bearer ***")
            assert first(detail.response, "set-cookie").startswith("sid=***")
            assert first(detail.sent, "x-forwarded-for") == "127.0.0.1"
            assert detail.sent_line.startswith("POST /x?token=***")
            assert detail.peer == "127.0.0.1"
            assert steps(detail) == ["cors", "route", "attempt", "answer"]
            assert sum(phase.took_ms for phase in detail.phases) == pytest.approx(detail.row.duration_ms)


async def test_chunks_and_long_bodies():
    async def long(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n")
        for _ in range(40):
            peer.send(b"2710\r\n%b\r\n" % (b"a" * 10_000))
        peer.send(b"0\r\n\r\n")

    async with scripted(long) as service, gateway({"a": service}) as bench:
        await bench.get()
        detail = await newest(bench)
        assert detail.response_body.size == 400_000
        assert detail.response_body.cut
        assert KEPT / 2 < len(detail.response_body.text) < KEPT * 2
        assert set(detail.response_body.text) == {"a"}


async def test_what_the_gateway_answers_itself_says_why():
    async with gateway({"a": None}, routes=[{"path": "/a"}]) as bench:
        await bench.get("/nowhere")
        detail = await newest(bench)
        assert (detail.row.status, detail.row.error) == (404, "no-route")
        assert "No route matches" in detail.decisions[-1].text
        assert "no-route" in detail.response_body.text
        await bench.ask(b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n")
        assert steps(await newest(bench))[-1] == "host"
        await bench.ask(b"NONSENSE\r\n\r\n")
        detail = await newest(bench)
        assert detail.row.error == "bad-request"
        with pytest.raises(CommandError, match="could be understood"):
            await bench.gateway.inspector.replay(detail.row.seq)


async def test_attempts_that_failed_are_told():
    async def dies(peer: Peer) -> None:
        await peer.head()

    scripts = iter([dies, answering(OK)])

    async def script(peer: Peer) -> None:
        await next(scripts)(peer)

    async with scripted(script) as service, gateway({"a": service}) as bench:
        assert (await bench.get()).status == 200
        detail = await newest(bench)
        failed, succeeded = [decision.text for decision in detail.decisions if decision.step == "attempt"]
        assert "reset" in failed
        assert "attempt 2" in succeeded
        assert detail.phases[0].name in ("held", "retried")


async def test_events_and_messages():
    async def stream(peer: Peer) -> None:
        head = await peer.head()
        if b"websocket" in head:
            peer.send(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
                + frame(b"hello")
            )
            await peer.read(len(frame(b"hi", mask=b"abcd")))
            return
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: note\ndata: one\n\n")

    async with scripted(stream) as service, gateway({"a": service}) as bench:
        await bench.get()
        detail = await newest(bench)
        assert [(one.name, one.text) for one in detail.messages] == [("note", "one")]
        client = await bench.connect()
        client.send(
            b"GET / HTTP/1.1\r\nHost: HOST\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n".replace(b"HOST", bench.host)
        )
        await client.head()
        client.send(frame(b"hi", mask=b"abcd"))
        await client.closed()
        await bench.until(lambda: bench.gateway.requests().total == 2)
        detail = await newest(bench)
        assert sorted((one.sender, one.text) for one in detail.messages) == [("client", "hi"), ("service", "hello")]
        with pytest.raises(CommandError, match="WebSocket"):
            await bench.gateway.inspector.replay(2)


async def test_sending_again_is_a_request_like_any_other():
    async with scripted(taking(OK)) as service, gateway({"a": service}) as bench:
        await bench.get(f"/x?token={SECRET}", method="POST", body=b"secret body", authorization=f"Bearer {SECRET}")
        sent = await bench.gateway.inspector.replay(1)
        assert (sent.status, sent.seq) == (200, 2)
        received = b"".join(bytes(peer.received) for peer in service.peers)
        for part in (f"POST /x?token={SECRET} HTTP/1.1\r\n", "\r\n\r\nsecret body", f"authorization: Bearer {SECRET}"):
            assert received.count(part.encode()) == 2
        assert (await newest(bench)).row.request_id == sent.request_id


async def test_sending_what_was_changed():
    async with scripted(taking(OK)) as service, gateway({"a": service}) as bench:
        await bench.get(
            "/x", method="POST", body=b'{"a": 1}', authorization=f"Bearer {SECRET}", content_type="application/json"
        )
        text = text_of(await newest(bench)).replace("POST /x", "PUT /y").replace('"a": 1', '"a": 2')
        await bench.gateway.inspector.replay(1, text)
        new = b"".join(bytes(peer.received) for peer in service.peers).partition(b'{"a": 1}')[2]
        assert new.startswith(b"PUT /y HTTP/1.1\r\n")
        assert json.loads(new.partition(b"\r\n\r\n")[2]) == {"a": 2}
        assert f"authorization: Bearer {SECRET}".encode() in new


async def test_what_cannot_be_sent_again():
    async with scripted(taking(OK)) as service, gateway({"a": service}) as bench:
        await bench.get(method="POST", body=b"x" * (KEPT + 1))
        with pytest.raises(CommandError, match="not kept whole"):
            await bench.gateway.inspector.replay(1)
        for number in (0, 2, 99):
            with pytest.raises(CommandError, match="not remembered"):
                await bench.gateway.inspector.replay(number)
            with pytest.raises(CommandError, match="not remembered"):
                await bench.gateway.inspector.request(number)


async def test_a_stream_that_is_sent_again_is_left_after_its_head():
    async def stream(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n")
        await asyncio.Event().wait()

    async with scripted(stream) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: HOST\r\n\r\n".replace(b"HOST", bench.host))
        await client.head()
        client.reset()
        await bench.until(lambda: bench.gateway.requests().total == 1)
        sent = await bench.gateway.inspector.replay(1)
        assert (sent.status, sent.seq) == (200, 2)


async def test_a_fault_on_demand_is_told():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        bench.gateway.set_fault("/*", Fault(status=503), 60.0)
        assert (await bench.get()).status == 503
        detail = await newest(bench)
        assert ("fault", "on demand: 503") in [(one.step, one.text) for one in detail.decisions]
        assert detail.decisions[-1].step == "faults"


# Under way


async def begun(bench: Bench, state: str) -> str:
    """The id of the one request under way, once it is so far."""
    await bench.until(lambda: [row.state for row in bench.gateway.requests(under_way=True).under_way] == [state])
    return bench.gateway.requests(under_way=True).under_way[0].request_id


async def test_a_stream_that_is_open_shows_what_it_has_brought():
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n")
        await more.wait()
        peer.send(f"data: {SECRET}\n\n".encode())
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(b"GET /events?token=%b HTTP/1.1\r\nHost: %b\r\n\r\n" % (SECRET.encode(), bench.host))
        name = await begun(bench, "answering")
        await bench.until(lambda: bench.gateway.requests(under_way=True).under_way[0].response_bytes)
        detail = await bench.gateway.inspector.request(name)
        assert (detail.row.seq, detail.row.state, detail.row.kind) == (0, "answering", "sse")
        assert [message.text for message in detail.messages] == ["one"]
        assert detail.sent_line.startswith("GET /events?token=***")
        assert SECRET not in repr(detail)
        assert detail.decisions[-1].text == "200 from a, which goes on"
        more.set()
        async with asyncio.timeout(DEADLINE_S):
            while len(detail.messages) < 2:
                detail = await bench.gateway.inspector.request(name)
        client.reset()
        await bench.until(lambda: bench.gateway.requests().total)
        ended = await bench.gateway.inspector.request(name)
        assert (ended.row.seq, ended.row.state, len(ended.messages)) == (1, "done", 2)


async def test_a_websocket_that_is_open_shows_its_messages():
    async def script(peer: Peer) -> None:
        await peer.head()
        upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        peer.send(upgrade + frame(b"hello"))
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(
            b"GET / HTTP/1.1\r\nHost: %b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" % bench.host
        )
        name = await begun(bench, "answering")
        async with asyncio.timeout(DEADLINE_S):
            while not (detail := await bench.gateway.inspector.request(name)).messages:
                await asyncio.sleep(0.01)
        assert [message.text for message in detail.messages] == ["hello"]


async def test_what_a_request_waits_for_is_told():
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.rest()

    async with scripted(script) as service, gateway({"a": None}) as bench:
        bench.move("a", ServiceState.STARTING)
        client = await bench.connect()
        client.send(b"POST / HTTP/1.1\r\nHost: %b\r\nContent-Length: 2\r\n\r\nhi" % bench.host)
        name = await begun(bench, "held")
        detail = await bench.gateway.inspector.request(name)
        assert [decision.text for decision in detail.decisions[-1:]] == ["none yet: a is not ready"]
        assert any(decision.text.endswith("ms so far") for decision in detail.decisions)
        assert detail.phases[0].name == "held"
        assert detail.sent_line == ""
        bench.serve("a", service.port)
        assert await begun(bench, "waiting") == name
        detail = await bench.gateway.inspector.request(name)
        assert detail.decisions[-1].text == "none yet: a has not answered yet"
        assert detail.request_body.text == "hi"
        assert detail.phases[-1].name == "waited"


async def test_an_id_that_nobody_has():
    async with gateway({"a": None}) as bench:
        with pytest.raises(CommandError, match="request nobody-1 is not remembered"):
            await bench.gateway.inspector.request("nobody-1")
