"""Choosing a profile: the plan before anything happens, Enter to apply it, every problem where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devgate.errors import CommandError, ProfileError
from devgate.tui.dialogs import Agreement
from tests.tui.driving import driven, news, press, screen_of, shows, text_of, until
from tests.tui.fake_control import PLAN, FakeControl, sample

pytestmark = pytest.mark.usefixtures("from_both_sides")


async def test_the_plan_is_shown_and_nothing_happens():
    control = FakeControl(sample())
    async with driven(control) as (app, pilot):
        await press(pilot, "p", "j", "j")
        text = text_of(app)
        assert "restart  ◐ fechatter-server  env.RUST_LOG, replicas" in text
        assert {asked[0] for asked in control.asked} == {"propose"}
        assert control.asked[-1] == ("propose", "fechatter/ha")


async def test_enter_applies_what_was_shown():
    control = FakeControl(sample())
    async with driven(control) as (app, pilot):
        await press(pilot, "p", "j", "j", "enter")
        assert control.asked[-1] == ("apply", "fechatter/ha", "screen")
        (notice,) = app._notifications
        assert notice.message == PLAN.summary


async def test_a_plan_that_is_out_of_date_is_refused_with_its_reason():
    control = FakeControl(sample())
    async with driven(control) as (app, pilot):
        await press(pilot, "p", "j")
        control.refuses = CommandError("the profile has changed meanwhile", hint="look at the new plan")
        await press(pilot, "enter")
        (notice,) = app._notifications
        assert "the profile has changed meanwhile" in notice.message


async def test_what_runs_is_marked_and_there_is_nothing_to_apply():
    control = FakeControl(sample(), plan=replace(PLAN, new=PLAN.old))
    async with driven(control) as (app, pilot):
        await press(pilot, "p")
        await shows(pilot, "● fechatter/development  running")
        await shows(pilot, "nothing to do")
        assert "apply" not in screen_of(app)[-1]
        await press(pilot, "enter")
        assert not any(asked[0] == "apply" for asked in control.asked)


async def test_a_running_profile_that_is_not_listed_stands_on_top():
    control = FakeControl(replace(sample(), profile_source="/tmp/mine.yaml"))
    async with driven(control) as (app, pilot):
        await press(pilot, "p")
        await until(pilot, lambda: "● /tmp/mine.yaml  running" in screen_of(app)[2])


async def test_every_problem_of_a_profile_that_does_not_load():
    problems = ["ha.yaml:3:5: unknown key prot\n  3 | prot: 1", "ha.yaml:9:1: a cycle"]
    control = FakeControl(sample(), refuses=ProfileError("ha.yaml has 2 problems", problems, hint="mend it"))
    async with driven(control) as (app, pilot):
        await press(pilot, "p", "j")
        text = text_of(app)
        for words in ("ha.yaml has 2 problems", "ha.yaml:3:5: unknown key prot", "3 | prot: 1", "a cycle", "mend it"):
            assert words in text
        await press(pilot, "enter")
        assert not any(asked[0] == "apply" for asked in control.asked)
        control.refuses = None
        await press(pilot, "f5")
        await shows(pilot, "stop     ○ bot-server")


async def test_a_bug_behind_the_plan_is_said(caplog: pytest.LogCaptureFixture):
    control = FakeControl(sample(), refuses=ZeroDivisionError("oh"))
    async with driven(control) as (_app, pilot):
        await press(pilot, "p")
        await shows(pilot, "ZeroDivisionError")
    caplog.clear()


async def test_a_changed_file_is_planned_anew():
    control = FakeControl(sample())
    async with driven(control) as (_app, pilot):
        await press(pilot, "p")
        count = len(control.asked)
        control.change()
        await news(pilot, control)
        assert len(control.asked) == count
        control.change(config_problems=("x",))
        await news(pilot, control)
        assert len(control.asked) == count + 1


NEW = replace(PLAN, unapproved=("z runs touch ran " + "x" * 200 + " && rm -rf home  (in /src/p)",))


@pytest.mark.parametrize("way", [("p", "j", "j"), ("c",)])
async def test_new_commands_run_only_when_they_were_shown_and_agreed_to(way: tuple[str, ...]):
    control = FakeControl(sample(), plan=NEW)
    async with driven(control) as (app, pilot):
        await press(pilot, *way)
        if way[0] == "p":
            await shows(pilot, "⏎ apply")
            await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, Agreement))
        await shows(pilot, "z runs touch ran")
        await shows(pilot, "&& rm -rf home")
        await press(pilot, "enter", "y")
        assert isinstance(app.screen, Agreement), "what is pressed without reading agrees to nothing"
        assert not any(asked[0] == "apply" for asked in control.asked)
        await press(pilot, "a")
        await until(pilot, lambda: any(asked[0] == "apply" for asked in control.asked))
        (asked,) = (asked for asked in control.asked if asked[0] == "apply")
        assert asked[2:] == ("screen", "agreed")


async def test_going_back_agrees_to_nothing():
    control = FakeControl(sample(), plan=NEW)
    async with driven(control) as (app, pilot):
        await press(pilot, "c")
        await until(pilot, lambda: isinstance(app.screen, Agreement))
        await press(pilot, "escape")
        await until(pilot, lambda: not isinstance(app.screen, Agreement))
        assert not any(asked[0] == "apply" for asked in control.asked)


async def test_the_plan_names_new_commands_before_enter():
    async with driven(FakeControl(sample(), plan=NEW)) as (_app, pilot):
        await press(pilot, "p", "j", "j")
        await shows(pilot, "z runs touch ran")
