"""The order of beginning and end, whatever fails in between."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import socket
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate import processes
from devgate.clock import SystemClock
from devgate.engine import engine as engine_module
from devgate.engine.engine import Engine
from devgate.engine.listening import listen, listen_instead
from devgate.engine.options import Options
from devgate.errors import CommandError, Exit, StartError
from devgate.files import FileWatcher
from devgate.gateway.binding import bind
from devgate.model.gateway import GatewaySpec
from devgate.model.status import BreakerState, ServiceState
from devgate.profile.loading import load, try_load
from devgate.profile.trust import Trust
from devgate.runfile import RunFile, claim, read, state_folder
from devgate.supervisor import ports
from devgate.supervisor.guardian import Guardian
from tests.deadline import DEADLINE_S
from tests.e2e.harness import request
from tests.gateway.harness import OK
from tests.samples import command
from tests.upstreams import answering, scripted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROFILE = "services: {a: {stub: true, port: auto}}\nroutes: [{path: /x, service: a}]\n"


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """The engine freezes what lives; in a process with more tests that would be for ever."""
    yield
    gc.unfreeze()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "devgate.yaml").write_text(PROFILE)
    return tmp_path


def engine_in(folder: Path, **options: object) -> Engine:
    def again(ref: str) -> object:
        return try_load(ref, cwd=folder, environ={})

    clock = SystemClock()
    return Engine(
        load(None, cwd=folder, environ={}),
        bind("127.0.0.1", 0),
        load=again,  # type: ignore[arg-type]
        available=lambda: (),
        state_dir=state_folder(folder),
        environ=os.environ,
        token="t" * 32,
        mark="test-mark",
        guardian=Guardian(None),
        files=FileWatcher(clock),
        trust=Trust(folder / "trust"),
        clock=clock,
        options=Options(**options),  # type: ignore[arg-type]
    )


async def ran(engine: Engine, face: object) -> None:
    async with asyncio.timeout(DEADLINE_S):
        await engine.run(face)  # type: ignore[arg-type]


def is_free(url: str) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0


async def answers(url: str) -> bool:
    """Whether a gateway answers there, whatever it says."""
    return (await asyncio.to_thread(request, url, "GET", "/health/live")).headers["x-request-id"] != ""


def assert_over(engine: Engine, folder: Path) -> None:
    assert is_free(engine.url)
    assert read(folder / ".devgate") is None
    assert all(row.pid is None for row in engine.snapshot().services)


@pytest.mark.parametrize("take", [True, False])
def test_the_gateways_port_is_taken_only_where_that_was_said(take: bool) -> None:
    with ports.reserve() as held:
        port = held.getsockname()[1]
    thief = subprocess.Popen(command("thief", port), stdout=subprocess.PIPE)
    said: list[str] = []
    try:
        assert thief.stdout is not None
        thief.stdout.readline()
        if take:
            for one in listen(GatewaySpec(port=port), auto_ports=False, take=True, done=said.append):
                one.close()
            assert [text.split(" (")[0] for text in said] == [f"ended pid {thief.pid}"]
            assert thief.wait(DEADLINE_S) == -signal.SIGTERM
        else:
            with pytest.raises(StartError, match=f"taken by pid {thief.pid}") as refused:
                listen(GatewaySpec(port=port), auto_ports=False)
            assert "--take-port" in refused.value.hint
            assert refused.value.exit_code == Exit.GATEWAY_PORT
            assert thief.poll() is None
    finally:
        thief.kill()
        thief.communicate()


def test_a_gateways_port_that_cannot_be_taken_is_exit_3() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours, pytest.raises(StartError, match="cannot be ended") as refused:
        listen(GatewaySpec(port=ours.getsockname()[1]), auto_ports=False, take=True)
    assert refused.value.exit_code == Exit.GATEWAY_PORT


async def test_the_face_sees_everything_go_before_it_ends(folder: Path) -> None:
    engine = engine_in(folder)
    seen: list[str] = []

    async def face(engine: Engine) -> None:
        assert await engine.settled() == []
        assert engine.snapshot().services[0].state is ServiceState.READY
        run = read(folder / ".devgate")
        assert run is not None
        assert run.url == engine.url
        engine.request_stop("enough")
        assert engine.snapshot().stopping
        seen.append(await engine.ended())
        assert engine.snapshot().services[0].state is ServiceState.STOPPED
        assert await answers(engine.url)  # the gateway goes last
        seen.append("shown")

    await ran(engine, face)
    assert seen == ["enough", "shown"]
    assert engine.exit_code is None
    assert engine.stop_reason == "enough"
    assert "stop devgate asked by enough" in [event.text for event in engine.snapshot().events]
    assert_over(engine, folder)


async def test_a_face_that_ends_ends_devgate(folder: Path) -> None:
    engine = engine_in(folder)

    async def face(engine: Engine) -> None:
        await engine.settled()

    await ran(engine, face)
    assert engine.exit_code is None
    assert_over(engine, folder)


async def test_a_face_that_fails_ends_devgate_in_order_and_with_a_code(folder: Path) -> None:
    engine = engine_in(folder)

    async def face(engine: Engine) -> None:
        await engine.settled()
        raise RuntimeError("bug")

    await ran(engine, face)
    assert engine.exit_code == 1
    assert any("face failed" in event.text for event in engine.snapshot().events)
    assert_over(engine, folder)


async def test_a_face_that_does_not_leave_is_not_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "FAREWELL_S", 0.01)
    engine = engine_in(folder)
    cancelled: list[bool] = []

    async def face(engine: Engine) -> None:
        engine.request_stop("enough")
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)

    await ran(engine, face)
    assert cancelled
    assert_over(engine, folder)


async def test_what_is_called_off_before_it_begins_starts_nothing(folder: Path) -> None:
    engine = engine_in(folder)
    engine.request_stop("SIGINT")

    async def face(engine: Engine) -> None:
        await engine.ended()

    await ran(engine, face)
    assert not (folder / ".devgate" / "logs").exists() or not list((folder / ".devgate" / "logs").iterdir())
    assert engine.snapshot().services == ()
    assert_over(engine, folder)


async def test_a_second_devgate_in_the_folder_leaves_the_first_alone(folder: Path) -> None:
    first, second = engine_in(folder), engine_in(folder)
    state = folder / ".devgate"
    other = RunFile.here(control_url="http://127.0.0.1:1", token="x", url="u", profile="p", started_at=0.0)
    parent = os.getppid()
    claim(state, other := replace(other, pid=parent, birth=processes.birth(parent) or 0))

    async def face(engine: Engine) -> None:
        raise AssertionError("never shown")

    for engine in (first, second):
        with pytest.raises(StartError) as refused:
            await ran(engine, face)
        assert refused.value.exit_code == 6
    assert read(state) == other


async def test_a_profile_that_moves_the_gateway(folder: Path) -> None:
    engine = engine_in(folder)
    (folder / "other.yaml").write_text(f"gateway: {{port: {free_port()}}}\nname: other\n{PROFILE}")

    async def face(engine: Engine) -> None:
        old = engine.url
        plan = await engine.profiles.propose("other.yaml")
        assert plan.rebind
        with socket.create_server(("127.0.0.1", int(plan.rebind[0].rpartition(":")[2]))):
            with pytest.raises(StartError):
                await engine.profiles.apply(plan, by="test")
            assert engine.url == old
            assert await answers(old)
        await engine.profiles.apply(plan, by="test")
        assert engine.url != old
        assert is_free(old)
        assert await answers(engine.url)
        run = json.loads((folder / ".devgate" / "run.json").read_text())
        assert (run["url"], run["profile"]) == (engine.url, "other")

    await ran(engine, face)
    assert engine.exit_code is None, engine.snapshot().events
    assert_over(engine, folder)


async def test_nothing_is_applied_any_more_once_it_stops(folder: Path) -> None:
    engine = engine_in(folder)
    (folder / "other.yaml").write_text(PROFILE.replace("a:", "b:").replace("service: a", "service: b"))
    codes: list[str] = []

    async def face(engine: Engine) -> None:
        plan = await engine.profiles.propose("other.yaml")
        engine.request_stop("enough")
        try:
            await engine.profiles.apply(plan, by="test")
        except CommandError as error:
            codes.append(error.code)

    await ran(engine, face)
    assert codes == ["stopping"]
    assert_over(engine, folder)


async def test_a_service_that_fails_ends_it_where_that_was_asked(folder: Path) -> None:
    (folder / "devgate.yaml").write_text("services: {a: {command: 'exit 5', restart: 'no'}}")
    engine = engine_in(folder, exit_on_fail=True)

    async def face(engine: Engine) -> None:
        await engine.ended()

    await ran(engine, face)
    assert (engine.exit_code, engine.stop_reason) == (1, "a crashed")


async def test_requests_wait_for_a_service_that_somebody_else_starts_and_starts_again(folder: Path) -> None:
    port = free_port()
    (folder / "devgate.yaml").write_text(
        f"gateway: {{hold_unmanaged: 10m}}\nservices: {{a: {{url: 'http://127.0.0.1:{port}'}}}}\n"
        "routes: [{path: /x, service: a}]\n"
    )
    engine = engine_in(folder)

    async def face(engine: Engine) -> None:
        for _ in range(2):
            asked = asyncio.create_task(asyncio.to_thread(request, engine.url, "GET", "/x"))
            while engine.snapshot().traffic.held != 1:
                await asyncio.sleep(0.01)
            async with scripted(answering(OK), port=port):
                assert (await asked).status == 200
        (row,) = engine.snapshot().services
        assert (row.breaker.state, row.breaker.totals.failure) == (BreakerState.CLOSED, 0)

    await ran(engine, face)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class TestListening:
    def test_a_taken_port_is_replaced_only_if_asked(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            wanted = GatewaySpec(port=taken.getsockname()[1])
            with pytest.raises(StartError):
                listen(wanted, auto_ports=False)
            found = listen(wanted, auto_ports=True)
            assert found[0].getsockname()[1] != wanted.port
            for one in found:
                one.close()

    def test_localhost_and_its_address_are_one(self) -> None:
        old, new = GatewaySpec(host="127.0.0.1", port=8080), GatewaySpec(host="localhost", port=8080)
        assert listen_instead(old, new, auto_ports=False) == []

    def test_the_same_port_elsewhere_is_in_our_own_way(self) -> None:
        old, new = GatewaySpec(host="127.0.0.1", port=8080), GatewaySpec(host="0.0.0.0", port=8080)
        with pytest.raises(CommandError) as refused:
            listen_instead(old, new, auto_ports=True)
        assert refused.value.code == "rebind-needs-restart"
