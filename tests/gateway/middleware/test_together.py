"""Several things at once on one route, and with a handler that tries again and keeps answers."""

import gzip

import pytest

from devgate.model.fault import Fault
from tests.gateway.harness import OK, gateway
from tests.upstreams import answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

TEXT = b"all work and no play makes a dull gateway\n" * 500
KEPT = (
    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: text/plain\r\nCache-Control: max-age=60\r\n"
    b'ETag: "one"\r\nSet-Nothing: 1\r\n\r\n%b' % (len(TEXT), TEXT)
)
BAD = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


async def test_kept_answers_are_compressed_for_whom_takes_it_and_edited_once() -> None:
    routes = [{"path": "/*", "cache": True, "compress": True, "response_headers": {"add": {"X-A": "1"}}}]
    async with scripted(answering(*[KEPT] * 4)) as service, gateway({"a": service}, routes=routes) as bench:
        seen = []
        for accept in ("gzip", "identity", "gzip", "identity"):
            answer = await bench.get(accept_encoding=accept)
            packed = "content-encoding" in answer
            assert packed is (accept == "gzip")
            assert (gzip.decompress(answer.body) if packed else answer.body) == TEXT
            assert answer["x-a"] == "1"
            assert answer["etag"] == ('W/"one"' if packed else '"one"')
            seen.append(answer["x-cache"])
        assert seen == ["MISS", "MISS", "HIT", "HIT"]
        same = await bench.get(accept_encoding="gzip", if_none_match='W/"one"')
        assert same.status == 304


async def test_limits_are_told_of_kept_answers_and_not_kept_with_them() -> None:
    routes = [{"path": "/*", "cache": True, "limits": [{"by": "ip", "limit": 9}]}]
    async with scripted(answering(KEPT)) as service, gateway({"a": service}, routes=routes) as bench:
        assert [(await bench.get())["x-ratelimit-remaining"] for _ in range(3)] == ["8", "7", "6"]


async def test_a_slow_answer_that_needed_a_second_try() -> None:
    routes = [{"path": "/*", "retry": 2, "fault": {"throttle": "1MiB", "latency": "10ms"}}]
    async with scripted(answering(BAD, OK)) as service, gateway({"a": service}, routes=routes) as bench:
        answer = await bench.get()
        assert (answer.status, answer.body) == (200, b"ok")
        assert service.peers[0].received.count(b"GET ") == 2


async def test_a_failure_on_purpose_is_not_tried_again_nor_hidden() -> None:
    routes = [{"path": "/*", "retry": 2, "cache": "5m"}]
    async with scripted(answering(KEPT)) as service, gateway({"a": service}, routes=routes) as bench:
        assert (await bench.get()).status == 200
        bench.gateway.set_fault("/*", Fault(status=502), 60.0)
        assert (await bench.get()).problem["code"] == "fault"


async def test_everything_at_once() -> None:
    routes = [
        {
            "path": "/*",
            "retry": 1,
            "compress": True,
            "limits": [{"by": "global", "limit": 5}],
            "request_headers": {"set": {"X-Env": "test"}},
            "response_headers": {"remove": ["Set-Nothing"]},
            "cookies": {"path": "/"},
            "fault": {"latency": "1ms", "throttle": "10MiB"},
        }
    ]
    async with scripted(answering(*[KEPT] * 3)) as service, gateway({"a": service}, routes=routes) as bench:
        client = await bench.connect()
        for left in ("4", "3", "2"):
            client.send(b"GET / HTTP/1.1\r\nHost: %b\r\nAccept-Encoding: gzip\r\n\r\n" % bench.host)
            answer = await client.answer()
            assert gzip.decompress(answer.body) == TEXT
            assert answer["x-ratelimit-remaining"] == left
            assert answer["x-devgate-fault"] == "1ms late, 10MiB/s"
            assert "set-nothing" not in answer
        assert service.peers[0].received.count(b"X-Env: test") == 3
