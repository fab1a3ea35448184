"""What each request gets, as a value."""

import json

import pytest

from devgate.stub.answers import Answer, Crash, Reply, Stream, Upgrade, decide, keeps_body
from devgate.stub.behaviour import Behaviour
from devgate.stub.config import StubConfig
from devgate.stub.events import Feed
from devgate.stub.request import KEPT_BODY_LIMIT, Request

WEBSOCKET = [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]


def behaviour(**settings: object) -> Behaviour:
    return Behaviour(
        StubConfig.from_document({"name": "demo", **settings}), port=6688, pid=4711, now=0.0, wall=1700000000.0
    )


def ask(
    stub: Behaviour, method: str, target: str, *headers: tuple[str, str], body: bytes = b"", now: float = 10.0
) -> Answer:
    request = Request(method, target, list(headers), upgrade=headers == tuple(WEBSOCKET))
    request.keeps_body = keeps_body(method, request.path)
    request.feed(body)
    return decide(request, stub, now)


def reply(
    stub: Behaviour, method: str, target: str, *headers: tuple[str, str], body: bytes = b"", now: float = 10.0
) -> Reply:
    answer = ask(stub, method, target, *headers, body=body, now=now)
    assert isinstance(answer, Reply)
    return answer


def document(answer: Reply) -> dict[str, object]:
    assert ("Content-Type", "application/json") in answer.headers
    content = json.loads(answer.body)
    assert isinstance(content, dict)
    return content


def test_health_and_version():
    stub = behaviour(health="/sse/health", version="1.4.0")
    health = reply(stub, "GET", "/sse/health?x")
    assert (health.status, document(health)) == (
        200,
        {"status": "healthy", "service": "demo", "sharedKnowledgeVersion": "1.4.0"},
    )
    version = reply(stub, "GET", "/api/shared-knowledge/status")
    assert document(version) == {"version": "1.4.0", "lastUpdated": "2023-11-14T22:13:20Z"}
    assert stub.requests == 0
    assert document(reply(stub, "GET", "/health"))["path"] == "/health"


@pytest.mark.parametrize(("word", "status"), [("healthy", 200), ("degraded", 200), ("unhealthy", 503)])
def test_health_says_what_it_was_told(word: str, status: int):
    stub = behaviour()
    reply(stub, "POST", "/_stub", body=json.dumps({"health": word}).encode())
    health = reply(stub, "GET", "/health")
    assert (health.status, document(health)["status"]) == (status, word)


def test_until_ready_everything_waits_but_the_switches():
    stub = behaviour(ready_after=5)
    for target in ("/health", "/api/shared-knowledge/status", "/events", "/x"):
        early = reply(stub, "GET", target, now=4.9)
        assert (early.status, document(early)["status"]) == (503, "starting")
        assert ("Retry-After", "1") in early.headers
    assert document(reply(stub, "GET", "/_stub", now=4.9))["ready"] is False
    assert reply(stub, "GET", "/x", now=5.0).status == 200


def test_the_echo_says_everything_raw():
    sent = (("Host", "h"), ("X-a", "1"), ("x-A", "\u00e9"))
    assert document(reply(behaviour(), "PUT", "/a%2Fb/../c?d=%20&d", *sent, body=b"hello")) == {
        "service": "demo",
        "port": 6688,
        "pid": 4711,
        "method": "PUT",
        "path": "/a%2Fb/../c",
        "query": "d=%20&d",
        "target": "/a%2Fb/../c?d=%20&d",
        "headers": [list(pair) for pair in sent],
        "body_bytes": 5,
        "body_sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    }


def test_other_methods_on_known_paths_are_echoed():
    for target in ("/health", "/events", "/api/shared-knowledge/status"):
        assert document(reply(behaviour(), "POST", target))["path"] == target


def test_the_first_canned_answer_wins_over_stream_and_echo_but_not_over_health():
    responses = [{"path": "/events", "body": "mine"}, {"path": "/*", "status": 404}, {"path": "/x", "status": 201}]
    stub = behaviour(responses=responses)
    assert reply(stub, "GET", "/events").body == b"mine"
    assert reply(stub, "GET", "/x").status == 404
    assert reply(stub, "GET", "/health").status == 200
    assert isinstance(ask(stub, "GET", "/x", *WEBSOCKET), Upgrade)


def test_latencies_add_up_and_spare_health():
    stub = behaviour(latency=0.5, responses=[{"path": "/slow", "latency": "2s"}])
    assert reply(stub, "GET", "/slow").delay == 2.5
    assert reply(stub, "GET", "/x").delay == 0.5
    assert reply(stub, "GET", "/health").delay == 0
    assert reply(stub, "GET", "/_stub").delay == 0
    stream = ask(stub, "GET", "/events")
    assert isinstance(stream, Stream)
    assert stream.delay == 0.5


def test_failing_spares_health_and_hits_streams_and_websockets():
    stub = behaviour(fail=1, fail_status=500, responses=[{"path": "/x"}])
    for target in ("/x", "/y", "/events"):
        assert reply(stub, "GET", target).status == 500
    refused = reply(stub, "GET", "/ws", *WEBSOCKET)
    assert (refused.status, refused.close) == (500, True)
    assert reply(stub, "GET", "/health").status == 200


def test_crashes_in_place_of_an_answer():
    stub = behaviour(crash_after_requests=1)
    reply(stub, "GET", "/health")
    reply(stub, "GET", "/x")
    reply(stub, "GET", "/_stub")
    assert isinstance(ask(stub, "GET", "/x"), Crash)


def test_a_stream():
    stream = ask(behaviour(), "GET", "/events?count=2&interval=0", ("Last-Event-ID", "1"), ("last-event-id", "6"))
    assert isinstance(stream, Stream)
    assert stream.feed == Feed(count=2, interval=0, first=7)
    assert ("Content-Type", "text/event-stream; charset=utf-8") in stream.headers
    wrong = reply(behaviour(), "GET", "/events?count=x")
    assert (wrong.status, str(document(wrong)["error"])[:6]) == (400, "count:")


def test_a_websocket_on_any_path():
    stub = behaviour()
    for path in ("/", "/ws", "/health", "/events"):
        assert isinstance(ask(stub, "GET", path, *WEBSOCKET), Upgrade)


def test_a_websocket_of_another_version_is_told_which_is_spoken():
    request = Request("GET", "/", [("Sec-WebSocket-Version", "8")], upgrade=True)
    answer = decide(request, behaviour(), 0.0)
    assert isinstance(answer, Reply)
    assert (answer.status, answer.close) == (426, True)
    assert ("Sec-WebSocket-Version", "13") in answer.headers


def test_switches_are_shown_and_changed():
    stub = behaviour(latency=1)
    shown = document(reply(stub, "GET", "/_stub"))
    assert shown == {
        "service": "demo",
        "port": 6688,
        "pid": 4711,
        "uptime": 10.0,
        "ready": True,
        "requests": 0,
        "latency": 1.0,
        "fail": 0.0,
        "fail_status": 503,
        "version": "1.0.0",
        "health": "healthy",
        "exit_code": 1,
    }
    changed = reply(stub, "POST", "/_stub", body=b'{"latency": "20ms", "version": "2.0.0"}')
    assert document(changed) == {**shown, "latency": 0.02, "version": "2.0.0"}


@pytest.mark.parametrize(
    ("method", "headers", "body", "status"),
    [
        ("POST", (), b"", 400),
        ("POST", (), b"{", 400),
        ("POST", (), b"\xff", 400),
        ("POST", (), b"[]", 400),
        ("POST", (), b'{"latency": -1}', 400),
        ("POST", (), b" " * KEPT_BODY_LIMIT + b"{}", 413),
        ("POST", (("Origin", "https://evil.example"),), b'{"crash": true}', 403),
        ("GET", (("origin", "null"),), b"", 403),
        ("PUT", (), b"{}", 405),
    ],
)
def test_switches_are_not_for_everybody(method: str, headers: tuple[tuple[str, str], ...], body: bytes, status: int):
    stub = behaviour()
    before = stub.switches
    answer = reply(stub, method, "/_stub", *headers, body=body)
    assert (answer.status, answer.crash, stub.switches) == (status, None, before)


def test_told_to_crash_it_answers_first():
    answer = reply(behaviour(), "POST", "/_stub", body=b'{"crash": true, "exit_code": 7}')
    assert (answer.status, document(answer)["exit_code"]) == (202, 7)
    assert answer.crash is not None
