"""Real services: started in order, watched, restarted and stopped."""

import asyncio
import json
import socket
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devgate.errors import CommandError
from devgate.model.status import HealthState, Owner, ServiceState
from tests.deadline import DEADLINE_S
from tests.samples import command

if TYPE_CHECKING:
    from devgate.directory import Entry

S = ServiceState


def echo(*arguments: object, **fields: Any) -> dict[str, Any]:
    return {"command": command("echo", *arguments), "port": "auto"} | fields


def asked(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


async def get(url: str) -> dict[str, Any]:
    return await asyncio.to_thread(asked, url)


async def test_services_start_after_what_they_need(supervise) -> None:
    system = await supervise(
        {
            "web": echo(depends_on=["users"]),
            "users": echo(0.2, depends_on=["db"]),
            "db": echo(0.2, ready={"http": "/health"}),
        }
    )
    assert await system.supervisor.settled() == []
    moves = [(event.service, event.new) for event in system.events if hasattr(event, "run")]
    assert moves.index(("db", S.READY)) < moves.index(("users", S.STARTING))
    assert moves.index(("users", S.READY)) < moves.index(("web", S.STARTING))
    assert system.states("web") == [S.STOPPED, S.WAITING, S.STARTING, S.READY]
    assert system.causes("web", S.WAITING) == ["waits for users"]


async def test_a_view_says_everything_about_a_running_service(supervise) -> None:
    system = await supervise({"web": echo(ready={"http": "/health"})})
    await system.supervisor.settled()
    view = system.view("web")
    answer = await get(view.url)
    assert (view.state, view.health, view.owner, view.stub) == (S.READY, HealthState.HEALTHY, Owner.DEVGATE, False)
    assert view.pid == answer["pid"]
    assert view.url == f"http://127.0.0.1:{view.port}"
    assert view.response_ms is not None
    assert view.checked_at is not None
    assert (view.restarts, view.exit_code, view.waiting_for, view.stale) == (0, None, (), ())
    assert [instance.endpoint.port for instance in system.entry("web").serving] == [view.port]


async def test_a_service_knows_its_surroundings(supervise, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    system = await supervise(
        {
            "fechatter-server": echo(),
            "web": echo(depends_on=["fechatter-server"], cwd="sub", env={"A": "1"}),
        },
        {"env": {"B": "2"}},
        overrides={"C": "3"},
        environ={"DEVGATE_TOKEN": "secret"},
    )
    await system.supervisor.settled()
    answer = await get(system.view("web").url)
    env = answer["env"]
    assert (env["A"], env["B"], env["C"]) == ("1", "2", "3")
    assert env["PORT"] == str(system.view("web").port)
    assert env["DEVGATE_URL"] == "http://127.0.0.1:8080"
    assert env["DEVGATE_SERVICE"] == "web"
    assert env["FECHATTER_SERVER_URL"] == system.view("fechatter-server").url
    assert "DEVGATE_TOKEN" not in env
    assert answer["cwd"] == str(tmp_path / "sub")


async def test_an_edited_env_file_counts_from_the_next_start(supervise, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("COLOUR=red\n")
    system = await supervise({"web": echo(env_file=".env")})
    await system.supervisor.settled()
    assert (await get(system.view("web").url))["env"]["COLOUR"] == "red"
    (tmp_path / ".env").write_text("COLOUR=blue\n")
    await system.supervisor.orders.restart("web")
    assert (await get(system.view("web").url))["env"]["COLOUR"] == "blue"


async def test_a_restart_keeps_the_port_and_changes_the_process(supervise) -> None:
    system = await supervise({"web": echo()})
    await system.supervisor.settled()
    before = system.view("web")
    await system.supervisor.orders.restart("web")
    after = system.view("web")
    assert after.state is S.READY
    assert after.port == before.port
    assert after.pid != before.pid
    assert after.restarts == 0, "nobody but the user restarted it"
    assert system.states("web")[2:] == [S.READY, S.STOPPING, S.STARTING, S.READY]
    assert len(system.ours()) == 1


async def test_a_restart_says_that_it_comes_back(supervise) -> None:
    """The gateway holds requests from the first moment of a restart to its end."""
    system = await supervise({"web": echo(0.2)})
    await system.supervisor.settled()
    entry, gaps = system.entry("web"), []
    restart = asyncio.create_task(system.supervisor.orders.restart("web"))
    while not restart.done():
        if not entry.serving and not entry.returning:
            gaps.append(entry.state)
        await asyncio.sleep(0)
    await restart
    assert gaps == []
    assert not entry.restarting
    assert entry.instances[0].epoch == 2


async def test_a_stop_waits_for_requests_in_flight(supervise) -> None:
    system = await supervise({"web": echo()})
    await system.supervisor.settled()
    (instance,) = system.entry("web").serving
    instance.enter()
    stop = asyncio.create_task(system.supervisor.orders.stop("web"))
    await system.state_is("web", S.STOPPING)
    assert system.entry("web").serving == ()
    await asyncio.sleep(0.1)
    assert system.exits("web") == []
    instance.leave()
    await stop
    assert system.state("web") is S.STOPPED
    assert [event.code for event in system.exits("web")] == [0]


async def test_a_stop_does_not_wait_for_ever(supervise) -> None:
    system = await supervise({"web": echo(stop={"drain": "50ms"})})
    await system.supervisor.settled()
    system.entry("web").serving[0].enter()
    await system.supervisor.orders.stop("web")
    assert "1 request still in flight after 0.05 s" in system.lines("web")


async def test_a_kill_waits_for_nothing(supervise) -> None:
    system = await supervise({"web": echo(stop={"drain": "1h", "grace": "1h"})})
    await system.supervisor.settled()
    system.entry("web").serving[0].enter()
    stop = asyncio.create_task(system.supervisor.orders.stop("web"))
    await system.state_is("web", S.STOPPING)
    async with asyncio.timeout(DEADLINE_S):
        await system.supervisor.orders.kill("web")
        await stop
    assert [event.code for event in system.exits("web")] == [-9]
    assert system.state("web") is S.STOPPED


async def test_a_start_pulls_what_is_needed(supervise) -> None:
    system = await supervise(
        {"web": echo(autostart=False, depends_on=["db"]), "db": echo(autostart=False), "other": echo(autostart=False)}
    )
    assert await system.supervisor.settled() == []
    assert {view.state for view in system.supervisor.rows()} == {S.STOPPED}
    await system.supervisor.orders.start("web")
    assert [view.state for view in system.supervisor.rows()] == [S.READY, S.READY, S.STOPPED]


async def test_only_some_services(supervise) -> None:
    system = await supervise({"web": echo(depends_on=["db"]), "db": echo(), "other": echo()}, only=frozenset({"web"}))
    assert await system.supervisor.settled() == []
    assert [view.state for view in system.supervisor.rows()] == [S.READY, S.READY, S.STOPPED]


async def test_without_needs_nobody_waits(supervise) -> None:
    system = await supervise({"web": echo(depends_on=["db"]), "db": echo()}, only=frozenset({"web"}), no_needs=True)
    assert await system.supervisor.settled() == []
    assert [view.state for view in system.supervisor.rows()] == [S.READY, S.STOPPED]


async def test_a_task_must_complete_first(supervise) -> None:
    system = await supervise(
        {
            "web": echo(depends_on={"migrate": {"condition": "completed"}}),
            "migrate": {"command": command("crash", 0, 0.2), "kind": "task"},
        }
    )
    assert await system.supervisor.settled() == []
    assert system.states("migrate") == [S.STOPPED, S.STARTING, S.COMPLETED]
    assert system.view("migrate").health is HealthState.HEALTHY
    assert system.state("web") is S.READY


async def test_started_is_enough_where_it_says_so(supervise) -> None:
    system = await supervise({"web": echo(depends_on={"db": {"condition": "started"}}), "db": echo(600)})
    await system.state_is("web", S.READY)
    assert system.state("db") is S.STARTING


async def test_stopping_goes_backwards(supervise) -> None:
    system = await supervise({"web": echo(depends_on=["users"]), "users": echo(depends_on=["db"]), "db": echo()})
    await system.supervisor.settled()
    await system.supervisor.shutdown()
    assert [event.service for event in system.events if type(event).__name__ == "ProcessExited"] == [
        "web",
        "users",
        "db",
    ]
    assert {view.state for view in system.supervisor.rows()} == {S.STOPPED}
    with pytest.raises(CommandError, match="stopping"):
        await system.supervisor.orders.start("web")


async def test_shutdown_has_a_cap(supervise) -> None:
    deaf = {"command": command("deaf"), "ready": {"log": "deaf"}, "stop": {"grace": "1h"}}
    system = await supervise({"one": deaf, "two": deaf | {"depends_on": ["one"]}})
    await system.supervisor.settled()
    async with asyncio.timeout(DEADLINE_S):
        await system.supervisor.shutdown(cap_s=0.2)
    assert [event.code for event in [*system.exits("one"), *system.exits("two")]] == [-9, -9]


async def test_a_second_shutdown_kills_at_once(supervise) -> None:
    system = await supervise({"one": {"command": command("deaf"), "ready": {"log": "deaf"}, "stop": {"grace": "1h"}}})
    await system.supervisor.settled()
    first = asyncio.create_task(system.supervisor.shutdown(cap_s=3600))
    await system.state_is("one", S.STOPPING)
    async with asyncio.timeout(DEADLINE_S):
        await system.supervisor.shutdown(now=True)
        await first
    assert system.state("one") is S.STOPPED


async def test_leaving_without_a_shutdown_leaves_nothing(supervise, tmp_path: Path) -> None:
    from tests.supervisor.conftest import System

    system = System(tmp_path, "left-in-a-hurry", {})
    async with system.supervisor:
        await system.start({"web": echo(), "family": {"command": command("family", "deaf", "orphan")}})
        await system.state_is("web", S.READY)
        await system.until(lambda: len(system.ours()) >= 4)
    await system.until(lambda: not system.ours())


async def test_stand_ins(supervise) -> None:
    system = await supervise(
        {
            "users": {"stub": {"version": "2.0.0"}, "port": "auto", "ready": {"http": "/api/health"}},
            "missing": {"command": "no-such-program", "missing": "stub", "ready": {"log": "never written"}},
            "task": {"command": "no-such-program", "missing": "stub", "kind": "task"},
        }
    )
    assert await system.supervisor.settled() == []
    view = system.view("users")
    assert view.stub
    assert (await get(f"{view.url}/api/health"))["status"] == "healthy"
    assert (await get(f"{system.view('missing').url}/x"))["service"] == "missing"
    assert system.state("task") is S.COMPLETED


async def test_everything_can_be_a_stand_in(supervise, free_port: int) -> None:
    system = await supervise(
        {"web": {"command": "no-such-program"}, "search": {"url": f"http://127.0.0.1:{free_port}"}}, all_stubs=True
    )
    assert await system.supervisor.settled() == []
    assert [(view.stub, view.owner, view.state) for view in system.supervisor.rows()] == [
        (True, Owner.DEVGATE, S.READY)
    ] * 2


async def test_an_unknown_service_is_refused(supervise) -> None:
    system = await supervise({})
    for refused in (
        system.supervisor.orders.start,
        system.supervisor.orders.stop,
        system.supervisor.orders.restart,
        system.supervisor.orders.kill,
    ):
        with pytest.raises(CommandError, match="no service 'nobody'"):
            await refused("nobody")
    system.supervisor.suspect("nobody", 0)


async def test_somebody_elses_service_is_watched_and_never_touched(supervise) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        system = await supervise(
            {"db": {"url": url, "ready": {"start_interval": "50ms"}}, "web": echo(depends_on=["db"])}
        )
        assert await system.supervisor.settled() == []
        view = system.view("db")
        assert (view.state, view.health, view.owner, view.url) == (S.READY, HealthState.HEALTHY, Owner.EXTERNAL, url)
        assert not system.entry("db").managed
        assert system.entry("db").serving
        for refused in (
            system.supervisor.orders.start,
            system.supervisor.orders.stop,
            system.supervisor.orders.restart,
        ):
            with pytest.raises(CommandError, match="not run by devgate"):
                await refused("db")
    system.supervisor.suspect("db", 0)
    await system.state_is("db", S.STOPPED)
    assert system.entry("db").detail == "refuses connections"
    relieved: list[Entry] = []
    system.directory.on_recovery(relieved.append)
    with socket.create_server(("127.0.0.1", int(url.rpartition(":")[2]))):
        await system.state_is("db", S.READY)
        await system.until(lambda: relieved == [system.entry("db")])
