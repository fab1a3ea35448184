"""Rings of lines: bounded, numbered, read alone or merged."""

from pathlib import Path

import pytest

from devgate.errors import CommandError
from devgate.model.service import LogSpec
from devgate.supervisor.logs import LogBook


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at


@pytest.fixture
def book() -> LogBook:
    return LogBook(Clock())


def spec(lines: int = 5000, memory: int = 2**20) -> LogSpec:
    return LogSpec.model_validate({"lines": lines, "memory": f"{memory}B"})


def numbered(start: int, end: int) -> list[str]:
    return [f"line {number}" for number in range(start, end + 1)]


def test_lines_are_numbered_from_one_and_read_on_from_the_last(book: LogBook) -> None:
    ring = book.open("web", spec())
    ring.add(["a", "b"], "out", run=1)
    ring.add(["c"], "err", run=1)
    first = ring.read(0, 100)
    assert [(line.seq, line.text, line.stream) for line in first.lines] == [
        (1, "a", "out"),
        (2, "b", "out"),
        (3, "c", "err"),
    ]
    assert (first.first, first.next, first.dropped) == (1, 3, 0)
    assert ring.read(first.next, 100).lines == ()
    ring.add(["d"], "out", run=1)
    assert [line.text for line in ring.read(first.next, 100).lines] == ["d"]


def test_the_oldest_lines_go_first(book: LogBook) -> None:
    ring = book.open("web", spec(lines=10))
    ring.add(numbered(1, 25), "out")
    held = ring.read(0, 100)
    assert [line.text for line in held.lines] == numbered(16, 25)
    assert (held.first, held.next, held.dropped) == (16, 25, 15)


def test_memory_is_bounded_in_characters_too(book: LogBook) -> None:
    ring = book.open("web", spec(memory=1000))
    ring.add(["x" * 300] * 10, "out")
    assert len(ring.read(0, 100).lines) == 3
    ring.add(["y" * 5000], "out")
    assert [line.text[0] for line in ring.read(0, 100).lines] == ["y"]


def test_a_reader_gets_the_newest_and_is_told_what_it_missed(book: LogBook) -> None:
    ring = book.open("web", spec())
    ring.add(numbered(1, 100), "out")
    page = ring.read(20, 10)
    assert [line.seq for line in page.lines] == list(range(91, 101))
    assert page.dropped == 70


def test_a_reader_from_the_future_starts_over(book: LogBook) -> None:
    ring = book.open("web", spec())
    ring.add(["a"], "out")
    assert ring.read(10**9, 10).next == 1
    assert ring.read(-5, 10).lines[0].text == "a"


def test_merged_reading_keeps_the_order_of_arrival(book: LogBook) -> None:
    web, db = book.open("web", spec()), book.open("db", spec())
    web.add(["w1"], "out")
    db.add(["d1", "d2"], "out")
    web.add(["w2"], "out")
    merged = book.read([], 0, 100)
    assert [(line.seq, line.service, line.text) for line in merged.lines] == [
        (1, "web", "w1"),
        (2, "db", "d1"),
        (3, "db", "d2"),
        (4, "web", "w2"),
    ]
    assert book.read(["web", "db"], merged.next, 100).lines == ()
    assert [line.text for line in book.read([], 2, 1).lines] == ["w2"]
    assert book.read([], 0, 1).dropped == 3


def test_one_name_is_numbered_by_the_service(book: LogBook) -> None:
    web, db = book.open("web", spec()), book.open("db", spec())
    db.add(["d1"], "out")
    web.add(["w1"], "out")
    assert [line.seq for line in book.read(["web"], 0, 10).lines] == [1]
    assert [line.seq for line in book.read(["web", "db"], 0, 10).lines] == [1, 2]
    assert [line.seq for line in book.read(["web", "web"], 0, 10).lines] == [1]


def test_merged_reading_says_what_is_gone(book: LogBook) -> None:
    web, db = book.open("web", spec(lines=5)), book.open("db", spec())
    db.add(["d1"], "out")
    web.add(numbered(1, 20), "out")
    page = book.read([], 0, 100)
    assert len(page.lines) == 6
    assert page.dropped == 15
    assert page.next == 21


def test_an_unknown_service_is_refused(book: LogBook) -> None:
    with pytest.raises(CommandError, match="'nobody'"):
        book.read(["nobody"], 0, 10)
    book.open("web", spec())
    book.drop("web")
    with pytest.raises(CommandError):
        book.read(["web"], 0, 10)


def test_the_last_line_is_of_this_run_and_of_the_service(book: LogBook) -> None:
    ring = book.open("web", spec())
    ring.add(["old"], "out", run=1)
    assert ring.last_line(2) == ""
    ring.add(["\x1b[31mfatal: no database\x1b[0m", "  "], "err", run=2)
    ring.mark("exit 1 after 0.3 s", run=2)
    assert ring.last_line(2) == "fatal: no database"


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("ERROR could not connect", True),
        ("Traceback (most recent call last):", True),
        ("thread 'main' panicked at src/main.rs", True),
        ("finished with 0 errors", False),
        ("no error at all", False),
        ("terrors of the deep", False),
        ("GET /health 200", False),
    ],
)
def test_error_lines_are_known_by_their_words(book: LogBook, line: str, counts: bool) -> None:
    ring = book.open("web", spec())
    ring.add([line, "something else"], "out", run=1)
    assert ring.last_error(1) == (line if counts else "")


def test_an_error_stays_until_the_next_run(book: LogBook) -> None:
    ring = book.open("web", spec())
    ring.add(["error one"], "err", run=1)
    assert ring.last_error(1) == "error one"
    ring.add(["fine"] * 10, "out", run=1)
    assert ring.last_error(1) == "error one"
    assert ring.last_error(2) == ""


def test_the_file_holds_everything_and_is_rotated(tmp_path: Path) -> None:
    book = LogBook(Clock(), tmp_path / "logs")
    ring = book.open("web", LogSpec.model_validate({"lines": 3, "file_size": "2000B", "files": 3}))
    for number in range(100):
        ring.add([f"line {number:03} \x1b[31mred\x1b[0m"], "err" if number % 2 else "out")
    ring.mark("run 1", replica=1)
    book.close()
    names = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert names == ["web.log", "web.log.1", "web.log.2"]
    newest = (tmp_path / "logs" / "web.log").read_text().splitlines()
    assert newest[-1].endswith(" - #1 run 1")
    assert newest[-2].endswith(" ! line 099 \x1b[31mred\x1b[0m")
    assert all(path.stat().st_size <= 2000 for path in (tmp_path / "logs").iterdir())
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "logs" / "web.log").stat().st_mode & 0o777 == 0o600


def test_a_single_file_starts_over(tmp_path: Path) -> None:
    book = LogBook(Clock(), tmp_path)
    ring = book.open("web", LogSpec.model_validate({"file_size": "1000B", "files": 1}))
    ring.add(["x" * 400], "out")
    ring.add(["y" * 700], "out")
    book.close()
    assert [path.name for path in tmp_path.iterdir()] == ["web.log"]
    assert "x" not in (tmp_path / "web.log").read_text()


def test_a_new_devgate_goes_on_with_the_old_file(tmp_path: Path) -> None:
    for text in ("first", "second"):
        book = LogBook(Clock(), tmp_path)
        book.open("web", LogSpec()).add([text], "out")
        book.close()
    assert [line.rsplit(" ", 1)[1] for line in (tmp_path / "web.log").read_text().splitlines()] == ["first", "second"]


def test_a_disk_that_fails_ends_the_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    book = LogBook(Clock(), tmp_path / "logs")
    ring = book.open("web", LogSpec())
    ring.add(["a"], "out")
    ring.add(["b"], "out")
    assert [line.text for line in ring.read(0, 10).lines] == ["a", "b"]


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / "web.log").symlink_to(target)
    book = LogBook(Clock(), tmp_path)
    book.open("web", LogSpec()).add(["overwritten"], "out")
    book.close()
    assert target.read_text() == "precious"
