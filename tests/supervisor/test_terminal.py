"""Services with a terminal of their own: what they see of it, what is typed into them, and their end."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import pytest

from devgate.errors import CommandError
from devgate.model.status import ServiceState
from tests.samples import command

S = ServiceState

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")


def terminal(**fields: Any) -> dict[str, Any]:
    return {"command": command("terminal"), "tty": True, "ready": {"log": "^size"}, "restart": "no"} | fields


async def asked(system: Any) -> None:
    """It runs, and has begun a line that it does not end."""
    await system.supervisor.settled()
    await system.until(lambda: unfinished(system) == "name? ", "the question without a line end")


async def typed(system: Any, text: str, answer: str) -> None:
    await system.supervisor.orders.type_into("web", text.encode())
    await system.until(lambda: answer in system.lines("web"), answer)


def unfinished(system: Any) -> str:
    return system.supervisor.logs(["web"]).unfinished


async def test_it_is_a_terminal_of_120_columns_that_controls_its_session(supervise) -> None:
    system = await supervise({"web": terminal()}, environ={"TERM": "dumb", "COLUMNS": "7", "LINES": "3"})
    await system.supervisor.settled()
    assert {"isatty True True True", "leads True", "term xterm-256color None", "size 120 40"} <= set(
        system.lines("web")
    )
    assert system.view("web").tty


async def test_its_env_says_what_terminal_it_is(supervise) -> None:
    system = await supervise({"web": terminal(env={"TERM": "vt100"})})
    await system.supervisor.settled()
    assert "term vt100 None" in system.lines("web")


async def test_a_command_of_the_shell_has_it_as_well(supervise) -> None:
    words = command("terminal")
    system = await supervise({"web": terminal(command=f"A=1 {' '.join(words)}")})
    await system.supervisor.settled()
    assert {"isatty True True True", "leads True"} <= set(system.lines("web"))


async def test_what_is_typed_arrives_and_is_echoed(supervise) -> None:
    system = await supervise({"web": terminal()})
    await asked(system)
    await system.supervisor.orders.type_into("web", "Grünx".encode())
    await system.until(lambda: unfinished(system) == "name? Grünx")
    await system.supervisor.orders.type_into("web", b"\x7f")
    await system.until(lambda: unfinished(system) == "name? Grün")
    await typed(system, "\r", "heard Grün")
    assert "name? Grün" in system.lines("web")
    assert unfinished(system) == ""


async def test_the_pane_and_the_next_run_have_the_size_that_was_asked_for(supervise) -> None:
    system = await supervise({"web": terminal()})
    await asked(system)
    system.supervisor.orders.resize("web", 66, 20)
    await system.until(lambda: "name? size 66 20" in system.lines("web"))
    await system.supervisor.orders.restart("web")
    second = system.lines("web").index("isatty True True True", system.lines("web").index("name? size 66 20"))
    assert "size 66 20" in system.lines("web")[second:]


async def test_ctrl_c_is_the_services(supervise) -> None:
    system = await supervise({"web": terminal()})
    await asked(system)
    await typed(system, "\x03", "name? ^Cinterrupted")
    assert system.state("web") is S.READY
    await typed(system, "\x04", "end of file")


async def test_what_it_writes_acts_on_no_terminal(supervise) -> None:
    system = await supervise({"web": terminal()})
    await asked(system)
    await typed(system, "wide\r", "\x1b[31mred\x1b[0m")


async def test_a_crash_is_seen_while_a_grandchild_holds_the_terminal(supervise) -> None:
    system = await supervise({"web": terminal()})
    await asked(system)
    await system.supervisor.orders.type_into("web", b"grandchild\r")
    await system.until(lambda: any(line.startswith("holder ") for line in system.lines("web")), "a grandchild")
    await system.supervisor.orders.type_into("web", b"exit\r")
    (event,) = await system.until(lambda: system.exits("web"))
    assert event.code == 7
    assert time.time() - event.at < 0.5
    await system.state_is("web", S.CRASHED)
    await system.until(lambda: "1 leftover process ended" in system.lines("web"))
    await system.until(lambda: not system.ours())


async def test_the_last_words_before_a_crash_are_kept(supervise) -> None:
    said = 'import sys; print("x" * 3000); print("boom", end=""); sys.stdout.flush(); import os; os._exit(3)'
    system = await supervise({"web": {"command": [sys.executable, "-IS", "-c", said], "tty": True, "restart": "no"}})
    await system.state_is("web", S.CRASHED)
    assert "x" * 3000 in system.lines("web")
    assert system.view("web").last_error == "boom"


async def test_one_that_leaves_its_terminal_is_not_hung_up(supervise) -> None:
    """Nobody holds the other end any more: that is no end, neither of the terminal nor of the service."""
    left = (
        "import os, time; [os.close(fd) for fd in (0, 1, 2)]; time.sleep(1)\n"
        "os.write(os.open('/dev/tty', os.O_RDWR), b'back\\n'); time.sleep(600)"
    )
    system = await supervise({"web": {"command": [sys.executable, "-IS", "-c", left], "tty": True}})
    await system.until(lambda: "back" in system.lines("web"))
    assert len(system.exits("web")) == 0


async def test_a_program_that_is_not_there_is_told_as_without_a_terminal(supervise) -> None:
    system = await supervise({"web": {"command": ["./no-such-program"], "tty": True}})
    await system.state_is("web", S.BLOCKED)
    assert "no-such-program is not on this machine" in system.view("web").cause


async def test_more_than_a_terminal_holds_is_refused_and_not_waited_for(supervise) -> None:
    deaf = "import time; print('here', flush=True); time.sleep(600)"
    system = await supervise(
        {"web": {"command": [sys.executable, "-IS", "-c", deaf], "tty": True, "ready": {"log": "here"}}}
    )
    await system.supervisor.settled()
    with pytest.raises(CommandError, match="does not read"):
        await system.supervisor.orders.type_into("web", b"line\r" * 100_000)


async def test_typing_into_one_that_is_killed_meanwhile_ends_and_harms_nobody(supervise) -> None:
    deaf = [sys.executable, "-IS", "-c", "import time; print('here', flush=True); time.sleep(600)"]
    services = {
        name: {"command": deaf, "tty": True, "ready": {"log": "here"}, "restart": "no"} for name in ("web", "other")
    }
    system = await supervise(services)
    await system.supervisor.settled()
    both = [asyncio.create_task(system.supervisor.orders.type_into("web", b"line\r" * 100_000)) for _ in range(2)]
    await asyncio.sleep(0.2)
    await system.supervisor.orders.kill("web")
    await system.supervisor.orders.start("web")  # with the descriptors that the first one has left
    for result in await asyncio.gather(*both, return_exceptions=True):
        assert isinstance(result, CommandError)
    await system.supervisor.orders.type_into("web", b"x")
    assert system.state("other") is S.READY


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"command": command("echo"), "port": "auto"}, "no terminal of its own"),
        (terminal(autostart=False), "does not run"),
        ({"url": "http://127.0.0.1:9"}, "not run by devgate"),
    ],
)
async def test_who_cannot_be_typed_into_says_why(supervise, spec: dict[str, Any], words: str) -> None:
    system = await supervise({"web": spec})
    await system.supervisor.settled()
    with pytest.raises(CommandError, match=words):
        await system.supervisor.orders.type_into("web", b"x")


async def test_a_size_that_no_window_has_is_refused(supervise) -> None:
    system = await supervise({"web": terminal()})
    for columns, rows in ((0, 40), (120, -1), (70_000, 40)):
        with pytest.raises(CommandError, match="columns"):
            system.supervisor.orders.resize("web", columns, rows)
