"""Lines in order and JSON only, to readers that are slow, stuck or gone."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import pytest

from devgate.bus import Bus
from devgate.headless import Headless, Lines, json_line, json_lost, logging_to, plain_lost
from devgate.model.events import Event, OperatorActed, ProfileApplied, ProfileRejected
from devgate.model.query import LogLine
from devgate.model.status import ServiceState
from tests.deadline import DEADLINE_S
from tests.tui.fake_control import PLAN, FakeControl, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE = "a\x1b]0;owned\x07\u202eb\r\nc"


class Pipe:
    """The other end of `Lines`."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()

    def read_all(self) -> str:
        os.close(self.writer)
        with open(self.reader, "rb") as file:
            return file.read().decode()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    for end in (pipe.reader, pipe.writer):
        try:
            os.close(end)
        except OSError:
            pass


class TestLines:
    def test_they_come_in_order(self, pipe: Pipe) -> None:
        lines = Lines(pipe.writer, plain_lost)
        for number in range(1000):
            lines.put(f"line {number}")
        lines.close(DEADLINE_S)
        assert pipe.read_all().splitlines() == [f"line {number}" for number in range(1000)]
        assert lines.dropped == 0

    def test_a_reader_that_reads_nothing_costs_lines_and_no_time(self, pipe: Pipe) -> None:
        lines = Lines(pipe.writer, json_lost, largest=10_000)
        for number in range(5000):
            lines.put(json_line({"number": number, "text": "x" * 100}))
        lines.close(0.01)
        assert lines.dropped > 3000

        found: list[dict[str, Any]] = []

        def read() -> None:
            with open(pipe.reader, "rb", closefd=False) as file:
                for line in file:
                    found.append(json.loads(line))
                    if sum(one.get("count", 1) for one in found) >= 5000:
                        return

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        reader.join(DEADLINE_S)
        assert not reader.is_alive()
        told = [line for line in found if line.get("event") == "lagged"]
        assert sum(line["count"] for line in told) == lines.dropped
        numbers = [line["number"] for line in found if "number" in line]
        assert numbers == sorted(set(numbers))
        assert len(numbers) + lines.dropped == 5000

    def test_a_reader_that_is_gone_is_no_failure(self, pipe: Pipe) -> None:
        lines = Lines(pipe.writer, plain_lost, largest=1000)
        os.close(pipe.reader)
        for number in range(100):
            lines.put(f"line {number}")
            if number % 10 == 0:
                threading.Event().wait(0.001)
        lines.close(DEADLINE_S)
        assert not lines._thread.is_alive()

    def test_a_pipe_that_does_not_block_gets_everything(self, pipe: Pipe) -> None:
        os.set_blocking(pipe.writer, False)
        lines = Lines(pipe.writer, plain_lost)
        for _ in range(5000):
            lines.put("x" * 99)
        got = bytearray()
        while len(got) < 500_000:
            got += os.read(pipe.reader, 65536)
        lines.close(DEADLINE_S)
        assert bytes(got) == (b"x" * 99 + b"\n") * 5000

    def test_a_sign_that_the_terminal_lacks_is_a_question_mark(self, pipe: Pipe) -> None:
        lines = Lines(pipe.writer, plain_lost, encoding="ascii")
        lines.put("a · b \ud800")
        lines.close(DEADLINE_S)
        assert pipe.read_all() == "a ? b ?\n"

    def test_what_devgate_logs_goes_there(self, pipe: Pipe) -> None:
        lines = Lines(pipe.writer, plain_lost)
        log = logging.getLogger("devgate.somewhere")
        with logging_to(lines):
            log.warning("bad \x1b[2J %s", 1)
            log.info("not this")
            try:
                raise ValueError("why")
            except ValueError:
                log.exception("failed")
        log.propagate = False
        try:
            log.warning("not this either")
        finally:
            log.propagate = True
        lines.close(DEADLINE_S)
        out = pipe.read_all().splitlines()
        assert out[:2] == ["bad \\x1b[2J 1", "failed"]
        assert out[-1] == "ValueError: why"


class Run:
    """A `Headless` over a fake control, to its end."""

    def __init__(self, pipe: Pipe, *, as_json: bool, color: bool = False, control: FakeControl | None = None) -> None:
        self.control = control or FakeControl(sample())
        self.bus = Bus()
        self.settled: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._pipe = pipe
        self._lines = Lines(pipe.writer, json_lost if as_json else plain_lost)
        self.face = Headless(self.control, self.bus.publish, self._lines, as_json=as_json, color=color)

    async def until(self, reason: str, *events: Event, failed: list[str] | None = None) -> list[str]:
        async def settled() -> list[str]:
            return await self.settled

        async def ended() -> str:
            return await self.ended

        task = asyncio.create_task(self.face.run(self.bus.subscribe(), settled, ended))
        await asyncio.sleep(0)
        if failed is not None:
            self.settled.set_result(failed)
            await asyncio.sleep(0.01)
        for event in events:
            self.bus.publish(event)
        self.ended.set_result(reason)
        await asyncio.wait_for(task, DEADLINE_S)
        self._lines.close(DEADLINE_S)
        return self._pipe.read_all().splitlines()


class TestJson:
    async def test_listening_ready_events_stopped(self, pipe: Pipe) -> None:
        event = OperatorActed(action="restart", target=HOSTILE, by="x", at=1.0)
        out = [json.loads(line) for line in await Run(pipe, as_json=True).until("SIGTERM", event, failed=[])]
        assert [line["event"] for line in out] == ["listening", "ready", "operator_acted", "stopped"]
        for line in (out[0], out[1], out[3]):
            assert line["url"] == sample().url
            assert line["pid"] == os.getpid()
            assert line["profile"] == sample().profile
        assert out[2] == {"event": "operator_acted", "action": "restart", "target": HOSTILE, "by": "x", "at": 1.0}
        assert out[3]["reason"] == "SIGTERM"

    async def test_nothing_on_the_wire_is_a_control_or_ends_a_line(self, pipe: Pipe) -> None:
        event = OperatorActed(action="\x9b2J\u2028", target=HOSTILE, by="x", at=1.0)
        out = await Run(pipe, as_json=True).until("x", event, failed=[])
        assert len(out) == 4
        assert all(line.isascii() and line.isprintable() for line in out)

    async def test_failed_says_the_state_of_each(self, pipe: Pipe) -> None:
        control = FakeControl(sample())
        first, second = (row.name for row in control.now.services[:2])
        control.change_service(first, state=ServiceState.BLOCKED, cause="no such command")
        control.change_service(second, state=ServiceState.CRASHED, cause="", last_error="boom")
        out = await Run(pipe, as_json=True, control=control).until("x", failed=[first, second])
        failed = json.loads(out[1])
        assert failed["event"] == "failed"
        assert failed["services"] == {
            first: {"state": "blocked", "cause": "no such command"},
            second: {"state": "crashed", "cause": "boom"},
        }

    async def test_who_is_stopped_early_is_not_called_ready(self, pipe: Pipe) -> None:
        control = FakeControl(replace(sample(), stopping=True))
        out = await Run(pipe, as_json=True, control=control).until("x", failed=[])
        assert [json.loads(line)["event"] for line in out] == ["listening", "stopped"]

    async def test_settled_may_never_come(self, pipe: Pipe) -> None:
        out = await Run(pipe, as_json=True).until("x")
        assert [json.loads(line)["event"] for line in out] == ["listening", "stopped"]

    def test_each_fact_has_a_name_of_its_own(self) -> None:
        from devgate.headless import _SEAM

        names = [_SEAM.sub("_", kind.__name__).lower() for kind in get_args(Event)]
        assert "service_changed" in names
        assert len(set(names)) == len(names)
        assert not {"listening", "ready", "failed", "stopped"} & set(names)


def line(text: str, seq: int = 1, stream: str = "out") -> LogLine:
    service = sample().services[0].name
    return LogLine(seq=seq, service=service, replica=0, run=1, at=0.0, stream=stream, text=text)  # type: ignore[arg-type]


class TestPlain:
    async def test_lines_have_their_service_in_front(self, pipe: Pipe) -> None:
        control = FakeControl(sample(), lines=[line("hello"), line("run 1", 2, "mark")])
        out = await Run(pipe, as_json=False, control=control).until("SIGINT", failed=[])
        name = sample().services[0].name
        assert out[0].startswith("devgate · listening on http://")
        assert any(text.startswith(name) and text.endswith("| hello") for text in out)
        assert any(text.startswith(name) and text.endswith("· run 1") for text in out)
        assert out[-1] == "devgate · stopped (SIGINT)"

    async def test_a_refused_file_is_said_in_lines(self, pipe: Pipe) -> None:
        event = ProfileRejected("devgate.yaml", (f"devgate.yaml:3:1: bad {HOSTILE[:-3]}\n  3 | x: 1",), 1.0)
        out = await Run(pipe, as_json=False).until("x", event, failed=[])
        at = out.index("devgate · devgate.yaml not applied, what ran goes on:")
        assert out[at + 1 : at + 3] == [
            "devgate · devgate.yaml:3:1: bad a\\x1b]0;owned\\x07\\u202eb",
            "devgate ·   3 | x: 1",
        ]

    async def test_a_profile_that_was_applied_is_said(self, pipe: Pipe) -> None:
        out = await Run(pipe, as_json=False).until("x", ProfileApplied(PLAN, "file", 1.0), failed=[])
        assert f"devgate · profile {PLAN.name} applied by file: {PLAN.summary}" in out

    async def test_hostile_lines_are_shown_and_not_obeyed(self, pipe: Pipe) -> None:
        control = FakeControl(sample(), lines=[line(f"\x1b[31m{HOSTILE}\x1b[0m")])
        out = await Run(pipe, as_json=False, control=control).until("x", failed=[])
        assert any(text.endswith("| a\\x1b]0;owned\\x07\\u202eb\\r\\nc") for text in out)

    async def test_in_colour_only_colour_passes(self, pipe: Pipe) -> None:
        control = FakeControl(sample(), lines=[line(f"\x1b[31m{HOSTILE}\x1b[0m")])
        out = await Run(pipe, as_json=False, color=True, control=control).until("x", failed=[])
        assert any("\x1b[31ma\\x1b]0;owned\\x07\\u202eb\\r\\nc\x1b[0m" in text for text in out)


async def test_a_bug_in_the_face_reaches_its_caller(pipe: Pipe) -> None:
    run = Run(pipe, as_json=True)
    run.settled.set_exception(RuntimeError("bug"))
    with pytest.raises(ExceptionGroup):
        await run.until("x")
