"""The control API on a real socket: what goes out, what is refused, and how it ends."""

import asyncio
import json
import logging
import time

import pytest

from devgate.errors import CommandError, ProfileError
from devgate.model import wire
from devgate.model.plan import Plan
from devgate.model.query import LogSlice, RequestPage
from devgate.model.snapshot import Snapshot
from devgate.model.status import Forced
from tests.admin.running import Api, serving
from tests.deadline import DEADLINE_S
from tests.tui.fake_control import PLAN, FakeControl, log_lines, request_rows, sample


@pytest.fixture
def control() -> FakeControl:
    return FakeControl(sample(), lines=log_lines(), requests_=request_rows())


@pytest.fixture
async def api(control: FakeControl):
    async with serving(control) as api:
        yield api


async def test_the_snapshot_is_whole(api: Api, control: FakeControl) -> None:
    reply = await api.ask("GET", "/v1/snapshot")
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("application/json")
    assert reply.headers["cache-control"] == "no-store"
    assert wire.decode(Snapshot, reply.json()) == control.now


async def test_an_unchanged_snapshot_need_not_be_sent(api: Api, control: FakeControl) -> None:
    tag = (await api.ask("GET", "/v1/snapshot")).headers["etag"]
    again = await api.ask("GET", "/v1/snapshot", headers={"If-None-Match": tag})
    assert (again.status, again.body) == (304, b"")
    control.change(ready=1)
    changed = await api.ask("GET", "/v1/snapshot", headers={"If-None-Match": tag})
    assert changed.status == 200
    assert changed.headers["etag"] != tag


async def test_waits_until_there_is_something_new(api: Api, control: FakeControl) -> None:
    waiting = asyncio.ensure_future(api.ask("GET", f"/v1/snapshot?after={control.now.seq}&wait=30s"))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not done
    control.change(ready=3)
    assert (await waiting).json()["ready"] == 3


async def test_waits_no_longer_than_asked(api: Api, control: FakeControl) -> None:
    reply = await api.ask("GET", f"/v1/snapshot?after={control.now.seq}&wait=50ms")
    assert reply.json()["seq"] == control.now.seq


async def test_does_not_wait_where_something_is_new_already(api: Api, control: FakeControl) -> None:
    async with asyncio.timeout(20):  # less than it would wait
        await api.ask("GET", f"/v1/snapshot?after={control.now.seq - 1}&wait=30s")


async def test_whoever_waits_is_answered_when_it_ends(control: FakeControl) -> None:
    async with serving(control) as api:
        waiting = asyncio.ensure_future(api.ask("GET", f"/v1/snapshot?after={control.now.seq}&wait=30s"))
        await asyncio.wait([waiting], timeout=0.1)
        began = time.monotonic()
    assert (await waiting).status == 200
    assert time.monotonic() - began < 15


async def test_logs_of_one_of_several_and_of_all(api: Api, control: FakeControl) -> None:
    reply = await api.ask("GET", "/v1/logs?limit=3")
    slice_ = wire.decode(LogSlice, reply.json())
    assert len(slice_.lines) == 3
    none = await api.ask("GET", "/v1/logs?service=a&service=b")
    assert none.json()["lines"] == []
    rest = wire.decode(LogSlice, (await api.ask("GET", f"/v1/logs?after={slice_.next - 1}")).json())
    assert [line.seq for line in rest.lines] == [slice_.next]


async def test_requests(api: Api) -> None:
    page = wire.decode(RequestPage, (await api.ask("GET", "/v1/requests?limit=2")).json())
    assert len(page.rows) == 2
    assert page.total == 60


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("/v1/services/fechatter-server/start", ("start", "fechatter-server")),
        ("/v1/services/fechatter-server/stop", ("stop", "fechatter-server")),
        ("/v1/services/fechatter-server/restart", ("restart", "fechatter-server")),
        ("/v1/services/fechatter-server/kill", ("kill", "fechatter-server")),
        ("/v1/services/a%2Fb/kill", ("kill", "a/b")),
        ("/v1/breakers/bot-server/reset", ("reset", "bot-server")),
        ("/v1/sync/check", ("check",)),
    ],
)
async def test_commands(api: Api, control: FakeControl, target: str, asked: tuple[str, ...]) -> None:
    reply = await api.ask("POST", target)
    assert (reply.status, reply.body) == (204, b"")
    assert control.asked == [asked]


@pytest.mark.parametrize("forced", Forced)
async def test_a_breaker_is_overruled(api: Api, control: FakeControl, forced: Forced) -> None:
    reply = await api.ask("POST", "/v1/breakers/chat/force", wire.encode({"forced": forced}).encode())
    assert (reply.status, control.asked) == (204, [("force", "chat", forced)])


@pytest.mark.parametrize("body", [b"", b"{}", b'{"forced": null}', b'{"forced": "ajar"}', b'{"forced": ["open"]}'])
async def test_a_breaker_is_not_overruled_by_nonsense(api: Api, control: FakeControl, body: bytes) -> None:
    reply = await api.ask("POST", "/v1/breakers/chat/force", body)
    assert (reply.status, reply.json()["code"], control.asked) == (400, "bad-request", [])
    assert "forced" in reply.json()["detail"]


async def test_getting_changes_nothing(api: Api, control: FakeControl) -> None:
    reply = await api.ask("GET", "/v1/services/fechatter-server/stop")
    assert reply.status == 405
    assert reply.json()["code"] == "method-not-allowed"
    assert control.asked == []


async def test_restart_with_dependents(api: Api, control: FakeControl) -> None:
    await api.ask("POST", "/v1/services/x/restart", b'{"dependents": true}', headers={"Content-Type": "text/plain"})
    assert control.asked == [("restart", "x", "dependents")]


async def test_profiles_are_listed_proposed_and_applied(api: Api, control: FakeControl) -> None:
    assert "fechatter/ha" in (await api.ask("GET", "/v1/profiles")).json()["profiles"]
    proposed = await api.ask("POST", "/v1/profiles/propose", b'{"source": "fechatter/ha"}')
    plan = wire.decode(Plan, proposed.json())
    assert plan == PLAN.__class__(**{**wire.plain(PLAN), "name": "fechatter/ha"})
    body = wire.encode({"plan": plan, "by": "test"}).encode()
    applied = await api.ask("POST", "/v1/profiles/apply", body)
    assert wire.decode(Plan, applied.json()) == plan
    assert control.asked == [("propose", "fechatter/ha"), ("apply", "fechatter/ha", "test")]


@pytest.mark.parametrize("agreed", [None, False, True, 1, "yes"])
async def test_only_true_agrees_to_new_commands(api: Api, control: FakeControl, agreed: object) -> None:
    body = {"plan": PLAN, "by": "test"} | ({} if agreed is None else {"agreed": agreed})
    reply = await api.ask("POST", "/v1/profiles/apply", wire.encode(body).encode())
    if agreed in (None, False, True) and type(agreed) is not int:
        assert reply.status == 200
        assert control.asked == [("apply", PLAN.source, "test", *(["agreed"] if agreed else []))]
    else:
        assert reply.status == 400
        assert not control.asked


async def test_no_source_is_the_running_profile(api: Api, control: FakeControl) -> None:
    await api.ask("POST", "/v1/profiles/propose")
    await api.ask("POST", "/v1/profiles/propose", b'{"source": null}')
    assert control.asked == [("propose", None)] * 2


@pytest.mark.parametrize(("body", "now"), [(b"", ()), (b'{"reason": "test", "now": true}', ("now",))])
async def test_stop_is_answered_at_once(api: Api, control: FakeControl, body: bytes, now: tuple[str, ...]) -> None:
    reply = await api.ask("POST", "/v1/stop", body)
    assert reply.status == 202
    assert control.asked == [("request_stop", "test" if now else "api", *now)]


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/v1/services/x/restart", b"{"),
        ("POST", "/v1/services/x/restart", b"[1]"),
        ("POST", "/v1/services/x/restart", b'{"dependents": "yes"}'),
        ("POST", "/v1/services/x/restart", b"\xff\xfe{}"),
        ("POST", "/v1/services/x/restart", b'{"a":' * 20_000),
        ("POST", "/v1/profiles/propose", b'{"source": 5}'),
        ("POST", "/v1/profiles/apply", b""),
        ("POST", "/v1/profiles/apply", b'{"plan": {}}'),
        ("POST", "/v1/stop", b'{"now": 1}'),
        ("GET", "/v1/snapshot?after=x", b""),
        ("GET", "/v1/snapshot?wait=5", b""),
        ("GET", "/v1/snapshot?wait=", b""),
        ("GET", "/v1/logs?after=-1", b""),
        ("GET", "/v1/logs?limit=%D9%A1", b""),
        ("GET", "/v1/logs?limit=" + "9" * 5000, b""),
        ("GET", "/v1/requests?limit=1.5", b""),
    ],
)
async def test_nonsense_is_refused_and_not_carried_out(
    api: Api, control: FakeControl, method: str, target: str, body: bytes
) -> None:
    reply = await api.ask(method, target, body)
    assert reply.status == 400
    assert reply.headers["content-type"].startswith("application/problem+json")
    assert reply.json()["code"] == "bad-request"
    assert len(reply.json()["detail"]) < 300
    assert control.asked == []


async def test_a_huge_body_is_refused(api: Api) -> None:
    reply = await api.ask("POST", "/v1/profiles/apply", b" " * (2**20 + 1))
    assert reply.status == 413
    assert reply.json()["code"] == "body-too-large"


async def test_unknown_paths_are_told_only_to_whom_they_concern(api: Api) -> None:
    assert (await api.ask("GET", "/v1/nothing")).json()["code"] == "not-found"
    assert (await api.ask("GET", "/v1/nothing", headers={"Authorization": ""})).status == 401


async def test_a_stranger_gets_no_answer_and_no_permission(api: Api, control: FakeControl) -> None:
    for headers, status in (
        ({"Authorization": ""}, 401),
        ({"Host": "evil.example"}, 403),
        ({"Origin": "http://localhost:1420"}, 403),
    ):
        for method, target in (
            ("GET", "/v1/snapshot"),
            ("POST", "/v1/stop"),
            ("OPTIONS", "/v1/stop"),
            ("GET", "/v1/events"),
        ):
            reply = await api.ask(method, target, headers=headers)
            assert reply.status == status, (method, target)
            assert not any(name.startswith("access-control") for name in reply.headers)
    assert control.asked == []
    unauthorized = await api.ask("GET", "/v1/snapshot", headers={"Authorization": ""})
    assert unauthorized.headers["www-authenticate"].startswith("Bearer")


async def test_a_refusal_carries_all_that_the_command_line_says(api: Api, control: FakeControl) -> None:
    control.refuses = CommandError("no", hint="do", code="unknown-service", status=404, exit_code=2)
    reply = await api.ask("POST", "/v1/services/x/start")
    assert reply.status == 404
    assert reply.headers["x-devgate-error"] == "unknown-service"
    assert reply.json() == {
        "type": "about:blank", "title": "Not Found", "status": 404, "detail": "no", "code": "unknown-service", "hint": "do",
        "exit_code": 2,
    }  # fmt: skip


async def test_a_profile_that_does_not_load_names_its_problems(api: Api, control: FakeControl) -> None:
    control.refuses = ProfileError("2 problems", ["a.yaml:1:2: x", "a.yaml:3:4: y"])
    reply = await api.ask("POST", "/v1/profiles/propose", b'{"source": "a"}')
    assert reply.status == 422
    assert reply.json()["problems"] == ["a.yaml:1:2: x", "a.yaml:3:4: y"]


async def test_a_bug_is_contained_and_tells_no_secret(
    api: Api, control: FakeControl, caplog: pytest.LogCaptureFixture
) -> None:
    control.refuses = RuntimeError("password=hunter2")
    with caplog.at_level(logging.ERROR):
        reply = await api.ask("POST", "/v1/services/x/start")
    assert reply.status == 500
    assert reply.json()["code"] == "internal-error"
    assert b"hunter2" not in reply.body
    assert "hunter2" in caplog.text
    control.refuses = None
    assert (await api.ask("POST", "/v1/services/x/start")).status == 204


async def test_nonsense_on_the_wire_hurts_nobody(api: Api) -> None:
    for nonsense in (b"\x00\xff\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET"):
        _, writer = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write(nonsense)
        await writer.drain()
        writer.close()
    assert (await api.ask("GET", "/v1/snapshot")).status == 200


async def test_it_listens_on_loopback_only_and_says_where(api: Api) -> None:
    assert api.api.url == f"http://127.0.0.1:{api.port}"


async def test_an_api_that_was_never_started_closes(control: FakeControl) -> None:
    from devgate.admin.app import ControlApi
    from devgate.bus import Bus

    await ControlApi(control, Bus(), "x").aclose()


async def test_json_is_ascii(api: Api, control: FakeControl) -> None:
    control.change(profile="\x9b31m\u202e")
    body = (await api.ask("GET", "/v1/snapshot")).body
    assert body.isascii()
    assert json.loads(body)["profile"] == "\x9b31m\u202e"


async def test_a_picture_is_as_new_as_the_question(
    api: Api, control: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = control.now
    control.change(ready=2)
    looks = iter([old, old])  # a picture that is shared for a while
    monkeypatch.setattr(FakeControl, "snapshot", lambda self: next(looks, self.now))
    assert (await api.ask("GET", "/v1/snapshot")).json()["ready"] == 2


async def test_a_picture_that_never_comes_is_not_waited_for(
    api: Api, control: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devgate.admin.observe.SETTLE_S", 0.05)
    old = control.now
    control.change(ready=2)
    monkeypatch.setattr(FakeControl, "snapshot", lambda self: old)
    assert (await api.ask("GET", "/v1/snapshot")).json()["seq"] == old.seq


async def test_nobody_has_to_wait_for_the_state(
    api: Api, control: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = asyncio.Event()

    async def start(self: FakeControl, name: str, *, dependents: bool = False) -> None:
        await slow.wait()
        self.asked.append(("started", name))

    monkeypatch.setattr(FakeControl, "start", start)
    reply = await api.ask("POST", "/v1/services/x/start", b'{"wait": false}')
    assert reply.status == 202
    assert control.asked == []
    slow.set()
    async with asyncio.timeout(DEADLINE_S):
        while not control.asked:
            await asyncio.sleep(0.01)


async def test_whoever_does_not_wait_still_hears_of_an_early_refusal(api: Api, control: FakeControl) -> None:
    events = api.bus.subscribe()
    control.refuses = CommandError("no such service", code="unknown-service", status=404)
    reply = await api.ask("POST", "/v1/services/x/start", b'{"wait": false}')
    assert (reply.status, reply.json()["code"]) == (404, "unknown-service")
    assert events.drain() == []  # a refusal is no bug in devgate


@pytest.mark.parametrize("body", [b"", b'{"columns": "80", "rows": 24}', b'{"columns": true, "rows": 24}', b"[80, 24]"])
async def test_a_size_is_two_whole_numbers(api: Api, control: FakeControl, body: bytes) -> None:
    reply = await api.ask("POST", "/v1/services/web/size", body)
    if body:
        assert reply.status == 400
        assert control.asked == []
    else:
        assert control.asked == [("resize", "web", 0, 0)]  # who owns the terminal refuses that


async def test_what_is_typed_needs_the_token(api: Api, control: FakeControl) -> None:
    for target in ("/v1/services/web/input", "/v1/services/web/size"):
        assert (await api.ask("POST", target, b"x", headers={"Authorization": ""})).status == 401
    assert control.asked == []


async def test_no_more_is_typed_at_once_than_a_body_may_hold(api: Api, control: FakeControl) -> None:
    assert (await api.ask("POST", "/v1/services/web/input", b"x" * (2**20 + 1))).status == 413
    assert control.asked == []


HOSTILE = {
    "target": b"GET /\x1b]52;c;aGk=\x07<script> HTTP/9.9\r\n\r\n",
    "method": b"<SCRIPT> / HTTP/1.1\r\nHost: x\r\n\r\n",
    "field": b"GET / HTTP/1.1\r\nHost: x\r\nA\x00B: <script>\r\n\r\n",
    "framing": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n<script>",
    "long target": b"GET /" + b"<script>" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "long field": b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"<script>" * 2000 + b"\r\n\r\n",
    "many fields": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: <script>\r\n" * 200 + b"\r\n",
    "tls": b"\x16\x03\x01\x02\x00<script>\r\n\r\n",
}


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
async def test_what_does_not_parse_is_neither_told_back_nor_logged(
    api: Api, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    reply = await api.send(sent)
    assert reply.status == 400
    assert reply.headers["content-type"].startswith("application/problem+json")
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert b"script" not in reply.body.lower()
    assert reply.json()["code"] == "bad-request"
    assert caplog.records == []


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://evil.example/v1/snapshot", 403),
        ("http://user@127.0.0.1/v1/snapshot", 400),
        ("ftp://127.0.0.1/v1/snapshot", 400),
        ("http://localhost/v1/snapshot", 200),
    ],
)
async def test_a_name_in_the_target_counts_as_host(api: Api, target: str, status: int) -> None:
    reply = await api.ask("GET", target)
    assert reply.status == status


async def test_a_body_that_does_not_parse_is_no_bug(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    sent = {"Content-Length": "", "Transfer-Encoding": "chunked"}
    reply = await api.ask("POST", "/v1/stop", b"zz\r\n{}\r\n0\r\n\r\n", headers=sent, version="1.1")
    assert (reply.status, reply.json()["code"]) == (400, "bad-request")
    assert caplog.records == []
