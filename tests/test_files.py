import asyncio
import logging
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devgate.clock import SystemClock
from devgate.files import FileWatcher
from tests.deadline import DEADLINE_S


class Seen:
    """What a watch has reported."""

    def __init__(self) -> None:
        self.reports: list[frozenset[Path]] = []
        self._more = asyncio.Event()

    def __call__(self, paths: frozenset[Path]) -> None:
        self.reports.append(paths)
        self._more.set()

    async def next(self) -> frozenset[Path]:
        """The oldest report not taken yet."""
        async with asyncio.timeout(DEADLINE_S):
            while not self.reports:
                self._more.clear()
                await self._more.wait()
        return self.reports.pop(0)

    async def until(self, path: Path) -> None:
        """Take reports until one names `path`."""
        while path not in await self.next():
            pass


@pytest.fixture
def watcher() -> Iterator[FileWatcher]:
    before = threading.active_count()
    with FileWatcher(SystemClock()) as watcher:
        yield watcher
    assert threading.active_count() == before


def replace(path: Path, text: str) -> None:
    """As editors do: write another file, then put it in place."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    os.replace(new, path)


@asynccontextmanager
async def quiet(seen: Seen, watcher: FileWatcher, folder: Path) -> AsyncIterator[None]:
    """Fails if what is done inside is reported. A marker that is written afterwards and seen in `folder` proves that everything
    before it has been looked at."""
    marked = Seen()
    marker = folder / "marker"
    with watcher.watch([marker], marked, debounce_s=0.05):
        yield
        marker.write_text("x")
        await marked.next()
    assert seen.reports == []


async def test_a_file_written_in_place(watcher: FileWatcher, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("1")
    seen = Seen()
    watcher.watch([file], seen, debounce_s=0.05)
    file.write_text("2")
    assert await seen.next() == {file}


async def test_a_file_replaced_again_and_again(watcher: FileWatcher, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("1")
    seen = Seen()
    watcher.watch([file], seen, debounce_s=0.05)
    for text in "234":
        replace(file, text)
        assert file in await seen.next()


async def test_a_burst_is_one_report(watcher: FileWatcher, tmp_path: Path) -> None:
    seen = Seen()
    watcher.watch([tmp_path], seen, debounce_s=0.5)
    files = {tmp_path / f"{number}.rs" for number in range(50)}
    for file in files:
        file.write_text("x")
    assert await seen.next() == files
    assert seen.reports == []


async def test_neighbours_and_readers_are_not_changes(watcher: FileWatcher, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("1")
    seen = Seen()
    watcher.watch([file], seen, debounce_s=0.05)
    async with quiet(seen, watcher, tmp_path):
        (tmp_path / "b.yaml").write_text("x")
        file.read_text()
        file.stat()


async def test_only_what_is_wanted(watcher: FileWatcher, tmp_path: Path) -> None:
    seen = Seen()
    watcher.watch([tmp_path / "src"], seen, debounce_s=0.05, wanted=lambda path: path.suffix == ".rs")
    (tmp_path / "src").mkdir()
    await seen.until(tmp_path / "src")
    async with quiet(seen, watcher, tmp_path):
        (tmp_path / "src" / "a.o").write_text("x")
    (tmp_path / "src" / "a.rs").write_text("x")
    assert await seen.next() == {tmp_path / "src" / "a.rs"}


async def test_a_file_deep_below_in_folders_made_later(watcher: FileWatcher, tmp_path: Path) -> None:
    seen = Seen()
    watcher.watch([tmp_path], seen, debounce_s=0.05)
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    await seen.next()
    (deep / "d.rs").write_text("x")
    await seen.until(deep / "d.rs")


async def test_many_folders_made_at_once(
    watcher: FileWatcher, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """watchdog adds some of them twice and warns; as an error, which warnings are here, that would end its thread."""
    seen = Seen()
    watcher.watch([tmp_path], seen, debounce_s=0.05)
    for number in range(30):
        (tmp_path / str(number) / "a" / "b" / "c" / "d").mkdir(parents=True)
    last = tmp_path / "29" / "a" / "b" / "c" / "d" / "file"
    last.write_text("x")
    await seen.until(last)
    watcher.close()
    assert caplog.text == ""


async def test_a_path_that_is_missing_at_first(watcher: FileWatcher, tmp_path: Path) -> None:
    file = tmp_path / "not" / "yet" / ".env"
    seen = Seen()
    watcher.watch([file], seen, debounce_s=0.05)
    async with quiet(seen, watcher, tmp_path):
        file.parent.mkdir(parents=True)
    file.write_text("A=1")
    assert await seen.next() == {file}
    replace(file, "A=2")
    await seen.until(file)


async def test_a_path_that_appears_in_one_stroke(watcher: FileWatcher, tmp_path: Path) -> None:
    file = tmp_path / "here" / "deep" / "a.yaml"
    seen = Seen()
    watcher.watch([file], seen, debounce_s=0.05)
    ready = tmp_path / "elsewhere" / "deep"
    ready.mkdir(parents=True)
    (ready / "a.yaml").write_text("1")
    os.rename(tmp_path / "elsewhere", tmp_path / "here")
    await seen.until(file)
    file.write_text("2")
    await seen.until(file)


@pytest.mark.parametrize("watches", [1, 2])
async def test_a_folder_deleted_and_made_again(watcher: FileWatcher, tmp_path: Path, watches: int) -> None:
    folder = tmp_path / "src"
    folder.mkdir()
    all_seen = [Seen() for _ in range(watches)]
    for seen in all_seen:
        watcher.watch([folder], seen, debounce_s=0.05)
    for number in range(3):
        shutil.rmtree(folder)
        for seen in all_seen:
            await seen.until(folder)
        folder.mkdir()
        for seen in all_seen:
            await seen.until(folder)
        (folder / f"{number}.rs").write_text("x")
        for seen in all_seen:
            await seen.until(folder / f"{number}.rs")


async def test_a_folder_deleted_and_made_again_at_once(watcher: FileWatcher, tmp_path: Path) -> None:
    folder = tmp_path / "src"
    folder.mkdir()
    seen = Seen()
    watcher.watch([folder], seen, debounce_s=0.2)
    for number in range(5):
        shutil.rmtree(folder)
        folder.mkdir()
        await seen.until(folder)
        (folder / f"{number}.rs").write_text("x")
        await seen.until(folder / f"{number}.rs")


async def test_a_folder_swapped_for_another(watcher: FileWatcher, tmp_path: Path) -> None:
    folder = tmp_path / "build"
    folder.mkdir()
    seen = Seen()
    watcher.watch([folder], seen, debounce_s=0.1)
    for number in range(3):
        (tmp_path / "new").mkdir()
        os.rename(folder, tmp_path / f"old{number}")
        os.rename(tmp_path / "new", folder)
        await seen.until(folder)
        (folder / f"{number}.js").write_text("x")
        await seen.until(folder / f"{number}.js")


async def test_a_link_and_what_it_points_to(watcher: FileWatcher, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "real.yaml"
    target.write_text("1")
    link = tmp_path / "here" / "devgate.yaml"
    link.parent.mkdir()
    link.symlink_to(target)
    seen = Seen()
    watcher.watch([link], seen, debounce_s=0.05)
    target.write_text("2")
    await seen.until(target)
    other = tmp_path / "there" / "other.yaml"
    other.write_text("1")
    link.unlink()
    link.symlink_to(other)
    await seen.until(link)
    other.write_text("2")
    await seen.until(other)


async def test_a_linked_folder(watcher: FileWatcher, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "src").symlink_to(tmp_path / "real")
    seen = Seen()
    watcher.watch([tmp_path / "src"], seen, debounce_s=0.05)
    (tmp_path / "real" / "a.rs").write_text("x")
    await seen.until(tmp_path / "real" / "a.rs")


async def test_nothing_after_close(watcher: FileWatcher, tmp_path: Path) -> None:
    seen, other = Seen(), Seen()
    watch = watcher.watch([tmp_path], seen, debounce_s=0.05)
    watcher.watch([tmp_path], other, debounce_s=0.05)
    watch.close()
    watch.close()
    (tmp_path / "a").write_text("x")
    assert await other.next() == {tmp_path / "a"}
    assert seen.reports == []


async def test_a_flood_is_bounded(watcher: FileWatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devgate.files.MOST_PENDING", 10)
    seen = Seen()
    watcher.watch([tmp_path], seen, debounce_s=0.3)
    for number in range(100):
        (tmp_path / str(number)).write_text("x")
    assert len(await seen.next()) == 10


async def test_closing_without_a_watch_starts_nothing() -> None:
    before = threading.active_count()
    watcher = FileWatcher(SystemClock())
    watcher.close()
    watcher.close()
    assert threading.active_count() == before


def _no_more_instances(*_: object, **__: object) -> None:
    raise OSError(24, "inotify instance limit reached")


def _no_more_watches(real: Callable[..., object]) -> Callable[..., object]:
    calls = iter(range(1_000))

    def schedule(*args: object, **kwargs: object) -> object:
        if next(calls) == 1:
            raise OSError(28, "inotify watch limit reached")
        return real(*args, **kwargs)

    return schedule


@pytest.mark.parametrize("limit", ["instances", "watches"])
async def test_a_systems_limit_makes_it_poll(
    watcher: FileWatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, limit: str
) -> None:
    import watchdog.observers

    monkeypatch.setattr("devgate.files.POLL_S", 0.05)
    if limit == "instances":
        monkeypatch.setattr(watchdog.observers, "Observer", _no_more_instances)
    else:
        observer = watchdog.observers.Observer
        monkeypatch.setattr(observer, "schedule", _no_more_watches(observer.schedule))
    (tmp_path / "src").mkdir()
    seen, other = Seen(), Seen()
    with caplog.at_level(logging.WARNING, "devgate.files"):
        watcher.watch([tmp_path / "a.yaml"], seen, debounce_s=0.05)
        watcher.watch([tmp_path / "src"], other, debounce_s=0.05)
    assert "looking every 0.05 s instead" in caplog.text
    assert caplog.text.count("looking every") == 1
    replace(tmp_path / "a.yaml", "1")
    await seen.until(tmp_path / "a.yaml")
    (tmp_path / "src" / "b.rs").write_text("x")
    await other.until(tmp_path / "src" / "b.rs")
