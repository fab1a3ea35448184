"""A port of ours in the hands of somebody else."""

import asyncio
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devgate.errors import CommandError
from devgate.model.status import HealthState, Owner, ServiceState
from devgate.processes import MARK
from tests.samples import command

S = ServiceState
Ide = Callable[[int], subprocess.Popen[bytes]]


@pytest.fixture
def ide() -> Iterator[Ide]:
    """Runs the sample `echo` on a port, outside of devgate."""
    started: list[subprocess.Popen[bytes]] = []

    def run(port: int) -> subprocess.Popen[bytes]:
        popen = subprocess.Popen(command("echo"), env={**os.environ, "PORT": str(port)}, stdout=subprocess.DEVNULL)
        started.append(popen)
        return popen

    yield run
    for popen in started:
        popen.kill()
        popen.wait()


def echo(port: int, **fields: Any) -> dict[str, Any]:
    probe = {"http": "/", "interval": "50ms", "start_interval": "50ms"}
    return {"command": command("echo"), "port": port, "ready": probe} | fields


async def test_stopped_here_and_started_in_an_ide(supervise, free_port: int, ide: Ide) -> None:
    system = await supervise({"web": echo(free_port)})
    await system.supervisor.settled()
    await system.supervisor.orders.stop("web")
    other = ide(free_port)
    await system.state_is("web", S.READY)
    view = system.view("web")
    assert (view.owner, view.pid, view.port, view.exit_code) == (Owner.EXTERNAL, other.pid, free_port, None)
    assert view.cause.startswith(f"run by pid {other.pid} (")
    await system.until(lambda: system.view("web").health is HealthState.HEALTHY)
    assert [instance.endpoint.port for instance in system.entry("web").serving] == [free_port]
    for refused in (
        system.supervisor.orders.start,
        system.supervisor.orders.stop,
        system.supervisor.orders.restart,
        system.supervisor.orders.kill,
    ):
        with pytest.raises(CommandError, match="not by devgate"):
            await refused("web")
    assert other.poll() is None
    other.terminate()
    await system.state_is("web", S.STOPPED)
    assert system.entry("web").serving == ()
    await system.supervisor.orders.start("web")
    assert system.view("web").owner is Owner.DEVGATE


async def test_a_breakpoint_ends_nothing(supervise, free_port: int, ide: Ide) -> None:
    system = await supervise({"web": echo(free_port, autostart=False)})
    # seen free once, then taken
    await system.until(lambda: system.supervisor._fleet.get("web").runners[0]._foreign is not None)
    await asyncio.sleep(0.1)
    other = ide(free_port)
    await system.state_is("web", S.READY)
    other.send_signal(signal.SIGSTOP)
    system.supervisor.suspect("web", 0)
    await asyncio.sleep(0.3)
    assert system.state("web") is S.READY
    other.send_signal(signal.SIGCONT)


async def test_who_was_there_before_us_is_not_taken_for_it(supervise, free_port: int, ide: Ide) -> None:
    other = ide(free_port)
    await asyncio.to_thread(wait_for, free_port)
    system = await supervise({"web": echo(free_port)})
    assert await system.supervisor.settled() == ["web"]
    await asyncio.sleep(0.3)
    assert (system.state("web"), system.view("web").blocked_by) == (S.BLOCKED, "port-in-use")
    assert f"is taken by pid {other.pid} (" in system.view("web").cause
    await system.supervisor.orders.adopt("web")
    assert (system.state("web"), system.view("web").owner) == (S.READY, Owner.EXTERNAL)
    assert (system.view("web").pid, system.view("web").blocked_by) == (other.pid, "")


async def test_nobody_can_be_adopted_where_nobody_is(supervise, free_port: int, monkeypatch) -> None:
    monkeypatch.setattr("devgate.supervisor.service.ADOPT_WAIT_S", 0.1)
    system = await supervise({"web": echo(free_port, autostart=False)})
    with pytest.raises(CommandError, match="nobody answers"):
        await system.supervisor.orders.adopt("web")
    await system.supervisor.orders.start("web")
    with pytest.raises(CommandError, match="is run by devgate"):
        await system.supervisor.orders.adopt("web")


async def test_a_port_can_be_taken_back(supervise, free_port: int, ide: Ide) -> None:
    other = ide(free_port)
    await asyncio.to_thread(wait_for, free_port)
    system = await supervise({"web": echo(free_port)})
    assert await system.supervisor.settled() == ["web"]
    taking = asyncio.create_task(system.supervisor.orders.take_port("web"))
    await asyncio.to_thread(other.wait)
    await taking
    assert (system.state("web"), system.view("web").owner) == (S.READY, Owner.DEVGATE)


async def test_a_port_is_taken_at_the_start_where_that_was_said(supervise, free_port: int, ide: Ide) -> None:
    other = ide(free_port)
    await asyncio.to_thread(wait_for, free_port)
    reaped = asyncio.create_task(asyncio.to_thread(other.wait))
    system = await supervise({"web": echo(free_port)}, take_ports=True)
    assert await system.supervisor.settled() == []
    await reaped
    assert system.view("web").owner is Owner.DEVGATE
    assert any(f"ended pid {other.pid} (" in line for line in system.lines("web"))


async def test_only_the_first_start_takes_a_port(supervise, free_port: int) -> None:
    """Whoever comes later may be a debugger, which nobody has spoken of."""
    system = await supervise(
        {"web": {"command": "sleep 600", "port": free_port, "ready": {"exec": "true"}}}, take_ports=True
    )
    await system.state_is("web", S.READY)
    with socket.create_server(("127.0.0.1", free_port)), pytest.raises(CommandError, match="is blocked: port"):
        await system.supervisor.orders.restart("web")
    assert system.view("web").blocked_by == "port-in-use"


@pytest.mark.usefixtures("alone_with_leftovers")
async def test_what_a_killed_devgate_has_left_is_reaped_unasked(supervise, free_port: int) -> None:
    left = subprocess.Popen(
        command("echo"), stdout=subprocess.DEVNULL,
        env={**os.environ, "PORT": str(free_port), MARK: f"{os.getpid()}-1-00ff:old#0;"},
    )  # fmt: skip
    reaped = asyncio.create_task(asyncio.to_thread(left.wait))
    await asyncio.to_thread(wait_for, free_port)
    system = await supervise({"web": echo(free_port)})
    assert await system.supervisor.settled() == []
    await reaped
    assert any("left behind by a devgate that is gone" in line for line in system.lines("web"))


async def test_a_stop_while_a_port_is_cleared_wins(supervise, free_port: int, monkeypatch) -> None:
    began, go_on = threading.Event(), threading.Event()

    def clear(port: int, **_: object) -> list[str]:
        began.set()
        assert go_on.wait(20)
        raise CommandError("no", code="port-in-use")

    monkeypatch.setattr("devgate.supervisor.starting.clear", clear)
    with socket.create_server(("127.0.0.1", free_port)):
        system = await supervise({"web": echo(free_port)})
        await asyncio.to_thread(began.wait)
        await system.supervisor.orders.stop("web")
        go_on.set()
        await system.state_is("web", S.STOPPED)
        await asyncio.sleep(0.05)
        assert S.BLOCKED not in system.states("web")


async def test_an_adopted_service_is_taken_over(supervise, free_port: int, ide: Ide) -> None:
    other = ide(free_port)
    await asyncio.to_thread(wait_for, free_port)
    system = await supervise({"web": echo(free_port)})
    await system.supervisor.settled()
    await system.supervisor.orders.adopt("web")
    reaped = asyncio.create_task(asyncio.to_thread(other.wait))
    await system.supervisor.orders.take_port("web")
    await reaped
    assert (system.state("web"), system.view("web").owner) == (S.READY, Owner.DEVGATE)
    with pytest.raises(CommandError, match="web runs already"):
        await system.supervisor.orders.take_port("web")


async def test_who_does_not_answer_is_not_adopted(supervise, free_port: int, monkeypatch) -> None:
    monkeypatch.setattr("devgate.supervisor.service.ADOPT_WAIT_S", 1.5)
    with socket.create_server(("127.0.0.1", free_port)):
        system = await supervise(
            {"web": echo(free_port), "auto": {"command": "sleep 600", "port": "auto", "autostart": False}}
        )
        assert await system.supervisor.settled() == ["web"]
        with pytest.raises(CommandError, match=r"nobody answers in place of web: .+"):
            await system.supervisor.orders.adopt("web")
        with pytest.raises(CommandError, match="no port of its own"):
            await system.supervisor.orders.adopt("auto")


async def test_a_port_of_ours_is_not_taken(supervise, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        system = await supervise({"web": echo(free_port), "auto": {"command": "sleep 600", "autostart": False}})
        with pytest.raises(CommandError, match="cannot be ended from here"):
            await system.supervisor.orders.take_port("web")
        with pytest.raises(CommandError, match="no port of its own"):
            await system.supervisor.orders.take_port("auto")


async def test_who_answers_in_our_place_is_named(supervise, free_port: int, ide: Ide) -> None:
    """The service runs and listens nowhere; its port is answered by another program."""
    system = await supervise({"web": {"command": "sleep 600", "port": free_port, "ready": {"start_interval": "50ms"}}})
    await system.state_is("web", S.STARTING)
    other = ide(free_port)
    await system.state_is("web", S.READY)
    await system.until(lambda: f"is answered by pid {other.pid} (" in system.view("web").cause)
    assert any("which this service has not started" in line for line in system.lines("web"))


async def test_a_grandchild_that_listens_is_no_stranger(supervise) -> None:
    nested = {"command": f"sh -c '{' '.join(command('echo'))} & wait'", "port": "auto"}
    system = await supervise({"web": nested})
    await system.supervisor.settled()
    await asyncio.sleep(0.3)
    assert "answered by" not in system.view("web").cause


def wait_for(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            continue
        return
