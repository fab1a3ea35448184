"""What services are told of clients behind trusted proxies, and what limits make of it. `test_forward` has the others."""

import pytest

from devgate.gateway.forwarded import appended_lines
from tests.gateway.harness import OK, gateway, parse_fields
from tests.upstreams import answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

REQUEST = (
    b"GET /m/x HTTP/1.1\r\nHost: HOST\r\nX-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n"
    b"Forwarded: for=198.51.100.7\r\n"
    b"X-Forwarded-Host: app.test\r\nX-Forwarded-Prefix: /app/\r\nX-Real-IP: 6.6.6.6\r\nX-User-Id: mallory\r\n\r\n"
)
ROUTES = [{"path": "/m", "strip_prefix": True}]


@pytest.mark.parametrize("trusted", [["127.0.0.0/8"], ["10.0.0.0/8"], []])
async def test_a_trusted_proxy_is_believed_and_added(trusted: list[str]):
    async with (
        scripted(answering(OK)) as service,
        gateway({"a": service}, routes=ROUTES, trusted_proxies=trusted) as bench,
    ):
        await bench.ask(REQUEST)
        pairs = parse_fields(bytes(service.peers[0].received)[:-4].split(b"\r\n")[1:])
        fields = dict(pairs)
        believed = trusted == ["127.0.0.0/8"]
        assert len(pairs) == len(fields)
        assert fields[b"x-forwarded-for"] == (b"198.51.100.7, 127.0.0.1" if believed else b"127.0.0.1")
        assert fields[b"x-forwarded-proto"] == (b"https" if believed else b"http")
        assert fields[b"x-forwarded-host"] == (b"app.test" if believed else bench.host)
        assert fields[b"x-forwarded-prefix"] == (b"/app/m" if believed else b"/m")
        assert fields[b"forwarded"].startswith(b"for=198.51.100.7, for=127.0.0.1;" if believed else b"for=127.0.0.1;")
        assert fields[b"x-real-ip"] == b"127.0.0.1"
        assert b"x-user-id" not in fields


def test_what_it_leaves_out_is_said_as_of_any_client():
    lines = appended_lines([(b"X-Forwarded-For", b"a"), (b"x-forwarded-for", b"b")], "10.0.0.1", b"h:1", 1, b"")
    assert lines.split(b"\r\n")[:5] == [
        b'Forwarded: for=10.0.0.1;host="h:1";proto=http',
        b"X-Forwarded-For: a, b, 10.0.0.1",
        b"X-Forwarded-Host: h:1",
        b"X-Forwarded-Port: 1",
        b"X-Forwarded-Proto: http",
    ]
    assert b"X-Forwarded-Prefix: /a\r\n" in appended_lines([(b"X-Forwarded-Prefix", b"/a")], "10.0.0.1", b"", 1, b"")


async def test_limits_count_for_whom_a_trusted_proxy_asks():
    limits = {"mode": "enforce", "rules": [{"by": "ip", "limit": 1}]}
    for trusted, status in ((["127.0.0.1"], 200), ([], 429)):
        async with (
            scripted(answering(OK)) as service,
            gateway({"a": service}, limits=limits, trusted_proxies=trusted) as bench,
        ):
            assert (await bench.get(x_forwarded_for="198.51.100.1")).status == 200
            assert (await bench.get(x_forwarded_for="198.51.100.2")).status == status
            assert (await bench.get(x_forwarded_for="198.51.100.1")).status == 429
