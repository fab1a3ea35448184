"""A devgate for the client verbs: its control API and its run file, with a `FakeControl` behind them."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from devgate import runfile
from devgate.cli.main import main
from devgate.runfile import RunFile
from tests.admin.running import TOKEN, serving
from tests.deadline import DEADLINE_S
from tests.tui.fake_control import FakeControl, log_lines, request_rows, sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Result:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """`devgate ...` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *args: str) -> Result:
        self._capsys.readouterr()
        code = main(args)
        return Result(code, *self._capsys.readouterr())


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Called from an empty folder, with nothing in the environment that would change what is printed."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "DEVGATE_PROFILE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return Cli(capsys)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[FakeControl]:
    """Runs in `tmp_path`; what it returns is what the verbs see. Change it with `change`, as its owner would."""
    control = FakeControl(sample(), lines=log_lines(), requests_=request_rows())
    ready, stop = threading.Event(), asyncio.Event()
    urls: list[str] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        async with serving(control) as api:
            urls.append(api.api.url)
            loops.append(asyncio.get_running_loop())
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(DEADLINE_S)
    state = runfile.state_folder(tmp_path)
    run = RunFile.here(control_url=urls[0], token=TOKEN, url=control.now.url, profile="sample", started_at=0.0)
    runfile.claim(state, run)
    yield control
    runfile.release(state, run)
    loops[0].call_soon_threadsafe(stop.set)
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
