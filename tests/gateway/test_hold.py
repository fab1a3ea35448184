"""Requests wait for services that come back; the directory is driven by hand."""

import asyncio

import pytest

from devgate.gateway import hold
from devgate.model.status import BreakerState, ServiceState
from tests.deadline import DEADLINE_S
from tests.gateway.harness import OK, PAGE, Answer, Bench, gateway
from tests.upstreams import Peer, answering, free_port, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

S = ServiceState


async def held(bench: Bench, count: int = 1, **options: str) -> list[asyncio.Task[Answer]]:
    """Requests that wait."""
    tasks = [asyncio.create_task(bench.get(f"/{number}", **options)) for number in range(count)]
    await bench.until(lambda: bench.gateway.service_traffic("a").held == count)
    return tasks


@pytest.mark.parametrize("state", [S.WAITING, S.STARTING, S.SLOW, S.BACKOFF])
async def test_a_request_waits_while_its_service_comes_back(state: ServiceState):
    async with scripted(answering(OK)) as service, gateway({"a": None}) as bench:
        bench.move("a", state)
        (request,) = await held(bench)
        bench.serve("a", service.port)
        answer = await request
        assert answer.status == 200
        assert answer["server-timing"].startswith("hold;dur=")
        row = bench.gateway.requests().rows[0]
        assert row.held_ms > 0
        assert bench.gateway.service_traffic("a").held == 0


async def test_a_request_waits_through_a_whole_restart():
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        entry = bench.entry()
        entry.restarting = True
        bench.directory.withdraw(entry.instances[0])
        (request,) = await held(bench)
        for state in (S.STOPPING, S.STOPPED, S.WAITING, S.STARTING):
            bench.move("a", state)
            await asyncio.sleep(0)
        bench.serve("a", service.port)
        assert (await request).status == 200


@pytest.mark.parametrize("state", [S.BACKOFF, S.CRASHED])
async def test_what_is_withdrawn_and_still_called_ready_is_about_to_move(state: ServiceState):
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        bench.directory.withdraw(bench.entry().instances[0])
        (request,) = await held(bench)
        bench.move("a", state)
        if state is S.BACKOFF:
            bench.serve("a", service.port)
        assert (await request).status == (200 if state is S.BACKOFF else 503)


async def test_a_service_without_a_port_is_not_waited_for():
    async with gateway({"a": None}) as bench:
        bench.move("a", S.READY)
        assert (await bench.get("/")).problem["code"] == "no-healthy-instance"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (S.STOPPED, "stopped"),
        (S.BLOCKED, "blocked"),
        (S.CRASHED, "crashed"),
        (S.EXITED, "stopped"),
        (S.COMPLETED, "stopped"),
        (S.STOPPING, "stopped"),
    ],
)
async def test_nobody_waits_for_what_does_not_come_back(state: ServiceState, code: str):
    async with gateway({"a": None}) as bench:
        entry = bench.entry()
        entry.exit_code, entry.detail = 3, "exit 3 after 1.2 s: panic: <b>no database</b>"
        entry.last_line = "panic: <b>no database</b>"
        bench.move("a", state)
        answer = await bench.get("/", origin=PAGE)
        problem = answer.problem
        assert (answer.status, problem["code"], problem["stage"]) == (503, code, "lifecycle")
        assert (problem["state"], problem["exit_code"], problem["last_line"]) == (state, 3, "panic: <b>no database</b>")
        assert "exit code 3" in problem["detail"]
        assert "exit 3 after 1.2 s: panic" in problem["detail"]
        assert answer["access-control-allow-origin"] == PAGE
        assert int(answer["retry-after"]) >= 1
        assert bench.gateway.breaker_row("a").failures == 0


@pytest.mark.parametrize("state", [S.CRASHED, S.BLOCKED, S.STOPPED])
async def test_waiting_ends_when_there_is_nothing_left_to_wait_for(state: ServiceState):
    async with gateway({"a": None}) as bench:
        bench.move("a", S.STARTING)
        requests = await held(bench, 3)
        bench.move("a", state)
        assert {(await request).problem["code"] for request in requests} == {state.value}


async def test_waiting_ends_at_the_deadline():
    async with gateway({"a": None}, hold="100ms") as bench:
        bench.entry().detail = "waits for postgres"
        bench.move("a", S.WAITING)
        answer = await bench.get("/")
        assert (answer.status, answer.problem["code"]) == (503, "hold-timeout")
        assert "waits for postgres" in answer.problem["detail"]


async def test_a_route_has_its_own_patience():
    async with gateway({"a": None}, routes=[{"path": "/*", "hold": "50ms"}]) as bench:
        bench.move("a", S.STARTING)
        assert (await bench.get("/")).problem["code"] == "hold-timeout"


async def test_a_client_that_leaves_gives_up_its_place():
    async with scripted(answering(OK)) as service, gateway({"a": None}) as bench:
        bench.move("a", S.STARTING)
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        await bench.until(lambda: bench.gateway.service_traffic("a").held == 1)
        second = asyncio.create_task(bench.get("/second"))
        await bench.until(lambda: bench.gateway.service_traffic("a").held == 2)
        client.reset()
        await bench.until(lambda: bench.gateway.service_traffic("a").held == 1)
        bench.serve("a", service.port)
        assert (await second).status == 200
        assert [bytes(peer.received).split(b" ")[1] for peer in service.peers] == [b"/second"]


async def test_the_first_come_are_first_served():
    order: list[bytes] = []

    async def script(peer: Peer) -> None:
        while True:
            order.append((await peer.head()).split(b" ")[1])
            peer.send(OK)

    async with scripted(script) as service, gateway({"a": None}) as bench:
        bench.move("a", S.STARTING)
        requests = []
        for number in range(40):
            requests.append(asyncio.create_task(bench.get(f"/{number}")))
            await bench.until(lambda: bench.gateway.service_traffic("a").held == number + 1)  # noqa: B023
        bench.serve("a", service.port)
        await asyncio.gather(*requests)
        # Connections are opened side by side, so neighbours may overtake each other; the crowd does not.
        assert max(abs(int(path[1:]) - place) for place, path in enumerate(order)) < 20


async def test_too_many_are_turned_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hold, "CAPACITY", 2)
    async with scripted(answering(OK)) as service, gateway({"a": None}) as bench:
        bench.move("a", S.STARTING)
        requests = await held(bench, 2)
        answer = await bench.get("/")
        assert (answer.status, answer.problem["code"]) == (503, "overloaded")
        bench.serve("a", service.port)
        assert [(await request).status for request in requests] == [200, 200]


async def test_a_body_is_not_read_while_its_request_waits():
    async with gateway({"a": None}) as bench:
        bench.move("a", S.STARTING)
        client = await bench.connect()
        client.send(b"POST / HTTP/1.1\r\nHost: %b\r\nContent-Length: 50000000\r\n\r\n" % bench.host + b"x" * 50_000_000)
        await bench.until(lambda: bench.gateway.service_traffic("a").held == 1)
        left = -1
        while left != (left := client.writer.transport.get_write_buffer_size()):  # type: ignore[attr-defined]
            await asyncio.sleep(0.2)
        assert left > 30_000_000
        bench.move("a", S.CRASHED)
        assert (await client.answer()).problem["code"] == "crashed"


async def test_a_service_that_a_request_may_start_is_started():
    async with (
        scripted(answering(OK)) as service,
        gateway({"a": None}, specs={"a": {"autostart": "on_request"}}) as bench,
    ):
        wanted: list[int] = []
        bench.entry().wanted = lambda: wanted.append(1)
        request = asyncio.create_task(bench.get("/"))
        await bench.until(lambda: wanted)
        bench.move("a", S.STARTING)
        bench.serve("a", service.port)
        assert (await request).status == 200
        assert wanted == [1]


@pytest.mark.parametrize("managed", [True, False])
async def test_nothing_has_been_heard_of_a_service_yet(managed: bool):
    async with scripted(answering(OK)) as service, gateway({"a": None}, managed=managed, known=False) as bench:
        bench.directory.remove("a")  # not even declared
        (request,) = await held(bench)
        bench.directory.declare("a", managed=managed)
        await asyncio.sleep(0)
        bench.serve("a", service.port)
        assert (await request).status == 200


async def test_nothing_is_ever_heard_of_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hold, "GRACE_S", 0.2)
    async with gateway({"a": None}, managed=False, known=False) as bench:
        for _ in range(2):
            assert (await bench.get("/")).problem["code"] == "no-healthy-instance"


async def test_a_request_finds_the_service_that_a_profile_switch_brings():
    async with scripted(answering(OK)) as service, gateway({"a": None}) as bench:
        bench.move("a", S.STARTING)
        (request,) = await held(bench)
        bench.directory.declare("a", 2)  # the entry is another one now
        bench.move("a", S.STARTING)
        bench.serve("a", service.port, replica=1)
        assert (await request).status == 200


async def test_a_request_to_a_service_that_is_gone_is_told_so():
    async with gateway({"a": None}) as bench:
        bench.move("a", S.STARTING)
        (request,) = await held(bench)
        bench.directory.remove("a")
        assert (await request).problem["code"] == "no-healthy-instance"


async def test_an_external_service_is_not_waited_for():
    async with gateway({"a": None}, managed=False) as bench:
        bench.move("a", S.STARTING)
        answer = await bench.get("/")
        assert (answer.status, answer.problem["code"]) == (503, "no-healthy-instance")


# A service that somebody else runs, where the profile wants it waited for


async def test_a_service_that_somebody_else_will_start_is_waited_for():
    async with (
        gateway({"a": None}, managed=False, hold_unmanaged="1m") as bench,
        scripted(answering(OK)) as service,
    ):
        (request,) = await held(bench)
        bench.serve("a", service.port)
        answer = await request
        assert answer.status == 200
        assert answer["server-timing"].startswith("hold;dur=")


async def test_one_that_refuses_is_looked_at_again_and_again_while_its_requests_wait():
    port = free_port()
    async with gateway({"a": None}, managed=False, hold_unmanaged="1m") as bench:
        bench.serve("a", port)
        request = asyncio.create_task(bench.get("/", method="POST", body=b"x" * 10))
        await bench.until(lambda: len(bench.suspects) > 2)
        bench.move("a", S.STOPPED)  # as whoever looks at it will say
        await bench.until(lambda: bench.gateway.service_traffic("a").held == 1)
        async with scripted(answering(OK)) as service:
            bench.serve("a", service.port)
            assert (await request).status == 200
        assert bench.gateway.breaker_row("a").failures == 0


@pytest.mark.parametrize("ready", [True, False])
async def test_nobody_starts_it_in_time(ready: bool):
    async with gateway({"a": None}, managed=False, hold_unmanaged="200ms") as bench:
        bench.entry().detail = "nobody listens"
        if ready:
            bench.serve("a", free_port())
        answer = await bench.get("/")
        code = "connect-refused" if ready else "hold-timeout"
        assert (answer.status, answer.problem["code"]) == (502 if ready else 503, code)
        if not ready:
            assert "a is still stopped (nobody listens)" in answer.problem["detail"]
            assert "gateway.hold_unmanaged" in answer.problem["detail"]


async def test_what_it_has_taken_and_broken_off_is_not_sent_again():
    async def breaking(peer: Peer) -> None:
        await peer.head()
        peer.reset()

    async with (
        scripted(breaking) as service,
        gateway({"a": service}, managed=False, hold_unmanaged="1m") as bench,
    ):
        assert (await bench.get("/")).problem["code"] == "reset"
        assert len(service.peers) == 1


async def test_a_route_has_its_own_patience_with_it_too():
    routes = [{"path": "/*", "hold": "50ms"}]
    async with gateway({"a": None}, routes=routes, managed=False, hold_unmanaged="1m") as bench:
        assert (await bench.get("/")).problem["code"] == "hold-timeout"


async def test_each_side_of_a_split_is_waited_for_as_its_service_wants():
    routes = [{"path": "/*", "split": {"b": 50}, "sticky": {"header": "X-Who"}}]
    specs = {"b": {"command": None, "url": "http://127.0.0.1:9"}}
    async with gateway({"a": None, "b": None}, routes=routes, specs=specs, hold="50ms") as bench:
        bench.move("a", S.STARTING)
        bench.directory.declare("b", managed=False)
        codes = [(await bench.get("/", X_Who=str(number))).problem["code"] for number in range(12)]
        assert set(codes) == {"hold-timeout", "no-healthy-instance"}


# A ready service that is not there


async def test_a_refused_connection_is_looked_into_and_the_request_waits():
    port = free_port()
    async with gateway({"a": None}) as bench:
        bench.serve("a", port)
        request = asyncio.create_task(bench.get("/", method="POST", body=b"x" * 10))
        await bench.until(lambda: bench.suspects)
        assert bench.suspects[0] == ("a", 0)
        bench.move("a", S.BACKOFF)
        await bench.until(lambda: bench.gateway.service_traffic("a").held == 1)
        async with scripted(answering(OK)) as service:
            bench.serve("a", service.port)
            assert (await request).status == 200
        assert bench.gateway.breaker_row("a").failures == 0


async def test_what_is_ready_and_refuses_for_long_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("devgate.gateway.handlers.forward.SUSPICION_S", 0.3)
    async with gateway({"a": None}) as bench:
        bench.serve("a", free_port())
        answer = await bench.get("/")
        assert (answer.status, answer.problem["code"]) == (502, "connect-refused")
        assert len(bench.suspects) > 1
        await bench.until(lambda: bench.gateway.breaker_row("a").failures == 1)


async def test_a_get_survives_the_crash_of_its_service():
    async def dying(peer: Peer) -> None:
        await peer.head()
        bench.move("a", S.BACKOFF)
        peer.reset()

    async with scripted(dying) as first, scripted(answering(OK)) as second, gateway({"a": first}) as bench:
        request = asyncio.create_task(bench.get("/"))
        await bench.until(lambda: bench.gateway.service_traffic("a").held == 1)
        bench.serve("a", second.port)
        assert (await request).status == 200


async def test_a_post_that_was_sent_dies_with_its_service():
    async def dying(peer: Peer) -> None:
        await peer.head()
        bench.move("a", S.BACKOFF)
        peer.reset()

    async with scripted(dying) as service, gateway({"a": service}) as bench:
        answer = await bench.get("/", method="POST", body=b"x")
        assert (answer.status, answer.problem["code"]) == (502, "reset")


async def test_another_instance_takes_over_at_once():
    async with scripted(answering(OK)) as service, gateway({"a": None}, replicas=2) as bench:
        bench.serve("a", free_port(), replica=0)
        bench.serve("a", service.port, replica=1)
        for _ in range(6):
            answer = await bench.get("/")
            assert answer.status == 200
            assert "server-timing" not in answer
        assert ("a", 0) in bench.suspects


async def test_instances_take_turns():
    async with (
        scripted(answering(OK)) as one,
        scripted(answering(OK)) as two,
        gateway({"a": None}, replicas=2) as bench,
    ):
        bench.serve("a", one.port, replica=0)
        bench.serve("a", two.port, replica=1)
        for _ in range(10):
            await bench.get("/")
        assert [sum(bytes(peer.received).count(b"GET") for peer in up.peers) for up in (one, two)] == [5, 5]


# Restarts


async def test_a_restart_drains_before_and_holds_after():
    async def slow(peer: Peer) -> None:
        await peer.head()
        await finish.wait()
        peer.send(OK)
        await peer.rest()

    finish = asyncio.Event()
    async with scripted(slow) as old, scripted(answering(OK)) as new, gateway({"a": old}) as bench:
        under_way = asyncio.create_task(bench.get("/under-way"))
        await bench.until(lambda: bench.entry().instances[0].in_flight == 1)
        bench.entry().restarting = True
        draining = asyncio.create_task(bench.directory.drain(bench.entry().instances[0], DEADLINE_S))
        await asyncio.sleep(0)
        (waiting,) = await held(bench)
        finish.set()
        assert (await under_way).status == 200
        assert await draining == 0
        bench.move("a", S.STOPPING)
        bench.serve("a", new.port)
        assert (await waiting).status == 200


async def test_an_event_stream_is_cut_instead_of_awaited():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        await client.head()
        assert await bench.directory.drain(bench.entry().instances[0], DEADLINE_S) == 0
        rest = await client.closed()
        assert b"0\r\n\r\n" not in rest, "the stream seems to have ended properly"
        await bench.until(lambda: bench.gateway.requests().total)
        assert bench.gateway.requests().rows[0].error == "cut"


async def test_a_long_poll_that_is_cut_waits_for_the_next_run():
    async def silent(peer: Peer) -> None:
        await peer.head()
        await peer.rest()

    routes = [{"path": "/*", "stream": True}]
    async with (
        scripted(silent) as old,
        scripted(answering(OK)) as new,
        gateway({"a": old}, routes=routes) as bench,
    ):
        request = asyncio.create_task(bench.get("/"))
        await bench.until(lambda: old.peers and old.peers[0].received)
        bench.entry().restarting = True
        assert await bench.directory.drain(bench.entry().instances[0], DEADLINE_S) == 0
        bench.move("a", S.STOPPING)
        bench.serve("a", new.port)
        assert (await request).status == 200


# Breaker and life


FAIL = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"


async def test_failures_open_the_breaker_and_the_answer_says_when_to_come_back():
    breaker = {"failures": 3, "open": "20s"}
    async with (
        scripted(answering(FAIL)) as service,
        gateway({"a": service}, specs={"a": {"breaker": breaker}}) as bench,
    ):
        for _ in range(3):
            assert (await bench.get("/")).status == 500
        answer = await bench.get("/", origin=PAGE)
        assert (answer.status, answer.problem["code"], answer.problem["stage"]) == (503, "circuit-open", "breaker")
        assert answer["retry-after"] == "20"
        assert answer["access-control-allow-origin"] == PAGE
        assert "status 500" in answer.problem["detail"]
        assert [event.new for event in bench.events] == [BreakerState.OPEN]  # type: ignore[union-attr]
        row = bench.gateway.breaker_row("a")
        assert (row.state, row.opened, row.last_cause) == (BreakerState.OPEN, 1, "status 500")
        bench.gateway.reset_breaker("a")
        assert (await bench.get("/")).status == 500


async def test_only_a_service_that_stays_down_opens_it_by_its_life():
    async with gateway({"a": None}) as bench:
        for state in (S.STARTING, S.READY, S.STOPPING, S.STOPPED, S.STARTING, S.BACKOFF, S.EXITED):
            bench.move("a", state)
        assert bench.events == []
        bench.entry().exit_code = 1
        bench.move("a", S.CRASHED)
        (event,) = bench.events
        assert (event.new, event.cause) == (BreakerState.OPEN, "crashed, exit code 1")  # type: ignore[union-attr]
        bench.move("a", S.STARTING)
        bench.move("a", S.READY)
        assert bench.events[-1].new is BreakerState.HALF_OPEN  # type: ignore[union-attr]


async def test_one_crashed_replica_is_not_the_service():
    async with gateway({"a": None}, replicas=2) as bench:
        bench.move("a", S.READY, 0)
        bench.move("a", S.CRASHED, 1)
        assert bench.events == []


async def test_after_a_restart_requests_wait_for_the_probe_instead_of_failing():
    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            await answer_now.wait()
            peer.send(OK)

    answer_now = asyncio.Event()
    async with scripted(script) as service, gateway({"a": None}) as bench:
        bench.move("a", S.CRASHED)
        bench.serve("a", service.port)
        assert bench.gateway.breaker_row("a").state is BreakerState.HALF_OPEN
        requests = [asyncio.create_task(bench.get(f"/{number}")) for number in range(10)]
        await bench.until(lambda: bench.gateway.service_traffic("a").held == 9 and service.peers)
        assert len(service.peers) == 1, "more than one probe"
        answer_now.set()
        assert {(await request).status for request in requests} == {200}
        assert bench.gateway.breaker_row("a").state is BreakerState.CLOSED


async def test_a_probe_whose_client_leaves_gives_its_place_to_the_next():
    async def script(peer: Peer) -> None:
        head = await peer.head()
        if b"/never" in head:
            await peer.rest()
        peer.send(OK)
        await peer.rest()

    async with scripted(script) as service, gateway({"a": None}) as bench:
        bench.move("a", S.CRASHED)
        bench.serve("a", service.port)
        client = await bench.connect()
        client.send(b"GET /never HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        await bench.until(lambda: service.peers)
        request = asyncio.create_task(bench.get("/"))
        await bench.until(lambda: bench.gateway.service_traffic("a").held == 1)
        client.reset()
        assert (await request).status == 200


async def test_an_external_service_that_is_probed_refuses_the_others_at_once():
    async def script(peer: Peer) -> None:
        while True:
            head = await peer.head()
            if b"/never" in head:
                await peer.rest()
            peer.send(FAIL)

    breaker = {"failures": 1, "open": "50ms"}
    async with (
        scripted(script) as service,
        gateway({"a": service}, managed=False, specs={"a": {"breaker": breaker}}) as bench,
    ):
        await bench.get("/")
        await asyncio.sleep(0.06)
        client = await bench.connect()
        client.send(b"GET /never HTTP/1.1\r\nHost: %b\r\n\r\n" % bench.host)
        await bench.until(lambda: bench.gateway.breaker_row("a").state is BreakerState.HALF_OPEN)
        answer = await bench.get("/")
        assert (answer.problem["code"], answer["retry-after"]) == ("circuit-open", "1")
