"""Load, plan, apply: one at a time, nothing by halves, and nothing that was not proposed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate.clock import SystemClock
from devgate.engine.changes import REMEMBERED, Changes
from devgate.errors import CommandError, Exit, ProfileError, StartError
from devgate.model.events import Event, ProfileApplied, ProfileRejected
from devgate.profile.loading import try_load
from devgate.profile.trust import Trust, needs_trust

if TYPE_CHECKING:
    from pathlib import Path

    from devgate.model.plan import Plan
    from devgate.model.profile import Profile
    from devgate.profile.loading import Attempt, Loaded


class Running:
    """What is given a new profile; may be slow, or refuse."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.refuses: Exception | None = None
        self.may_go = asyncio.Event()
        self.may_go.set()
        self.inside = 0

    def foresee(self, profile: Profile, plan: Plan) -> Plan:
        return plan

    async def take(self, profile: Profile, plan: Plan) -> None:
        self.inside += 1
        assert self.inside == 1, "one at a time"
        await self.may_go.wait()
        self.inside -= 1
        if self.refuses is not None:
            raise self.refuses
        self.taken.append(profile.name)


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self.target = Running()
        self.write("a", "services: {x: {stub: true, port: auto}}")
        self.write("b", "services: {x: {stub: true, port: auto}, y: {stub: true, port: auto}}")
        self.write("c", "services: {z: {stub: true, port: auto}}")
        loaded = self.load("a.yaml").loaded
        assert loaded is not None
        self.changes = Changes(
            loaded,
            load=self.load,
            available=lambda: ("a", "b"),
            target=self.target,
            trust=Trust(folder / "state"),
            publish=self.events.append,
            clock=SystemClock(),
        )

    def write(self, name: str, text: str) -> None:
        (self.folder / f"{name}.yaml").write_text(f"name: {name}\n{text}\n")

    def load(self, ref: str) -> Attempt:
        return try_load(ref, cwd=self.folder, environ={})

    def loaded(self, ref: str) -> Loaded:
        loaded = self.load(ref).loaded
        assert loaded is not None
        return loaded


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_a_proposal_changes_nothing_and_applying_it_does(world: World) -> None:
    before = world.changes.loaded
    plan = await world.changes.propose("b.yaml")
    assert (plan.keep, plan.start) == (("x",), ("y",))
    assert world.changes.loaded is before
    assert not world.events
    assert await world.changes.apply(plan, by="me") == plan
    assert world.target.taken == ["b"]
    assert world.changes.loaded.ref == "b.yaml"
    assert world.changes.applied_at is not None
    (event,) = world.events
    assert isinstance(event, ProfileApplied)
    assert (event.plan, event.by) == (plan, "me")


async def test_a_plan_whose_beginning_no_longer_runs_is_stale(world: World) -> None:
    to_b, to_c = await world.changes.propose("b.yaml"), await world.changes.propose("c.yaml")
    await world.changes.apply(to_b, by="me")
    with pytest.raises(CommandError) as refused:
        await world.changes.apply(to_c, by="me")
    assert refused.value.code == "stale-plan"
    assert world.target.taken == ["b"]


async def test_only_what_was_proposed_is_applied(world: World) -> None:
    plan = await world.changes.propose("b.yaml")
    for forged in (replace(plan, new="f" * 64), replace(plan, stop=("no-such-service",)), replace(plan, start=())):
        with pytest.raises(CommandError) as refused:
            await world.changes.apply(forged, by="me")
        assert refused.value.code == "unknown-plan"
    assert not world.target.taken


async def test_old_proposals_are_forgotten(world: World) -> None:
    first = await world.changes.propose("b.yaml")
    for number in range(REMEMBERED):
        world.write("d", f"services: {{s{number}: {{stub: true, port: auto}}}}")
        await world.changes.propose("d.yaml")
    with pytest.raises(CommandError, match="not proposed here"):
        await world.changes.apply(first, by="me")


async def test_what_does_not_load_is_refused_with_its_problems(world: World) -> None:
    world.write("b", "services: {x: {comand: y}}")
    with pytest.raises(ProfileError) as refused:
        await world.changes.propose("b.yaml")
    assert refused.value.problems
    assert not world.events


async def test_what_cannot_be_taken_leaves_everything_as_it_was(world: World) -> None:
    before = world.changes.loaded
    plan = await world.changes.propose("b.yaml")
    world.target.refuses = StartError("Port 1 is taken")
    with pytest.raises(StartError):
        await world.changes.apply(plan, by="me")
    assert world.changes.loaded is before
    assert not world.events
    world.target.refuses = None
    await world.changes.apply(plan, by="me")
    assert world.target.taken == ["b"]


async def test_of_two_at_once_the_second_is_stale(world: World) -> None:
    to_b, to_c = await world.changes.propose("b.yaml"), await world.changes.propose("c.yaml")
    world.target.may_go.clear()
    both = [asyncio.create_task(world.changes.apply(plan, by="me")) for plan in (to_b, to_c)]
    await asyncio.sleep(0.01)
    world.target.may_go.set()
    first, second = await asyncio.gather(*both, return_exceptions=True)
    assert first == to_b
    assert isinstance(second, CommandError)
    assert second.code == "stale-plan"
    assert world.target.taken == ["b"]


async def test_a_file_that_changes_during_a_switch_is_no_longer_meant(world: World) -> None:
    plan = await world.changes.propose("b.yaml")
    world.write("a", "services: {w: {stub: true, port: auto}}")
    edited = world.loaded("a.yaml")
    world.target.may_go.clear()
    switch = asyncio.create_task(world.changes.apply(plan, by="me"))
    await asyncio.sleep(0)
    edit = asyncio.create_task(world.changes.file_changed(edited))
    await asyncio.sleep(0.01)
    world.target.may_go.set()
    await asyncio.gather(switch, edit)
    assert world.target.taken == ["b"]


async def test_an_edited_file_is_applied_by_itself(world: World) -> None:
    world.write("a", "services: {w: {stub: true, port: auto}}")
    await world.changes.file_changed(world.loaded("a.yaml"))
    (event,) = world.events
    assert isinstance(event, ProfileApplied)
    assert event.by == "file"
    assert world.changes.loaded.profile.services.keys() == {"w"}


async def test_a_bad_file_is_told_and_a_good_one_clears_it(world: World) -> None:
    world.write("a", "services: {x: {comand: y}}")
    error = world.load("a.yaml").error
    assert error is not None
    world.changes.reject(error)
    (event,) = world.events
    assert isinstance(event, ProfileRejected)
    assert event.problems == world.changes.problems
    assert "a.yaml:2:" in world.changes.problems[0]
    await world.changes.file_changed(world.changes.loaded)  # mended: again what runs
    assert world.changes.problems == ()
    assert not world.target.taken


async def test_an_edit_that_cannot_be_taken_is_a_problem_and_no_bug(world: World) -> None:
    world.write("a", "gateway: {port: 1}")
    world.target.refuses = StartError("Port 1 is taken")
    await world.changes.file_changed(world.loaded("a.yaml"))
    assert world.changes.problems == ("Port 1 is taken",)
    assert world.changes.loaded.profile.gateway.port != 1


async def test_an_error_without_problems_is_told_by_its_message(world: World) -> None:
    world.changes.reject(ProfileError("the file is gone"))
    assert world.changes.problems == ("the file is gone",)


async def test_a_file_that_would_run_something_new_waits_for_somebody_to_agree(world: World) -> None:
    world.write("a", "services: {x: {command: [touch, ran], port: auto}}")
    await world.changes.file_changed(world.loaded("a.yaml"))
    assert world.target.taken == []
    assert "nobody has agreed" in world.changes.problems[0]
    assert world.changes.waits
    world.changes.reject(ProfileError("and now it does not load"))
    assert not world.changes.waits
    await world.changes.file_changed(world.loaded("a.yaml"))
    assert world.changes.waits
    plan = await world.changes.propose()
    await world.changes.apply(plan, by="screen", agreed=True)
    assert world.target.taken == ["a"]
    assert (world.changes.problems, world.changes.waits) == ((), False)
    assert needs_trust(world.changes.loaded, world.folder / "state") is None
    world.write("a", "services: {x: {command: [touch, ran], port: auto}}\nroutes: [{path: /x, service: x}]")
    await world.changes.file_changed(world.loaded("a.yaml"))
    assert world.target.taken == ["a", "a"]


async def test_who_trusts_everything_is_not_asked(world: World) -> None:
    world.changes._trust = Trust(world.folder / "state", always=True)
    world.write("a", "services: {x: {command: [touch, ran], port: auto}}")
    await world.changes.file_changed(world.loaded("a.yaml"))
    assert world.target.taken == ["a"]


COMMAND = "services: {x: {command: [touch, ran], port: auto}}"


async def test_a_switch_to_what_nobody_has_agreed_to_is_refused(world: World) -> None:
    world.write("b", COMMAND)
    plan = await world.changes.propose("b.yaml")
    (line,) = plan.unapproved
    assert line.startswith('x runs ["touch", "ran"]')
    with pytest.raises(CommandError) as refused:
        await world.changes.apply(plan, by="api")
    assert (refused.value.code, refused.value.exit_code) == ("untrusted-profile", Exit.USAGE)
    assert not world.target.taken
    assert (await world.changes.propose("b.yaml")).unapproved, "asking is no agreement"
    await world.changes.apply(plan, by="api", agreed=True)
    assert world.target.taken == ["b"]
    assert needs_trust(world.changes.loaded, world.folder / "state") is None


async def test_only_what_is_new_has_to_be_agreed_to(world: World) -> None:
    world.write("b", COMMAND)
    await world.changes.apply(await world.changes.propose("b.yaml"), by="me", agreed=True)
    world.write("b", "services: {x: {command: [touch, ran], port: auto}, y: {command: [touch, more], port: auto}}")
    (line,) = (await world.changes.propose()).unapproved
    assert line.startswith('y runs ["touch", "more"]')


async def test_less_than_what_runs_is_shown_whole(world: World) -> None:
    """A variable that is gone may be what kept a command harmless."""
    world.write("b", "services: {x: {command: [touch, ran], port: auto, env: {DRY_RUN: '1'}}}")
    await world.changes.apply(await world.changes.propose("b.yaml"), by="me", agreed=True)
    world.write("b", COMMAND)
    (line,) = (await world.changes.propose()).unapproved
    assert line.startswith("x runs")
