"""What is foretold of a request is what happens to it."""

from __future__ import annotations

import pytest

from devgate.gateway.table import RoutingTable
from devgate.gateway.threshold import cross
from tests.gateway.handlers.test_tunnel import SHAKE
from tests.gateway.harness import OK, PAGE, gateway
from tests.upstreams import answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

EVIL = b"Origin: https://evil.test\r\n"
ASKED = b"Access-Control-Request-Method: PUT\r\n"


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        (b"GET /x", b""),
        (b"GET /x?a=b", b"Origin: %b\r\n" % PAGE.encode()),
        (b"GET /x", EVIL),
        (b"POST /x", EVIL),
        (b"OPTIONS /x", b""),
        (b"OPTIONS /x", b"Origin: %b\r\n" % PAGE.encode() + ASKED),
        (b"OPTIONS /x", EVIL + ASKED),
        (b"OPTIONS *", b""),
        (b"OPTIONS /x", b"Max-Forwards: 0\r\n"),
        (b"TRACE /x", b""),
        (b"CONNECT x:1", b""),
        (b"GET /a/../b", b""),
        (b"GET /health/live", b""),
        (b"POST /health/live", b"Content-Length: 0\r\n"),
        (b"GET /_devgate/nothing", b""),
        (b"GET http://evil.test/x", b""),
        (b"GET http://localhost/x", b""),
        (b"GET /ws", SHAKE.partition(b"\r\n")[2].partition(b"\r\n")[2].removesuffix(b"\r\n") % EVIL),
    ],
)
async def test_as_it_is_foretold(line: bytes, lines: bytes):
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        answer = await bench.ask(
            b"%b HTTP/1.1\r\nHost: HOST\r\n%b\r\n" % (line, lines), line.partition(b" ")[0].decode()
        )
        method, _, target = line.partition(b" ")
        fields = [tuple(one.split(b": ", 1)) for one in lines.split(b"\r\n") if one]
        table = RoutingTable(bench.profile.routes)
        fields.append((b"host", bench.host))
        foretold = cross(bench.profile, table, method.decode(), target, fields, bench.port)  # type: ignore[arg-type]
        if foretold.status:
            assert answer.status == foretold.status
            assert answer.all("x-devgate-error") == ([foretold.code] if foretold.code else [])
            assert not service.peers
        else:
            assert service.peers
            assert bool(answer.all("access-control-allow-origin")) == foretold.text.endswith("is allowed")


async def test_names_and_ports():
    async with gateway({"a": None}, host="0.0.0.0", hosts=["dev.test"]) as bench:
        table = RoutingTable(bench.profile.routes)

        def code(host: bytes, port: int = 8080) -> str:
            return cross(bench.profile, table, "GET", b"/", [(b"Host", host)], port).code

        assert [
            code(host) for host in (b"dev.test", b"DEV.test:8080", b"127.0.0.1", b"[::1]:8080", b"a.localhost")
        ] == [""] * 5
        assert [code(host) for host in (b"evil.test", b"dev.test:9090")] == ["host-not-allowed"] * 2
        assert code(b"dev.test:9090", 0) == ""  # whatever port it will be
        assert code(b"a b") == "bad-request"
        assert cross(bench.profile, table, "GET", b"/", [], 8080).code == ""
