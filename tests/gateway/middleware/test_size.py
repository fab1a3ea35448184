"""Bodies of requests that are larger than what is taken."""

import pytest

from tests.gateway.harness import OK, PAGE, gateway
from tests.gateway.test_trailers import trailing
from tests.upstreams import answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

ROUTES = [{"path": "/*", "max_body": "10B"}]
CHUNKED = b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n"


async def test_what_says_that_it_is_too_large_is_refused_before_it_comes():
    async with scripted(answering(OK)) as service, gateway({"a": service}, routes=ROUTES) as bench:
        for more in ("", "Expect: 100-continue\r\n"):
            head = f"POST / HTTP/1.1\r\nHost: HOST\r\nOrigin: {PAGE}\r\nContent-Length: 11\r\n{more}\r\n"
            client = await bench.connect()
            client.send(head.encode().replace(b"HOST", bench.host))
            status, _, _, _ = await client.head()
            assert status == 413, "and not 100"
        answer = await bench.get(method="POST", body=b"12345678901", origin=PAGE)
        assert (answer.status, answer.problem["code"], answer.problem["stage"]) == (413, "body-too-large", "request")
        assert answer["access-control-allow-origin"] == PAGE
        assert "10B" in answer.problem["detail"]
        assert not service.peers


async def test_what_fits_passes():
    async with scripted(trailing) as service, gateway({"a": service}, routes=ROUTES) as bench:
        assert (await bench.get()).status == 200
        assert (await bench.ask(CHUNKED + b"4\r\n1234\r\n6\r\n567890\r\n0\r\n\r\n")).body == b"/ 1234567890"
        client = await bench.connect()
        client.send(CHUNKED.replace(b"HOST", bench.host) + b"4\r\n1234\r\n")
        await bench.until(lambda: len(service.peers) and b"1234\r\n" in bytes(service.peers[-1].received))
        client.send(b"6\r\n567890\r\n0\r\n\r\n")
        assert (await client.answer()).body.replace(b" ", b"") == b"/1234567890"


@pytest.mark.parametrize("keys", [{}, {"retry": 2}, {"compress": True}])
@pytest.mark.parametrize("at_once", [True, False])
async def test_what_turns_out_to_be_too_large_is_refused_then(at_once: bool, keys: dict[str, object]):
    async with scripted(trailing) as service, gateway({"a": service}, routes=[ROUTES[0] | keys]) as bench:
        client = await bench.connect()
        client.send(CHUNKED.replace(b"HOST", bench.host) + b"4\r\n1234\r\n")
        if not at_once:
            await bench.until(lambda: service.peers)
        client.send(b"7\r\n5678901\r\n0\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.problem["code"], answer["connection"]) == (413, "body-too-large", "close")
        assert await client.closed() == b""
        assert not service.peers or b"\r\n0\r\n" not in service.peers[0].received
        await bench.until(lambda: bench.entry().instances[0].in_flight == 0)


async def test_a_route_may_take_more_than_the_gateway():
    routes = [{"path": "/large", "max_body": "1KiB"}, {"path": "/any", "max_body": "off"}, {"path": "/*"}]
    async with scripted(answering(OK)) as service, gateway({"a": service}, routes=routes, max_body="10B") as bench:
        for path, size, status in (("/", 11, 413), ("/large", 1024, 200), ("/large", 1025, 413), ("/any", 2000, 200)):
            assert (await bench.get(path, method="PUT", body=b"x" * size)).status == status
