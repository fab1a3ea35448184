"""What services do to each other, what requests and files do to them, and what a new profile does to all."""

import asyncio
import json
import os
import re
import signal
import socket
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from devgate import processes
from devgate.errors import CommandError
from devgate.model.status import HealthState, ServiceState
from devgate.profile.envfile import read_env_file
from tests.deadline import DEADLINE_S
from tests.samples import command

S = ServiceState


def echo(*arguments: object, **fields: Any) -> dict[str, Any]:
    return {"command": command("echo", *arguments), "port": "auto"} | fields


async def asked(url: str) -> dict[str, Any]:
    """What the sample `echo` answers. In a thread: it talks to one at a time, and a probe may be before us."""

    def ask() -> dict[str, Any]:
        with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    return await asyncio.to_thread(ask)


# Dependents


async def test_a_restart_reaches_those_who_asked_for_it(supervise) -> None:
    system = await supervise(
        {
            "db": echo(),
            "users": echo(depends_on={"db": {"restart": True}}),
            "chat": echo(depends_on=["db"]),
        }
    )
    await system.supervisor.settled()
    before = {view.name: view.pid for view in system.supervisor.rows()}
    await system.supervisor.orders.restart("db")
    await system.until(lambda: system.state("users") is S.READY and system.view("users").pid != before["users"])
    assert system.causes("users", S.STOPPING) == ["db restarted"]
    assert system.view("chat").pid == before["chat"]


async def test_a_crash_reaches_them_too_and_a_first_start_nobody(supervise, tmp_path: Path) -> None:
    system = await supervise(
        {
            "db": echo(0.2, backoff={"first": "10ms"}),
            "users": echo(depends_on={"db": {"restart": True, "condition": "started"}}),
        }
    )
    await system.supervisor.settled()
    assert len(system.exits("users")) == 0
    os.kill(system.view("db").pid, 9)
    await system.until(lambda: len(system.exits("users")) == 1)
    await system.state_is("users", S.READY)


async def test_with_dependents_they_stop_first_and_start_last(supervise) -> None:
    system = await supervise(
        {"web": echo(depends_on=["users"]), "users": echo(depends_on=["db"]), "db": echo(), "x": echo()}
    )
    await system.supervisor.settled()
    start = len(system.events)
    entry, gaps = system.entry("web"), []
    restart = asyncio.create_task(system.supervisor.orders.restart("db", dependents=True))
    while not restart.done():
        if not entry.serving and not entry.returning:
            gaps.append(entry.state)
        await asyncio.sleep(0)
    await restart
    assert gaps == [], "requests to a dependent would have been refused"
    moves = [(event.service, event.new) for event in system.events[start:] if hasattr(event, "run")]
    order = [name for name, new in moves if new is S.STOPPING]
    assert order == ["web", "users", "db"]
    order = [name for name, new in moves if new is S.READY]
    assert order == ["db", "users", "web"]
    assert system.exits("x") == []


async def test_stopped_and_started_with_dependents(supervise) -> None:
    system = await supervise(
        {
            "web": echo(depends_on=["users"]),
            "users": echo(depends_on=["db"]),
            "seed": {"command": command("crash", 0, 0), "kind": "task", "depends_on": ["db"]},
            "db": echo(),
            "x": echo(),
        }
    )
    await system.supervisor.settled()
    start = len(system.events)
    await system.supervisor.orders.stop("db", dependents=True)
    assert [system.state(name) for name in ("web", "users", "db", "x")] == [S.STOPPED, S.STOPPED, S.STOPPED, S.READY]
    moves = [(event.service, event.new) for event in system.events[start:] if hasattr(event, "run")]
    assert [name for name, new in moves if new is S.STOPPING] == ["web", "users", "db"]
    start = len(system.events)
    await system.supervisor.orders.start("db", dependents=True)
    moves = [(event.service, event.new) for event in system.events[start:] if hasattr(event, "run")]
    assert [name for name, new in moves if new is S.READY] == ["db", "users", "web"]
    assert len(system.exits("seed")) == 1, "a task that has done its work is not done again"


async def test_what_is_refused_stops_no_dependents(supervise) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}"
        system = await supervise({"web": echo(depends_on=["db"]), "db": {"url": url}})
        await system.state_is("web", S.READY)
        supervisor = system.supervisor
        for refused in (supervisor.orders.stop, supervisor.orders.restart, supervisor.orders.start):
            with pytest.raises(CommandError, match="not run by devgate"):
                await refused("db", dependents=True)
        assert system.exits("web") == []


async def test_while_it_shuts_down_it_says_how_long_it_waits(supervise) -> None:
    system = await supervise({"web": {"command": command("deaf"), "ready": {"log": "deaf"}, "stop": {"grace": "60s"}}})
    await system.supervisor.settled()
    assert system.supervisor.kill_in_s is None
    shutdown = asyncio.create_task(system.supervisor.shutdown(1.5))
    await system.state_is("web", S.STOPPING)
    assert 0 < system.supervisor.kill_in_s <= 1.5
    await shutdown
    assert system.state("web") is S.STOPPED


async def test_who_needs_a_service_is_told_and_follows_the_profile(supervise) -> None:
    services = {"db": echo(), "users": echo(depends_on=["db"]), "web": echo(depends_on=["users"])}
    system = await supervise(services)
    assert [system.view(name).dependents for name in services] == [("users", "web"), ("web",), ()]
    await system.become(services | {"web": echo()})
    assert [system.view(name).dependents for name in services] == [("users",), (), ()]


async def test_stopping_alone_leaves_dependents_alone(supervise) -> None:
    system = await supervise({"web": echo(depends_on=["db"]), "db": echo()})
    await system.supervisor.settled()
    await system.supervisor.orders.stop("db")
    assert system.state("web") is S.READY


async def test_an_optional_need_that_failed_is_not_waited_for(supervise) -> None:
    system = await supervise(
        {
            "cache": {"command": command("crash", 1, 0.1), "restart": "no"},
            "web": echo(depends_on={"cache": {"required": False}}),
        }
    )
    assert await system.supervisor.settled() == ["cache"]
    assert system.states("web") == [S.STOPPED, S.WAITING, S.STARTING, S.READY]


async def test_a_mended_dependency_lets_the_waiting_go_on(supervise, tmp_path: Path) -> None:
    system = await supervise({"db": echo(cwd="later"), "web": echo(depends_on=["db"])})
    assert await system.supervisor.settled() == ["db", "web"]
    (tmp_path / "later").mkdir()
    await system.supervisor.orders.start("db")
    await system.state_is("web", S.READY)


# Requests


async def test_a_request_starts_it_and_first_what_it_needs(supervise) -> None:
    system = await supervise({"web": echo(autostart="on_request", depends_on=["db"]), "db": echo(autostart=False)})
    assert await system.supervisor.settled() == []
    entry = system.entry("web")
    assert (system.state("web"), entry.returning) == (S.STOPPED, False)
    for _ in range(10):
        entry.wanted()
        assert entry.returning, "the request that asked would have been refused"
    await system.state_is("web", S.READY)
    assert system.state("db") is S.READY
    assert len(system.ours()) == 2


async def test_what_somebody_has_stopped_no_request_starts(supervise) -> None:
    system = await supervise({"web": echo(autostart="on_request")})
    await system.supervisor.orders.start("web")
    await system.supervisor.orders.stop("web")
    assert system.entry("web").wanted is None
    await system.supervisor.orders.start("web")
    assert system.entry("web").wanted is not None


async def test_idle_it_stops_and_a_request_starts_it_again(supervise) -> None:
    system = await supervise({"web": echo(autostart="on_request", idle_stop="200ms")})
    entry = system.entry("web")
    entry.wanted()
    await system.state_is("web", S.READY)
    (instance,) = entry.serving
    instance.enter()
    await asyncio.sleep(0.5)
    assert system.state("web") is S.READY, "it was stopped under a request"
    instance.leave()
    await system.state_is("web", S.STOPPED)
    assert system.causes("web", S.STOPPING) == ["idle for 0.2 s"]
    entry.wanted()
    await system.state_is("web", S.READY)


async def test_a_request_while_it_stops_for_idleness_waits_and_starts_it(supervise) -> None:
    """What the gateway does: wait while it returns, ask where it is stopped."""
    system = await supervise({"web": echo(autostart="on_request", idle_stop="50ms")})
    entry = system.entry("web")
    served = 0

    async def request() -> None:
        nonlocal served
        while not entry.serving:
            if not entry.returning:
                assert entry.state is S.STOPPED
                assert entry.wanted is not None
                entry.wanted()
            await entry.changed()
        served += 1

    for _ in range(20):
        async with asyncio.timeout(DEADLINE_S):
            await request()
        await asyncio.sleep(0.05)
    assert served == 20
    assert len(system.exits("web")) > 1


# Files


def watched(**fields: Any) -> dict[str, Any]:
    return echo(watch={"paths": ["src"], "debounce": "20ms"} | fields.pop("watch", {}), **fields)


@pytest.fixture
def src(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("1")
    return tmp_path / "src"


async def test_a_changed_file_restarts_it(supervise, src: Path) -> None:
    system = await supervise({"web": watched()})
    await system.supervisor.settled()
    pid = system.view("web").pid
    (src / "main.py").write_text("2")
    await system.until(lambda: system.state("web") is S.READY and system.view("web").pid != pid)
    assert system.causes("web", S.STOPPING) == ["changed: src/main.py"]
    assert len(system.exits("web")) == 1


async def test_a_changed_file_rearms_what_has_crashed(supervise, src: Path) -> None:
    script = 'test "$(cat src/main.py)" = 2 && exec sleep 600; exit 1'
    system = await supervise(
        {"web": {"command": script, "restart": "no", "watch": ["src"], "ready": {"exec": "sleep 0.2"}}}
    )
    assert await system.supervisor.settled() == ["web"]
    (src / "main.py").write_text("2")
    await system.state_is("web", S.READY)


async def test_a_changed_file_runs_a_task_again(supervise, src: Path) -> None:
    system = await supervise({"task": {"command": "true", "kind": "task", "watch": ["src"]}})
    await system.state_is("task", S.COMPLETED)
    (src / "main.py").write_text("2")
    await system.until(lambda: len(system.exits("task")) == 2)


async def test_a_changed_file_starts_nothing_that_was_stopped(supervise, src: Path) -> None:
    system = await supervise({"web": watched(), "other": watched()})
    await system.supervisor.settled()
    await system.supervisor.orders.stop("web")
    (src / "main.py").write_text("2")
    await system.until(lambda: len(system.exits("other")) == 1)
    await system.state_is("other", S.READY)
    assert system.state("web") is S.STOPPED


async def test_a_service_that_writes_what_it_watches_is_left_alone(supervise, src: Path, monkeypatch) -> None:
    monkeypatch.setattr("devgate.supervisor.watch.TRIGGERS", 4)
    script = "date +%N > src/out; exec sleep 600"
    system = await supervise({"web": {"command": script, "watch": {"paths": "src", "debounce": "10ms"}}})
    await system.until(
        lambda: any("files are not watched until it is restarted" in line for line in system.lines("web"))
    )
    await system.state_is("web", S.READY)
    runs = len(system.exits("web"))
    (src / "main.py").write_text("2")
    await asyncio.sleep(0.3)
    assert len(system.exits("web")) == runs


# Replicas


async def test_replicas_have_ports_of_their_own(supervise, two_ports: int) -> None:
    system = await supervise({"web": echo(port=two_ports, replicas=2, ready={"http": "/"})})
    assert await system.supervisor.settled() == []
    view = system.view("web")
    assert [instance.port for instance in view.instances] == [two_ports, two_ports + 1]
    assert {instance.pid for instance in view.instances} == {
        (await asked(f"http://127.0.0.1:{two_ports + n}"))["pid"] for n in (0, 1)
    }
    assert (view.state, view.health) == (S.READY, HealthState.HEALTHY)
    assert len(system.entry("web").serving) == 2


async def test_an_unhealthy_replica_takes_no_part_until_it_is_well_again(supervise, two_ports: int) -> None:
    probe = {"http": "/", "interval": "20ms", "timeout": "100ms"}
    system = await supervise({"web": echo(port=two_ports, replicas=2, ready=probe)})
    await system.supervisor.settled()
    entry = system.entry("web")
    first, second = entry.instances
    await system.until(lambda: entry.best == (first, second))
    os.kill(system.view("web").instances[0].pid, signal.SIGSTOP)  # a breakpoint, say
    await system.until(lambda: entry.best == (second,))
    assert entry.serving == (first, second)
    os.kill(system.view("web").instances[0].pid, signal.SIGCONT)
    await system.until(lambda: entry.best == (first, second))


async def test_a_rolling_restart_always_leaves_one(supervise) -> None:
    system = await supervise({"web": echo(0.2, replicas=3)})
    await system.supervisor.settled()
    before = {instance.pid for instance in system.view("web").instances}
    restart = asyncio.create_task(system.supervisor.orders.restart("web"))
    fewest = 3
    while not restart.done():
        fewest = min(fewest, len(system.entry("web").serving))
        await asyncio.sleep(0)
    await restart
    assert fewest == 2
    assert not before & {instance.pid for instance in system.view("web").instances}


async def test_a_rolling_restart_ends_where_it_fails(supervise, tmp_path: Path) -> None:
    script = f"test -e {tmp_path}/broken && exit 1; exec sleep 600"
    system = await supervise(
        {"web": {"command": script, "replicas": 3, "restart": "no", "ready": {"exec": "sleep 0.3"}}}
    )
    await system.supervisor.settled()
    (tmp_path / "broken").touch()
    with pytest.raises(CommandError, match="web is crashed"):
        await system.supervisor.orders.restart("web")
    states = [instance.state for instance in system.view("web").instances]
    assert states == [S.CRASHED, S.READY, S.READY]
    assert (system.state("web"), system.view("web").health) == (S.CRASHED, HealthState.DEGRADED)


async def test_one_replica_that_crashes_comes_back_alone(supervise) -> None:
    system = await supervise({"web": echo(replicas=2, backoff={"first": "10ms"})})
    await system.supervisor.settled()
    first, second = system.view("web").instances
    os.kill(first.pid, 9)
    await system.until(lambda: system.view("web").instances[0].pid not in (None, first.pid))
    await system.state_is("web", S.READY)
    assert system.view("web").instances[1].pid == second.pid
    assert [instance.restarts for instance in system.view("web").instances] == [1, 0]


# Profiles


async def test_a_switch_keeps_what_is_the_same(supervise) -> None:
    one, two, three = echo(), echo(), echo()
    system = await supervise({"one": one, "two": two, "three": three})
    await system.supervisor.settled()
    before = {view.name: view.pid for view in system.supervisor.rows()}
    await system.become({"one": one, "two": two | {"env": {"A": "1"}}, "four": echo()})
    await system.until(lambda: {view.name for view in system.supervisor.rows()} == {"one", "two", "four"})
    assert await system.supervisor.settled() == []
    assert system.view("one").pid == before["one"]
    await system.until(lambda: system.state("two") is S.READY and system.view("two").pid != before["two"])
    assert (await asked(system.view("two").url))["env"]["A"] == "1"
    await system.until(lambda: system.directory.get("three") is None)
    assert processes.find(before["three"]) is None
    with pytest.raises(CommandError):
        system.supervisor.logs(["three"])


async def test_an_edited_file_makes_it_stale_until_asked(supervise) -> None:
    system = await supervise({"web": echo(env={"A": "1"}, start_timeout="60s")})
    await system.supervisor.settled()
    pid = system.view("web").pid
    await system.become({"web": echo(env={"A": "2"}, required=False)}, switch=False)
    view = system.view("web")
    assert (view.pid, view.stale) == (pid, ("env.A",))
    assert view.required is False, "what needs no restart counts at once"
    await system.supervisor.orders.restart("web")
    assert system.view("web").stale == ()
    assert (await asked(system.view("web").url))["env"]["A"] == "2"


async def test_edits_add_up_and_what_is_taken_live_forgives_none(supervise) -> None:
    system = await supervise({"web": echo(env={"A": "1"})})
    await system.supervisor.settled()
    await system.become({"web": echo(env={"A": "2"})}, switch=False)
    await system.become({"web": echo(env={"A": "2"}, cwd="/")}, switch=False)
    assert system.view("web").stale == ("cwd", "env.A")
    await system.become({"web": echo(env={"A": "2"}, cwd="/", required=False)}, switch=False)
    assert system.view("web").stale == ("cwd", "env.A")
    await system.become({"web": echo(env={"A": "1"}, cwd="/", required=False)}, switch=False)
    assert system.view("web").stale == ("cwd",)
    os.kill(system.view("web").pid, 9)
    await system.until(lambda: system.view("web").restarts == 1 and system.state("web") is S.READY)
    assert system.view("web").stale == ()
    answer = await asked(system.view("web").url)
    assert (answer["cwd"], answer["env"]["A"]) == ("/", "1")


async def test_an_edit_that_is_taken_back_leaves_nothing_stale(supervise) -> None:
    system = await supervise({"web": echo(env={"A": "1"})})
    await system.supervisor.settled()
    await system.become({"web": echo(env={"A": "2"})}, switch=False)
    plan = await system.become({"web": echo(env={"A": "1"})}, switch=False)
    assert [reason.service for reason in plan.stale] == ["web"], "compared with the profile before, not with what runs"
    assert system.view("web").stale == ()


async def test_an_env_file_that_was_read_after_its_edit_is_not_stale(supervise, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\n")

    def services() -> dict[str, Any]:
        return {name: echo(env_file=[str(file)]) for name in ("early", "late")}

    def digests() -> dict[str, dict[str, str]]:
        return {str(file): read_env_file(file, {}).digests}

    system = await supervise(services(), {"env_digests": digests()})
    await system.supervisor.settled()
    file.write_text("A=2\n")
    await system.supervisor.orders.restart("late")
    await system.become(services(), switch=False, env_digests=digests())
    assert (system.view("early").stale, system.view("late").stale) == (("env_file.A",), ())


async def test_a_gateway_that_has_moved_is_news_to_what_knows_its_address(supervise) -> None:
    services = {"web": echo(), "stand-in": {"stub": True, "port": "auto"}}
    system = await supervise(services)
    await system.supervisor.settled()
    pid = system.view("web").pid
    await system.become(services, gateway={"port": 8081})
    assert (system.view("web").stale, system.view("stand-in").stale) == (("gateway.port",), ())
    assert system.view("web").pid == pid
    await system.supervisor.orders.restart("web")
    assert system.view("web").stale == ()


async def test_of_two_replicas_the_old_one_stays_stale(supervise) -> None:
    system = await supervise({"web": echo(replicas=2, env={"A": "1"})})
    await system.supervisor.settled()
    await system.become({"web": echo(replicas=2, env={"A": "2"})}, switch=False)
    first = system.view("web").instances[0].pid
    os.kill(first, 9)
    await system.until(
        lambda: system.view("web").instances[0].pid not in (None, first) and system.state("web") is S.READY
    )
    assert system.view("web").stale == ("env.A",)
    await system.supervisor.orders.restart("web")
    assert system.view("web").stale == ()


async def test_what_is_down_is_never_stale(supervise) -> None:
    system = await supervise({"web": echo(autostart=False)})
    await system.become({"web": echo(autostart=False, env={"A": "2"})}, switch=False)
    assert system.view("web").stale == ()
    assert system.state("web") is S.STOPPED


async def test_a_mended_profile_starts_what_was_blocked(supervise) -> None:
    system = await supervise({"web": {"command": "no-such-program"}})
    await system.state_is("web", S.BLOCKED)
    await system.become({"web": echo()}, switch=False)
    await system.state_is("web", S.READY)


async def test_a_switch_starts_nothing_that_was_stopped(supervise) -> None:
    system = await supervise({"web": echo(), "other": echo()})
    await system.supervisor.settled()
    await system.supervisor.orders.stop("web")
    plan = await system.become({"web": echo(env={"A": "2"}), "other": echo(env={"A": "2"})})
    assert [reason.service for reason in plan.restart] == ["other"], "the plan says so beforehand"
    assert [reason.service for reason in plan.rest] == ["web"]
    await system.until(lambda: len(system.exits("other")) == 1)
    await system.state_is("other", S.READY)
    assert system.state("web") is S.STOPPED
    await system.supervisor.orders.start("web")
    assert (await asked(system.view("web").url))["env"]["A"] == "2"


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_switch_starts_what_was_stopped_where_something_needs_it(supervise, end: str) -> None:
    """Otherwise those that it restarts would wait for ever."""
    system = await supervise({"search": echo(), "bot": echo(depends_on=["search"])})
    await system.supervisor.settled()
    await getattr(system.supervisor.orders, end)("search")
    plan = await system.become({"search": echo(env={"A": "2"}), "bot": echo(depends_on=["search"], env={"A": "2"})})
    assert ([reason.service for reason in plan.restart], plan.start, plan.rest) == (["bot"], ("search",), ())
    await system.until(lambda: len(system.exits("bot")) == 1)
    await system.state_is("bot", S.READY)
    assert (await asked(system.view("search").url))["env"]["A"] == "2"


async def test_a_switch_starts_what_is_needed_though_it_stays_the_same(supervise) -> None:
    system = await supervise({"search": echo(), "bot": echo(depends_on=["search"])})
    await system.supervisor.settled()
    await system.supervisor.orders.stop("search")
    plan = await system.become({"search": echo(), "bot": echo(depends_on=["search"], env={"A": "2"})})
    assert (plan.keep, plan.start) == ((), ("search",))
    await system.until(lambda: len(system.exits("bot")) == 1)
    await system.state_is("bot", S.READY)


async def test_a_switch_starts_with_another_number_of_replicas_what_was_stopped(supervise) -> None:
    system = await supervise({"search": echo(), "bot": echo(depends_on=["search"])})
    await system.supervisor.settled()
    await system.supervisor.orders.stop("search")
    await system.become({"search": echo(replicas=2), "bot": echo(depends_on=["search"])})
    await system.until(lambda: len(system.entry("search").serving) == 2)


async def test_a_changed_probe_counts_at_once(supervise) -> None:
    system = await supervise({"web": echo()})
    await system.supervisor.settled()
    pid = system.view("web").pid
    probe = {"http": "/nothing", "interval": "20ms"}
    await system.become({"web": echo(ready=probe)})
    await system.until(lambda: system.view("web").health is HealthState.HEALTHY and system.view("web").pid == pid)
    await system.become({"web": echo(ready={"exec": "false", "interval": "20ms"})})
    await system.until(lambda: system.view("web").health is HealthState.UNHEALTHY)
    assert (system.view("web").pid, system.state("web")) == (pid, S.READY)


async def test_another_number_of_replicas(supervise) -> None:
    system = await supervise({"web": echo()})
    await system.supervisor.settled()
    old = system.entry("web")
    waiting = asyncio.create_task(old.changed())
    await asyncio.sleep(0)
    await system.become({"web": echo(replicas=2)})
    assert system.entry("web").returning
    await system.until(lambda: len(system.entry("web").serving) == 2)
    await waiting
    assert len(system.ours()) == 2


async def test_from_ours_to_somebody_elses_and_back(supervise, free_port: int) -> None:
    ours = echo(port=free_port)
    system = await supervise({"web": ours})
    await system.supervisor.settled()
    await system.become({"web": {"url": f"http://127.0.0.1:{free_port}"}})
    await system.until(lambda: system.ours() == [] and system.state("web") is S.STOPPED)
    assert not system.entry("web").managed
    await system.become({"web": ours})
    await system.until(lambda: system.state("web") is S.READY and len(system.ours()) == 1)


async def test_a_switch_back_before_the_stop_is_done(supervise) -> None:
    slow = echo(stop={"drain": "300ms"})
    system = await supervise({"web": slow})
    await system.supervisor.settled()
    system.entry("web").serving[0].enter()
    await system.become({})
    await system.become({"web": slow})
    await system.until(lambda: system.state("web") is S.READY and len(system.ours()) == 1)
    assert system.directory.get("web") is not None


async def test_a_port_passes_from_one_service_to_another(supervise, free_port: int) -> None:
    """A switch where the new service wants the port that an old one is still leaving."""
    system = await supervise({"api": echo(port=free_port, stop={"drain": "200ms"})})
    await system.supervisor.settled()
    system.entry("api").serving[0].enter()
    await system.become({"backend": echo(port=free_port)})
    await system.state_is("backend", S.WAITING)
    assert system.view("backend").waiting_for == ("api",)
    assert system.entry("backend").returning
    await system.state_is("backend", S.READY)
    assert (await asked(system.view("backend").url))["env"]["DEVGATE_SERVICE"] == "backend"


async def test_two_services_swap_their_ports(supervise, two_ports: int) -> None:
    system = await supervise({"one": echo(port=two_ports), "two": echo(port=two_ports + 1)})
    await system.supervisor.settled()
    await system.become({"one": echo(port=two_ports + 1), "two": echo(port=two_ports)})
    await system.until(lambda: [view.port for view in system.supervisor.rows()] == [two_ports + 1, two_ports])
    assert await system.supervisor.settled() == []
    assert {S.BLOCKED, S.CRASHED}.isdisjoint([*system.states("one"), *system.states("two")])


async def test_more_replicas_wait_until_asked_for(supervise) -> None:
    system = await supervise({"web": echo()})
    await system.supervisor.settled()
    pid = system.view("web").pid
    await system.become({"web": echo(replicas=2)}, switch=False)
    assert (system.view("web").stale, system.view("web").pid) == (("replicas",), pid)
    os.kill(pid, 9)  # a crash does not change its shape
    await system.until(lambda: system.view("web").pid not in (None, pid) and system.state("web") is S.READY)
    assert len(system.view("web").instances) == 1
    await system.supervisor.orders.restart("web")
    assert [instance.state for instance in system.view("web").instances] == [S.READY, S.READY]
    assert system.view("web").stale == ()


async def test_a_shutdown_waits_for_what_is_on_its_way_out(supervise) -> None:
    system = await supervise({"web": echo(stop={"drain": "200ms"})})
    await system.supervisor.settled()
    system.entry("web").serving[0].enter()
    await system.become({})
    await system.supervisor.shutdown()
    assert system.ours() == []
    assert [event.code for event in system.exits("web")] == [0], "it was killed and not asked"


# What they use


async def test_the_whole_family_is_measured(supervise, monkeypatch) -> None:
    monkeypatch.setattr("devgate.supervisor.resources.INTERVAL_S", 0.05)
    system = await supervise(
        {
            "busy": {"command": "sh -c 'while :; do :; done' & wait", "stop": {"grace": "100ms"}},
            "idle": echo(),
        }
    )
    await system.until(lambda: (system.view("busy").cpu_percent or 0) > 5)
    await system.until(lambda: system.view("idle").memory_bytes)
    idle = system.view("idle")
    assert idle.memory_bytes == pytest.approx(psutil.Process(idle.pid).memory_info().rss, rel=0.5)
    await system.supervisor.orders.stop("busy")
    assert (system.view("busy").cpu_percent, system.view("busy").memory_bytes) == (None, None)


async def test_the_run_number_stands_in_the_log(supervise) -> None:
    system = await supervise({"web": echo()})
    await system.supervisor.settled()
    await system.supervisor.orders.restart("web")
    marks = [line for line in system.lines("web") if re.match(r"run \d", line)]
    assert [mark.split(",")[0] for mark in marks] == ["run 1: started", "run 2: started"]
