import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devgate.clock import SystemClock
from devgate.errors import ProfileError
from devgate.files import FileWatcher
from devgate.profile.loading import Attempt, Loaded
from devgate.profile.problems import faults_of
from devgate.profile.reload import Reload
from tests.deadline import DEADLINE_S
from tests.profile.conftest import Project

FAST = "reload: {debounce: 50ms}\n"


class Running:
    """What an engine would do with the news, written down."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.loaded = project.load(FAST)
        self.news: asyncio.Queue[str] = asyncio.Queue()
        self.loads = 0

    def attempt(self, ref: str) -> Attempt:
        self.loads += 1
        return self.project.attempt(ref)

    async def changed(self, loaded: Loaded) -> None:
        self.loaded = loaded
        await self.news.put(f"changed: {loaded.profile.description}")

    def rejected(self, error: ProfileError) -> None:
        self.news.put_nowait(f"rejected: {'; '.join(problem.message for problem in faults_of(error))}")

    async def next(self) -> str:
        async with asyncio.timeout(DEADLINE_S):
            return await self.news.get()

    def write(self, text: str, name: str = "devgate.yaml") -> None:
        """As an editor saves."""
        path = self.project.write(f".{name}.new", text)
        os.replace(path, self.project.folder / name)


@pytest.fixture
def running(project: Project) -> Running:
    return Running(project)


@pytest.fixture
async def reload(running: Running) -> AsyncIterator[Reload]:
    with FileWatcher(SystemClock()) as watcher:
        reload = Reload(
            current=lambda: running.loaded,
            attempt=running.attempt,
            watcher=watcher,
            changed=running.changed,
            rejected=running.rejected,
        )
        task = asyncio.create_task(reload.watch())
        async with asyncio.timeout(DEADLINE_S):
            while running.loads < 2:  # it has looked before and after it began to watch
                await asyncio.sleep(0)
        yield reload
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.usefixtures("reload")
async def test_a_saved_file_is_taken(running: Running) -> None:
    for word in ("one", "two"):
        running.write(f"{FAST}description: {word}\n")
        assert await running.next() == f"changed: {word}"


@pytest.mark.usefixtures("reload")
async def test_a_broken_file_is_told_once_and_mended(running: Running) -> None:
    running.write(f"{FAST}gatewy: 1\n")
    assert await running.next() == "rejected: unknown key 'gatewy'"
    running.write(f"{FAST}gatewy: 1\n")  # saved again, no news
    running.write(f"{FAST}gateway: [\n")
    assert await running.next() == "rejected: the file ends too early"
    running.write(f"{FAST}description: mended\n")
    assert await running.next() == "changed: mended"
    assert running.news.empty()


@pytest.mark.usefixtures("reload")
async def test_going_back_to_what_runs_ends_the_complaint(running: Running) -> None:
    running.write("a: [\n")
    assert (await running.next()).startswith("rejected")
    running.write(FAST)
    assert await running.next() == "changed: "


@pytest.mark.usefixtures("reload")
async def test_the_same_content_is_no_news(running: Running) -> None:
    running.write(f"# words\n{FAST}")
    running.write(f"{FAST}description: after\n")
    assert await running.next() == "changed: after"
    assert running.news.empty()


@pytest.mark.usefixtures("reload")
async def test_files_that_come_into_play_are_watched(running: Running) -> None:
    running.project.write("base.yaml", "description: base\n")
    running.project.write(".env", "WORD=first\n")
    running.write(f"extends: base.yaml\nenv_file: .env\nenv: {{A: '${{WORD}}'}}\n{FAST}")
    assert await running.next() == "changed: base"
    running.write("description: other\n", "base.yaml")
    assert await running.next() == "changed: other"
    running.write("WORD=second\n", ".env")
    assert await running.next() == "changed: other"
    assert running.loaded.profile.env == {"A": "second"}


@pytest.mark.usefixtures("reload")
async def test_a_base_that_breaks_and_is_mended_while_the_profile_names_it(running: Running) -> None:
    running.project.write("base.yaml", "a: [\n")
    running.write(f"extends: base.yaml\n{FAST}")
    assert (await running.next()).startswith("rejected")
    running.write("description: mended\n", "base.yaml")
    assert await running.next() == "changed: mended"


@pytest.mark.usefixtures("reload")
async def test_a_file_that_is_gone_for_a_moment(running: Running) -> None:
    path = running.project.folder / "devgate.yaml"
    path.unlink()
    assert (await running.next()).startswith("rejected")
    running.write(f"{FAST}description: back\n")
    assert await running.next() == "changed: back"


async def test_after_a_switch_the_other_profile_s_files_count(running: Running, reload: Reload) -> None:
    other = running.project.write("other.yaml", f"{FAST}description: other\n")
    attempt = running.project.attempt("other.yaml")
    assert attempt.loaded is not None
    running.loaded = attempt.loaded
    loads = running.loads
    reload.switched()
    async with asyncio.timeout(DEADLINE_S):
        while running.loads < loads + 2:
            await asyncio.sleep(0)
    running.write(f"{FAST}description: more\n", other.name)
    assert await running.next() == "changed: more"


async def test_what_changed_before_it_watched_is_not_missed(running: Running, project: Project) -> None:
    running.write(f"{FAST}description: early\n")
    with FileWatcher(SystemClock()) as watcher:
        reload = Reload(
            current=lambda: running.loaded,
            attempt=running.attempt,
            watcher=watcher,
            changed=running.changed,
            rejected=running.rejected,
        )
        task = asyncio.create_task(reload.watch())
        assert await running.next() == "changed: early"
        task.cancel()


async def test_it_can_be_switched_off(running: Running) -> None:
    class Refusing:
        def watch(self, files: frozenset[Path], *_: object, **__: object) -> None:
            assert not files

    running.loaded = running.project.load("reload: {watch: false}\n")
    reload = Reload(
        current=lambda: running.loaded,
        attempt=running.attempt,
        watcher=Refusing(),  # type: ignore[arg-type]
        changed=running.changed,
        rejected=running.rejected,
    )
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await reload.watch()
    assert running.loads == 0
