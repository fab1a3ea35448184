"""`devgate wait`: ends when the state is there, or cannot come, or takes too long."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate.errors import Exit
from devgate.model.status import ServiceState

if TYPE_CHECKING:
    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl

S = ServiceState


def put(control: FakeControl, **states: ServiceState) -> None:
    """Services a, b ... in these states, with a cause each."""
    row = control.now.services[0]
    control.change(
        services=tuple(replace(row, name=name, state=state, cause=f"why {name}") for name, state in states.items())
    )


def test_returns_at_once_where_all_is_there(cli: Cli, running: FakeControl) -> None:
    put(running, a=S.READY, b=S.COMPLETED, c=S.STOPPED)
    assert cli("wait").code == 0


def test_waits_for_what_is_coming(cli: Cli, running: FakeControl) -> None:
    put(running, a=S.STARTING, b=S.WAITING)

    def go_on() -> None:
        put(running, a=S.READY, b=S.STARTING)
        put(running, a=S.READY, b=S.READY)

    timer = threading.Timer(0.3, go_on)
    timer.start()
    assert cli("wait", "--timeout", "20s").code == 0
    timer.join()


def test_only_those_named(cli: Cli, running: FakeControl) -> None:
    put(running, a=S.READY, b=S.CRASHED)
    assert cli("wait", "a").code == 0


def test_a_name_makes_even_a_stopped_one_awaited(cli: Cli, running: FakeControl) -> None:
    put(running, a=S.STOPPED)
    assert cli("wait", "a", "--timeout", "0.05").code == Exit.TIMEOUT


@pytest.mark.parametrize(
    ("state", "code"),
    [(S.CRASHED, Exit.SERVICE_FAILED), (S.BLOCKED, Exit.SERVICE_BLOCKED), (S.EXITED, Exit.SERVICE_FAILED)],
)
def test_the_hopeless_is_not_waited_for(cli: Cli, running: FakeControl, state: ServiceState, code: int) -> None:
    put(running, a=S.STARTING, b=state)
    result = cli("wait", "--timeout", "60s")
    assert result.code == code
    assert f"b is {state.value}, not ready: why b" in result.err


def test_too_slow_names_who(cli: Cli, running: FakeControl) -> None:
    put(running, a=S.READY, b=S.SLOW)
    running.change_service("b", waiting_for=("db",))
    result = cli("wait", "--timeout", "50ms")
    assert result.code == Exit.TIMEOUT
    assert "not ready after 0.05 s: b is slow (for db)" in result.err


@pytest.mark.parametrize("state", [S.STOPPED, S.EXITED, S.COMPLETED, S.CRASHED, S.BLOCKED])
def test_for_stopped(cli: Cli, running: FakeControl, state: ServiceState) -> None:
    put(running, a=state)
    assert cli("wait", "--for", "stopped").code == 0
    put(running, a=S.STOPPING)
    assert cli("wait", "--for", "stopped", "--timeout", "50ms").code == Exit.TIMEOUT


def test_for_completed(cli: Cli, running: FakeControl) -> None:
    put(running, a=S.COMPLETED, b=S.READY)
    assert cli("wait", "a", "--for", "completed").code == 0
    assert cli("wait", "b", "--for", "completed", "--timeout", "50ms").code == Exit.TIMEOUT


@pytest.mark.parametrize("args", [("nope",), ("--for", "happy"), ("--timeout", "soon")])
def test_nonsense_fails_at_once(cli: Cli, running: FakeControl, args: tuple[str, ...]) -> None:
    assert cli("wait", *args).code == Exit.USAGE
