"""The order of the rules (SEMANTICS 3.0): where everything would refuse a request, each stage is heard before the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devgate.model.fault import Fault
from devgate.model.status import Forced, ServiceState
from tests.gateway.harness import PAGE, changed, gateway
from tests.upstreams import answering, scripted

if TYPE_CHECKING:
    from tests.gateway.harness import Answer, Bench

KEPT = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 4\r\n\r\nkept"
STRANGER = "https://stranger.example"
ONE_A_DAY = {"limit": 1, "window": "1d"}
ROUTE = {"path": "/a", "service": "a", "cache": "10m"}
LIMITED = ROUTE | {"limits": [{"by": "user"} | ONE_A_DAY]}


def apply(bench: Bench, route: dict[str, Any], *limits: dict[str, Any]) -> None:
    gateway = {"limits": {"mode": "enforce", "rules": list(limits)}}
    bench.gateway.apply(changed(bench.profile, gateway=gateway, routes=[route]))


def code(answer: Answer) -> str:
    return str(answer.problem["code"])


async def post(bench: Bench, path: str, **headers: str) -> str:
    return code(await bench.get(path, method="POST", body=b"too much", **headers))


async def test_before_the_route_and_its_gates():
    async with scripted(answering(KEPT)) as service, gateway({"a": service}, routes=[ROUTE]) as bench:
        everybody = {"by": "ip"} | ONE_A_DAY
        apply(bench, LIMITED, everybody)
        assert (await bench.get("/a")).body == b"kept"  # and both limits are used up
        apply(bench, LIMITED | {"max_body": "1B"}, everybody)
        bench.gateway.set_fault("/a", Fault(status=599), 600)
        bench.move("a", ServiceState.STOPPED)

        evil = b"POST /x HTTP/1.1\r\nHost: evil.example\r\nOrigin: %b\r\n\r\n" % STRANGER.encode()
        assert code(await bench.ask(evil)) == "host-not-allowed"
        assert await post(bench, "/x", origin=STRANGER) == "origin-not-allowed"
        preflight = {"origin": PAGE, "access_control_request_method": "POST"}
        assert (await bench.get("/a", method="OPTIONS", **preflight)).status == 204
        assert (await bench.get("/health/live")).status == 200
        assert await post(bench, "/x") == "quota-exceeded"
        apply(bench, LIMITED | {"max_body": "1B"})
        assert await post(bench, "/x") == "no-route"
        assert await post(bench, "/a") == "body-too-large"
        assert code(await bench.get("/a")) == "quota-exceeded"


async def test_behind_them():
    async with scripted(answering(KEPT)) as service, gateway({"a": service}, routes=[ROUTE]) as bench:
        assert (await bench.get("/a")).body == b"kept"
        bench.gateway.set_fault("/a", Fault(status=599, count=False), 600)
        bench.move("a", ServiceState.STOPPED)
        bench.gateway.force_breaker("a", Forced.OPEN)

        assert (await bench.get("/a")).status == 599
        bench.gateway.clear_faults()
        assert (await bench.get("/a")).body == b"kept"
        assert code(await bench.get("/a?not=kept")) == "stopped"
        bench.serve("a", service.port)
        assert code(await bench.get("/a?not=kept")) == "circuit-open"
        bench.gateway.reset_breaker("a")
        assert (await bench.get("/a?not=kept")).status == 200
