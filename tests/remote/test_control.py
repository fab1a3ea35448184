"""One contract for both: a local `Control`, and the same one seen through the control API."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate.errors import CommandError, DevgateError, Exit, ProfileError, StartError
from devgate.model.status import Forced
from devgate.remote import control as remote_module
from tests.admin.running import serving
from tests.deadline import DEADLINE_S
from tests.remote.reaching import remote_to
from tests.tui.fake_control import PLAN, FakeControl, log_lines, request_rows, rows_under_way, sample

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from devgate.control import Control


@pytest.fixture
def owner() -> FakeControl:
    """What stands at the other end, or is the thing itself."""
    return FakeControl(sample(), lines=log_lines(), requests_=request_rows())


@pytest.fixture(params=["local", "remote"])
async def control(request: pytest.FixtureRequest, owner: FakeControl) -> AsyncIterator[Control]:
    if request.param == "local":
        yield owner
        return
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(serving(owner))
        yield await stack.enter_async_context(remote_to(api.api.url))


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.01)


class TestContract:
    async def test_the_snapshot_is_the_owners(self, control: Control, owner: FakeControl) -> None:
        assert control.snapshot() == owner.now
        assert control.seq == owner.now.seq

    async def test_what_changes_is_seen(self, control: Control, owner: FakeControl) -> None:
        seen = control.seq
        owner.change_service("fechatter-server", restarts=41)
        await eventually(lambda: control.seq != seen)
        assert control.snapshot() == owner.now

    async def test_commands_arrive(self, control: Control, owner: FakeControl) -> None:
        await control.services.start("a")
        await control.services.start("a", dependents=True)
        await control.services.stop("b")
        await control.services.stop("b", dependents=True)
        await control.services.restart("c")
        await control.services.restart("c", dependents=True)
        await control.services.kill("d/../e ?#%\u20ac")
        await control.services.adopt("e")
        await control.services.take_port("e")
        await control.services.type_into("g", bytes(range(256)))
        await control.services.resize("g", 80, 24)
        await control.gateway.reset_breaker("f")
        await control.gateway.force_breaker("f", Forced.METRICS_ONLY)
        await control.sync.check()
        assert owner.asked == [
            ("start", "a"), ("start", "a", "dependents"), ("stop", "b"), ("stop", "b", "dependents"),
            ("restart", "c"), ("restart", "c", "dependents"), ("kill", "d/../e ?#%\u20ac"),
            ("adopt", "e"), ("take-port", "e"), ("type", "g", bytes(range(256))), ("resize", "g", 80, 24),
            ("reset", "f"), ("force", "f", Forced.METRICS_ONLY), ("check",),
        ]  # fmt: skip

    async def test_logs(self, control: Control, owner: FakeControl) -> None:
        everything = await control.services.logs(())
        assert everything.lines == tuple(owner.lines)
        newest = await control.services.logs(["fechatter-server", "other"], limit=2)
        assert newest.lines == tuple(owner.lines[-2:])
        assert (await control.services.logs((), after=newest.next)).lines == ()
        assert (await control.services.logs(["x&service=fechatter-server"])).lines == ()

    async def test_requests(self, control: Control, owner: FakeControl) -> None:
        page = await control.gateway.requests(limit=5)
        assert page.rows == tuple(owner.requests_[-5:])
        assert page.total == 60
        assert (await control.gateway.requests(after=page.next)).rows == ()
        assert page.under_way == ()
        owner.under_way = rows_under_way()
        assert (await control.gateway.requests(under_way=True)).under_way == tuple(rows_under_way())

    async def test_profiles(self, control: Control, owner: FakeControl) -> None:
        assert tuple(control.profiles.list()) == tuple(owner.list())
        plan = await control.profiles.propose("fechatter/ha")
        assert plan == replace(PLAN, source="fechatter/ha", name="fechatter/ha")
        assert await control.profiles.apply(plan, by="test") == plan
        assert (await control.profiles.propose()).source == "devgate.yaml"
        assert owner.asked == [("propose", "fechatter/ha"), ("apply", "fechatter/ha", "test"), ("propose", None)]

    async def test_agreement_travels(self, control: Control, owner: FakeControl) -> None:
        owner.plan = replace(PLAN, unapproved=("a runs b",))
        plan = await control.profiles.propose("fechatter/ha")
        assert plan.unapproved == ("a runs b",)
        await control.profiles.apply(plan, by="test", agreed=True)
        assert owner.asked[-1] == ("apply", "fechatter/ha", "test", "agreed")

    @pytest.mark.parametrize(
        "refusal",
        [
            CommandError("no service 'x'", hint="did you mean 'y'?", code="unknown-service", status=404, exit_code=2),
            CommandError("wrong state"),
            StartError("port taken", code="port-in-use", exit_code=Exit.SERVICE_BLOCKED),
            DevgateError("odd", hint="\u202e\x1b[31m"),
        ],
    )
    async def test_a_refusal_is_raised_as_it_was(
        self, control: Control, owner: FakeControl, refusal: DevgateError
    ) -> None:
        owner.refuses = refusal
        with pytest.raises(DevgateError) as raised:
            await control.services.start("x")
        for name in ("message", "hint", "code", "exit_code", "status"):
            assert getattr(raised.value, name) == getattr(refusal, name), name

    async def test_a_profile_error_keeps_its_problems(self, control: Control, owner: FakeControl) -> None:
        owner.refuses = ProfileError("2 problems", ["a.yaml:1:2: x", "a.yaml:3:4: y"], hint="mend them")
        with pytest.raises(ProfileError) as raised:
            await control.profiles.propose("a")
        assert list(raised.value.problems) == ["a.yaml:1:2: x", "a.yaml:3:4: y"]
        assert (raised.value.message, raised.value.hint, raised.value.exit_code) == ("2 problems", "mend them", 2)

    async def test_stop_is_asked_for_at_once(self, control: Control, owner: FakeControl) -> None:
        control.request_stop("test", now=True)
        await eventually(lambda: bool(owner.asked))
        assert owner.asked == [("request_stop", "test", "now")]


async def test_a_stop_is_delivered_before_one_leaves(owner: FakeControl) -> None:
    async with serving(owner) as api:
        async with remote_to(api.api.url) as control:
            control.request_stop("quit")
        assert owner.asked == [("request_stop", "quit")]


async def test_a_picture_is_not_asked_for_again_and_again_while_nothing_happens(owner: FakeControl) -> None:
    async with serving(owner) as api, remote_to(api.api.url):
        asked = owner.snapshots
        await asyncio.sleep(0.5)
        assert owner.snapshots <= asked + 1


async def test_not_entered_it_asks_only_what_it_is_asked(owner: FakeControl) -> None:
    async with serving(owner) as api:
        control = remote_to(api.api.url)
        await control.services.start("a")
        assert owner.snapshots == 0
        assert await control.pull() == owner.now
        owner.change(ready=1)
        assert control.snapshot().ready != 1
        await control.pull()
        assert control.snapshot().ready == 1


async def test_a_command_can_be_begun_without_waiting(owner: FakeControl) -> None:
    async with serving(owner) as api:
        control = remote_to(api.api.url)
        await control.services.begin("restart", "a", dependents=True)
        await control.services.begin("stop", "b")
        assert owner.asked == [("restart", "a", "dependents"), ("stop", "b")]
        owner.refuses = CommandError("no")
        with pytest.raises(CommandError, match="no"):
            await control.services.begin("start", "c")


async def test_new_profiles_appear(owner: FakeControl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_module, "LISTED_EVERY_S", 0.02)
    async with serving(owner) as api, remote_to(api.api.url) as control:
        monkeypatch.setattr(FakeControl, "list", lambda self: ["new"])
        await eventually(lambda: control.profiles.list() == ("new",))


async def test_a_devgate_that_ended_is_not_shown_as_running(owner: FakeControl) -> None:
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(serving(owner))
        control = await stack.enter_async_context(remote_to(api.api.url))
        assert control.snapshot() == owner.now
        await api.api.aclose()

        def is_lost() -> bool:
            try:
                control.snapshot()
            except CommandError as error:
                return error.code == "not-running"
            return False

        await eventually(is_lost)
        with pytest.raises(CommandError, match="not running any more"):
            _ = control.seq
        with pytest.raises(CommandError) as refused:
            await control.services.start("a")
        assert refused.value.exit_code == Exit.NOT_RUNNING
        control.request_stop("too late")  # must not raise, nor hang the exit


async def test_the_token_is_wanted(owner: FakeControl) -> None:
    async with serving(owner) as api:
        with pytest.raises(CommandError) as refused:
            async with remote_to(api.api.url, token="wrong"):
                pass
        assert refused.value.code == "unauthorized"
