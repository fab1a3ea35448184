"""Limits on the wire: headers, refusals, phases."""

import json
from typing import Any

import pytest

from devgate.gateway.middleware.limits import PROBLEM, _network, enforced
from devgate.model.profile import Profile
from tests.gateway.handlers.test_tunnel import SHAKE, echo
from tests.gateway.harness import OK, PAGE, Bench, gateway
from tests.upstreams import answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

MANY = answering(*[OK] * 50)


def rules(*written: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"mode": "enforce", "rules": list(written), **more}


def standing(answer: Any) -> tuple[str, str]:
    return answer["x-ratelimit-limit"], answer["x-ratelimit-remaining"]


async def test_counts_down_and_refuses_so_that_page_code_can_read_it() -> None:
    limits = rules({"by": "ip", "limit": 2, "window": "1h"})
    async with scripted(MANY) as service, gateway({"a": service}, limits=limits) as bench:
        assert [standing(await bench.get()) for _ in range(2)] == [("2", "1"), ("2", "0")]
        answer = await bench.get("/x", origin=PAGE)
        assert answer.status == 429
        assert answer["access-control-allow-origin"] == PAGE
        problem = answer.problem
        assert problem["type"] == PROBLEM
        assert problem["violated-policies"] == ["per_ip"]
        assert problem["stage"] == "limits"
        assert 3590 <= int(answer["retry-after"]) <= 3600
        assert answer["ratelimit-policy"] == '"per_ip";q=2;w=3600'
        assert answer["ratelimit"] == f'"per_ip";r=0;t={answer["retry-after"]}'
        assert service.peers[0].received.count(b"GET ") == 2
        (row,) = bench.gateway.limits()
        assert (row.name, row.route, row.limit, row.over, row.enforced) == ("per_ip", "", 2, 1, True)
        assert row.over_s is not None
        assert row.over_s < 60


async def test_reset_is_a_moment_or_a_time() -> None:
    import time

    for form, low, high in (("unix", time.time() + 3000, time.time() + 4000), ("delta", 3590, 3600)):
        limits = rules({"by": "global", "limit": 9, "window": "1h"}, reset_format=form)
        async with scripted(MANY) as service, gateway({"a": service}, limits=limits) as bench:
            assert low <= int((await bench.get())["x-ratelimit-reset"]) <= high


async def test_told_of_and_not_refused() -> None:
    limits = {**rules({"by": "ip", "limit": 1}), "mode": "report"}
    async with scripted(MANY) as service, gateway({"a": service}, limits=limits) as bench:
        assert [((await bench.get()).status) for _ in range(4)] == [200] * 4
        assert standing(await bench.get()) == ("1", "0")
        (row,) = bench.gateway.limits()
        assert (row.over, row.enforced) == (4, False)


@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [
        ("fechatter/development", None, False),
        ("dev", None, False),
        ("fechatter/production", None, True),
        ("", None, True),
        ("dev", "enforce", True),
        ("x", "report", False),
    ],
)
def test_what_happens_where_nobody_said(name: str, mode: str | None, expected: bool) -> None:
    profile = Profile.model_validate({"name": name, "gateway": {"limits": {"mode": mode}}})
    assert enforced(profile) is expected


async def test_the_tightest_rule_is_told_and_all_are_named() -> None:
    limits = rules({"by": "global", "limit": 10}, {"by": "ip", "limit": 3, "name": "mine"})
    routes = [{"path": "/*", "limits": [{"by": "endpoint", "limit": 5}]}]
    async with scripted(MANY) as service, gateway({"a": service}, limits=limits, routes=routes) as bench:
        answer = await bench.get()
        assert standing(answer) == ("3", "2")
        assert answer["ratelimit-policy"] == '"global";q=10;w=60, "mine";q=3;w=60, "per_endpoint";q=5;w=60'


async def test_what_the_second_phase_refuses_the_first_has_not_counted() -> None:
    limits = rules({"by": "global", "limit": 5}, {"by": "user", "limit": 2})
    async with scripted(MANY) as service, gateway({"a": service}, limits=limits) as bench:
        answers = [await bench.get() for _ in range(6)]
        assert [one.status for one in answers] == [200] * 2 + [429] * 4
        assert answers[-1].problem["violated-policies"] == ["per_user"]
        bench.gateway.apply(bench.profile)
        (whole, user) = bench.gateway._inventory.limits._limiters.values()
        assert whole.window("").left(bench.gateway._clock.now()) == 3
        assert user.refused == 4


async def test_a_refusal_of_the_second_phase_tells_how_it_stands_after_what_was_given_back() -> None:
    limits = rules({"by": "global", "limit": 2, "window": "1h"})
    routes = [{"path": "/*", "limits": [{"by": "ip", "limit": 1, "window": "1m"}]}]
    async with scripted(MANY) as service, gateway({"a": service}, limits=limits, routes=routes) as bench:
        await bench.get()
        answer = await bench.get()  # the last one of the hour, had the route let it through
        assert (answer.status, answer.problem["violated-policies"]) == (429, ["per_ip"])
        assert standing(answer) == ("1", "0")
        assert answer["ratelimit"] == f'"per_ip";r=0;t={answer["retry-after"]}'
        assert 50 <= int(answer["retry-after"]) <= 60


async def test_paths_and_methods_and_what_has_no_route() -> None:
    limits = rules({"by": "endpoint", "limit": 1, "path": "/api/{x}"}, {"by": "ip", "limit": 2, "path": "/none"})
    routes = [{"path": "/api/*"}]
    async with scripted(MANY) as service, gateway({"a": service}, limits=limits, routes=routes) as bench:
        assert (await bench.get("/api/a")).status == 200
        assert (await bench.get("/api/b")).status == 429
        assert (await bench.get("/api/b", method="HEAD")).status == 429
        assert (await bench.get("/api/b", method="DELETE")).status == 200
        assert "x-ratelimit-limit" not in await bench.get("/api/a/b")
        assert [(await bench.get("/none")).status for _ in range(3)] == [404, 404, 429]


async def test_handshakes_are_counted_and_told() -> None:
    async with echo() as service, gateway({"a": service}, limits=rules({"by": "ip", "limit": 1})) as bench:
        first = await bench.ask(SHAKE % b"")
        assert (first.status, standing(first)) == (101, ("1", "0"))
        assert (await bench.ask(SHAKE % b"")).status == 429


async def test_the_gateways_own_paths_and_preflights_are_free() -> None:
    async with scripted(MANY) as service, gateway({"a": service}, limits=rules({"by": "ip", "limit": 1})) as bench:
        for _ in range(3):
            assert (await bench.get("/health/live")).status == 200
            preflight = await bench.get("/", method="OPTIONS", origin=PAGE, access_control_request_method="GET")
            assert preflight.status == 204
        assert (await bench.get()).status == 200


async def test_counts_survive_a_reload_and_a_new_rule_begins_anew() -> None:
    limits = rules({"by": "ip", "limit": 2})
    async with scripted(MANY) as service, gateway({"a": service}, limits=limits) as bench:
        await bench.get()
        bench.gateway.apply(bench.profile.model_copy(update={"description": "other"}))
        assert standing(await bench.get()) == ("2", "0")
        wider = json.loads(json.dumps({**limits, "rules": [{"by": "ip", "limit": 3}]}))
        gateway_spec = bench.profile.gateway.model_copy(
            update={"limits": type(bench.profile.gateway.limits).model_validate(wider)}
        )
        bench.gateway.apply(bench.profile.model_copy(update={"gateway": gateway_spec}))
        assert standing(await bench.get()) == ("3", "2")


async def test_a_failure_tells_how_it_stands_and_the_services_own_word_is_replaced() -> None:
    told = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nx-ratelimit-limit: 7\r\nRateLimit: x\r\n\r\n"
    limits = rules({"by": "ip", "limit": 9})
    async with scripted(answering(told)) as service, gateway({"a": service, "b": None}, limits=limits) as bench:
        assert standing(await bench.get()) == ("9", "8")
    async with gateway({"b": None}, limits=limits) as bench:
        answer = await bench.get()
        assert answer.status == 503
        assert standing(answer) == ("9", "8")


class Peer:
    def __init__(self, peer: str) -> None:
        self.peer = peer


@pytest.mark.parametrize(
    ("peer", "key"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("", ""),
    ],
)
def test_whom_an_address_stands_for(peer: str, key: str) -> None:
    class Asked:
        client = Peer(peer)

    assert _network(None, Asked()) == key  # type: ignore[arg-type]


async def test_a_limit_costs_no_task(bench_of_one: Bench) -> None:
    """A gate is asked at once: a request that has an idle connection still wakes no task."""
    await bench_of_one.get()
    assert bench_of_one.gateway._pipeline.rules.lanes[0].chain is not None
    assert not bench_of_one.gateway._pipeline.rules.lanes[0].chain.steps


@pytest.fixture
async def bench_of_one():
    async with (
        scripted(MANY) as service,
        gateway({"a": service}, routes=[{"path": "/*", "limits": [{"by": "ip", "limit": 5}]}]) as bench,
    ):
        yield bench
