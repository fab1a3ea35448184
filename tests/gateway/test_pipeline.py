"""The order of the rules, as a page, a browser and a stranger see it from outside."""

import asyncio
import json

import pytest

from devgate.profile.rules_routes import ANSWERED
from tests.gateway.harness import OK, PAGE, Answer, changed, gateway
from tests.upstreams import Peer, answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

ALLOWED = {"access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"}


def cors_names(answer) -> set[str]:  # type: ignore[no-untyped-def]
    return {name.decode() for name, _ in answer.fields if name.startswith(b"access-control-")}


# Host


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:PORT", "127.0.0.1:1", "localhost.evil.test:PORT", "0.0.0.0:PORT"]
)
async def test_a_rebound_name_learns_nothing(host: str):
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        request = f"GET /health HTTP/1.1\r\nHost: {host}\r\nOrigin: {PAGE}\r\n\r\n".replace("PORT", str(bench.port))
        answer = await bench.ask(request.encode())
        assert (answer.status, answer.problem["code"]) == (403, "host-not-allowed")
        assert cors_names(answer) == set()
        assert answer["vary"] == "Origin"


async def test_the_hosts_of_the_profile_are_ours():
    async with scripted(answering(OK)) as service, gateway({"a": service}, hosts=["dev.example.test"]) as bench:
        for host in ("dev.example.test", "app.localhost", f"localhost:{bench.port}", f"[::1]:{bench.port}"):
            assert (await bench.ask(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())).status == 200


# Origin


@pytest.mark.parametrize("origin", [PAGE, "tauri://localhost", "http://tauri.localhost", "https://tauri.localhost"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 200), ("POST", "/", 200), ("GET", "/none", 404), ("DELETE", "/", 405), ("GET", "/down", 503)],
)
async def test_a_page_can_read_every_answer(origin: str, method: str, path: str, status: int):
    routes = [{"path": "/", "methods": ["GET", "POST"]}, {"path": "/down", "service": "b"}]
    async with scripted(answering(OK)) as service, gateway({"a": service, "b": None}, routes=routes) as bench:
        answer = await bench.get(path, method=method, origin=origin)
        assert answer.status == status
        assert answer["access-control-allow-origin"] == origin
        assert cors_names(answer) == ALLOWED
        assert answer["vary"] == "Origin"
        assert len(answer.all("x-request-id")) == 1


async def test_a_page_served_by_the_gateway_may_talk_to_it():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        assert (await bench.get("/", method="POST", origin=f"http://127.0.0.1:{bench.port}")).status == 200


@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://localhost:14200"])
async def test_a_foreign_page_may_look_and_not_touch(origin: str):
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        for method, status in (("GET", 200), ("HEAD", 200), ("POST", 403), ("PUT", 403), ("DELETE", 403)):
            answer = await bench.get("/", method=method, origin=origin)
            assert answer.status == status
            assert cors_names(answer) == set()
            assert answer["vary"] == "Origin"
        assert b"POST" not in bytes(service.peers[0].received)
        problem = (await bench.get("/", method="POST", origin=origin)).problem
        assert problem["code"] == "origin-not-allowed"
        assert origin in problem["detail"]


THEIRS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Origin: a\r\n"
    b"Access-Control-Max-Age: 1\r\nVary: Accept\r\n\r\n"
)


async def test_the_services_own_cors_headers_are_replaced():
    async with scripted(answering(THEIRS)) as service, gateway({"a": service}) as bench:
        answer = await bench.get("/", origin=PAGE)
        assert answer["access-control-allow-origin"] == PAGE
        assert cors_names(answer) == ALLOWED
        assert answer.all("vary") == ["Accept", "Origin"]
        assert cors_names(await bench.get("/")) == set()


async def test_or_kept_where_the_profile_says_so():
    async with (
        scripted(answering(THEIRS)) as service,
        gateway({"a": service}, cors={"upstream": "passthrough"}) as bench,
    ):
        answer = await bench.get("/", origin=PAGE)
        assert answer.all("access-control-allow-origin") == ["*", "a"]
        assert answer["access-control-max-age"] == "1"


@pytest.mark.parametrize("theirs", [b"", b"Access-Control-Allow-Origin: %b\r\n" % PAGE.encode()])
async def test_or_completed(theirs: bytes):
    response = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%b\r\n" % theirs
    async with scripted(answering(response)) as service, gateway({"a": service}, cors={"upstream": "fill"}) as bench:
        answer = await bench.get("/", origin=PAGE)
        assert answer["access-control-allow-origin"] == PAGE
        assert cors_names(answer) == ALLOWED


# Preflight


async def test_a_preflight_is_answered_without_a_service_and_is_nobodys_traffic():
    async with gateway({"a": None}) as bench:
        answer = await bench.get(
            "/any/path?x",
            method="OPTIONS",
            origin=PAGE,
            access_control_request_method="PATCH",
            access_control_request_headers="authorization,x-a",
            x_request_id="named-by-page",
        )
        assert (answer.status, answer.body) == (204, b"")
        assert "content-length" not in answer
        assert answer["access-control-allow-methods"] == "PATCH"
        assert answer["access-control-allow-headers"] == "authorization, x-a"
        assert answer["access-control-max-age"] == "600"
        assert answer.all("x-request-id") == ["named-by-page"]
        await bench.until(lambda: bench.gateway.traffic().in_flight == 0)
        assert (bench.gateway.traffic().total, bench.gateway.requests().total) == (0, 0)


async def test_a_refused_preflight_says_why_and_is_remembered():
    async with gateway({"a": None}) as bench:
        answer = await bench.get("/", method="OPTIONS", origin=PAGE, access_control_request_method="patch")
        assert (answer.status, answer.problem["code"]) == (403, "origin-not-allowed")
        assert "PATCH" in answer.problem["detail"]
        assert cors_names(answer) == set()
        await bench.until(lambda: bench.gateway.requests().total == 1)
        assert bench.gateway.traffic().total == 0


async def test_plain_options_is_the_services_business():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        assert (await bench.get("/x", method="OPTIONS", origin=PAGE)).body == b"ok"
        assert (await bench.get("/x", method="OPTIONS", access_control_request_method="GET")).body == b"ok"
        assert (await bench.get("/x", method="OPTIONS", max_forwards="0")).status == 204
        star = await bench.get("*", method="OPTIONS")
        assert (star.status, "GET" in star["allow"]) == (204, True)
        assert len(star["x-request-id"]) >= 8


async def test_check_knows_which_methods_get_as_far_as_a_route():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        for method in sorted(ANSWERED):
            assert (await bench.get("/x", method=method)).status == 200, method
        for method in ("FETCH", "TRACE", "PRI", "DESCRIBE", "FLUSH", "SETUP"):
            assert (await bench.get("/x", method=method)).status >= 400, method


# Routes


async def test_no_route_names_the_nearest():
    routes = [{"path": "/api/users", "methods": ["GET"]}, {"path": "/api/orders"}]
    async with gateway({"a": None}, routes=routes) as bench:
        problem = (await bench.get("/api/user")).problem
        assert (problem["status"], problem["code"], problem["stage"]) == (404, "no-route", "route")
        assert "GET /api/users" in problem["detail"]
    async with gateway({"a": None}, routes=routes, routes_hint=False) as bench:
        assert "nearest" not in (await bench.get("/api/user")).problem["detail"]


async def test_the_wrong_method_is_told_the_right_ones():
    async with gateway(
        {"a": None}, routes=[{"path": "/x", "methods": ["GET"]}, {"path": "/x", "methods": ["PUT"]}]
    ) as bench:
        answer = await bench.get("/x", method="POST")
        assert (answer.status, answer["allow"]) == (405, "GET, HEAD, PUT")


async def test_a_regular_expression_is_the_last_resort_and_cannot_be_made_to_stall():
    """Python's own would work on each of these paths for years."""
    routes = [{"path": "~/(a|a)*/(.*a){20}b", "strip_prefix": True}, {"path": "/ok"}]
    async with scripted(answering(OK)) as service, gateway({"a": service}, routes=routes) as bench:
        for _ in range(5):
            answers = [bench.get("/" + "a" * 4000 + "/" + "a" * 4000 + tail) for tail in ("", "b", "%62", "c")]
            assert [answer.status for answer in await asyncio.gather(*answers)] == [404, 200, 200, 404]
        assert (await bench.get("/ok")).status == 200


async def test_routes_by_host_and_header():
    async def script(peer: Peer) -> None:
        while True:
            head = (await peer.head()).decode()
            body = f"{service.port} {head.split()[1]}".encode()
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    routes = [
        {"path": "/*", "service": "a"},
        {"path": "/*", "service": "b", "hosts": ["b.localhost"]},
        {"path": "/*", "service": "c", "headers": {"X-C": "*"}},
    ]
    async with (
        scripted(answering(OK)) as a,
        scripted(answering(OK)) as b,
        scripted(answering(OK)) as c,
        gateway({"a": a, "b": b, "c": c}, routes=routes) as bench,
    ):
        service = a
        for _ in range(2):  # from the memo as well
            await bench.get("/")
            await bench.ask(b"GET / HTTP/1.1\r\nHost: b.localhost\r\n\r\n")
            await bench.get("/", x_c="1")
        assert [row.service for row in bench.gateway.requests().rows] == ["a", "b", "c"] * 2


# Own paths


@pytest.mark.parametrize(
    "path", ["/health", "/health/", "/health/live", "/health/ready", "/health/services", "/health/sync"]
)
@pytest.mark.parametrize("prefix", ["", "/_devgate"])
async def test_health_answers_without_any_service(path: str, prefix: str):
    async with gateway({"a": None}) as bench:
        answer = await bench.get(prefix + path, origin=PAGE)
        assert (answer.status, answer["content-type"]) == (200, "application/json")
        assert answer["cache-control"] == "no-store"
        assert answer["access-control-allow-origin"] == PAGE
        json.loads(answer.body)
        head = await bench.get(prefix + path, method="HEAD")
        assert (head.status, int(head["content-length"])) == (200, len(answer.body))
        posted = await bench.get(prefix + path, method="POST")
        assert (posted.status, posted["allow"]) == (405, "GET, HEAD")


async def test_health_may_belong_to_a_service():
    async with scripted(answering(OK)) as service, gateway({"a": service}, health=False) as bench:
        assert (await bench.get("/health")).body == b"ok"
        assert (await bench.get("/_devgate/health")).body != b"ok"


@pytest.mark.parametrize("path", ["/_devgate/", "/_devgate/secrets", "/_devgate"])
async def test_what_is_reserved_never_reaches_a_service(path: str):
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        assert (await bench.get(path)).status == 404
        assert service.peers == []


async def test_names_that_only_begin_like_ours_are_the_services():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        for path in ("/healthy", "/health/other", "/_devgates", "/x/health"):
            assert (await bench.get(path)).body == b"ok"


# For people


async def test_a_navigating_browser_gets_a_page_with_everything_escaped():
    async with gateway({"a": None}) as bench:
        bench.entry().detail = "<script>alert(1)</script>"
        answer = await bench.get("/%3Cb%3E", accept="text/html,*/*", sec_fetch_dest="document")
        page = answer.body.decode()
        assert answer["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in answer["content-security-policy"]
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
        assert answer["x-devgate-error"] == "stopped"
        plain = await bench.get("/", accept="text/html,*/*")
        assert plain["content-type"] == "application/problem+json"


# Count


async def test_traffic_and_record_tell_what_happened():
    async with scripted(answering(OK)) as service, gateway({"a": service, "b": None}) as bench:
        await bench.get("/x?token=abcdef", x_request_id="client-id-1")
        await bench.get("/y", method="POST", body=b"hello")
        await bench.get("/health")
        await bench.until(lambda: bench.gateway.requests().total == 3)
        rows = bench.gateway.requests().rows
        assert [(row.seq, row.method, row.status, row.service, row.route) for row in rows] == [
            (1, "GET", 200, "a", "/*"),
            (2, "POST", 200, "a", "/*"),
            (3, "GET", 200, "", ""),
        ]
        assert rows[0].request_id == "client-id-1"
        assert "abcdef" not in rows[0].path
        assert rows[1].request_bytes == 5
        assert bench.gateway.requests(after=2).rows == rows[2:]
        assert bench.gateway.requests(limit=1).rows == rows[2:]
        traffic = bench.gateway.service_traffic("a")
        assert (traffic.total, traffic.last_status, traffic.in_flight, sum(traffic.spark)) == (2, 200, 0, 2)
        assert traffic.p50_ms is not None
        assert bench.gateway.route_traffic("/*").total == 2
        assert bench.gateway.traffic().total == 3
        assert bench.gateway.service_traffic("b").total == 0
        assert bench.gateway.service_traffic("unknown").total == 0
        assert bench.gateway.seq == 6


async def test_many_at_once():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        answers = await asyncio.gather(*(bench.get(f"/{number}") for number in range(200)))
        assert {answer.status for answer in answers} == {200}
        assert bench.gateway.traffic().in_flight == 0
        assert bench.entry().instances[0].in_flight == 0
        assert len(service.peers) <= 20


async def test_request_lines_are_remembered_within_bounds():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        rules = bench.gateway._pipeline.rules
        for number in range(10_000):
            rules.read("GET", b"/%d" % number)
        rules.read("GET", b"/" + b"a" * 1000)
        assert len(rules._errands) <= 4096
        assert max(len(target) for _, target in rules._errands) <= 256
        for _ in range(3):
            assert (await bench.get("/again?x")).status == 200


# Fields that were read for the request before


async def test_each_request_of_a_connection_is_judged_by_its_own_fields():
    routes = [{"path": "/*"}]
    async with scripted(answering(OK)) as service, gateway({"a": service}, routes=routes) as bench:
        client = await bench.connect()

        async def ask(*lines: str, method: str = "GET", host: bytes = bench.host) -> Answer:
            head = "\r\n".join([f"{method} / HTTP/1.1", f"Host: {host.decode()}", *lines, "", ""])
            client.send(head.encode())
            return await client.answer(method)

        for _ in range(2):
            allowed = await ask(f"Origin: {PAGE}", "X-Mine: 1")
            assert allowed["access-control-allow-origin"] == PAGE
        assert "access-control-allow-origin" not in await ask("X-Mine: 1")
        named = await ask("X-Request-ID: mine-0001")
        again = await ask("X-Request-ID: mine-0001")
        assert (named["x-request-id"], again["x-request-id"]) == ("mine-0001", "mine-0001")
        assert (await ask())["x-request-id"] != (await ask())["x-request-id"]
        assert (await ask("Origin: http://evil.test", method="POST")).status == 403
        assert (await ask("Origin: http://evil.test")).status == 200
        assert (await ask(host=b"evil.test")).status == 403
        assert (await ask()).status == 200
        body = await ask("Content-Length: 0", method="POST")
        assert body.status == 200
    sent = b"".join(peer.received for peer in service.peers)
    assert (sent.count(b"X-Mine: 1\r\n"), sent.count(b"Content-Length: 0\r\n")) == (3, 1)


async def test_what_was_read_under_other_rules_is_read_again():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        request = b"GET / HTTP/1.1\r\nHost: dev.example.test\r\nOrigin: https://page.test\r\n\r\n"
        client.send(request)
        assert (await client.answer()).status == 403
        bench.gateway.apply(changed(bench.profile, gateway={"hosts": ["dev.example.test"]}))
        client.send(request)
        assert "access-control-allow-origin" not in await client.answer()
        cors = {"origins": ["https://page.test"]}
        bench.gateway.apply(changed(bench.profile, gateway={"hosts": ["dev.example.test"], "cors": cors}))
        client.send(request)
        assert (await client.answer())["access-control-allow-origin"] == "https://page.test"
        bench.gateway.apply(bench.profile)
        client.send(request)
        assert (await client.answer()).status == 403


async def test_an_absolute_target_names_the_host_whatever_was_read_before():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        fields = b"Host: %b\r\nOrigin: %b\r\n\r\n" % (bench.host, PAGE.encode())
        for target, status in ((b"/", 200), (b"http://evil.test/", 403), (b"http://localhost/", 200), (b"/", 200)):
            client.send(b"GET %b HTTP/1.1\r\n%b" % (target, fields))
            assert (await client.answer()).status == status
