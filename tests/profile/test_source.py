import os
import sys
from pathlib import Path

import pytest

from devgate.errors import ProfileError
from devgate.profile.problems import Problem, faults_of
from devgate.profile.source import LARGEST, read_source


def refused(path: Path) -> Problem:
    with pytest.raises(ProfileError) as caught:
        read_source(path)
    (problem,) = faults_of(caught.value)
    return problem


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("a: ü\r\nb: 2\n".encode())
    source = read_source(path)
    assert [source.line(number) for number in range(4)] == ["", "a: ü", "b: 2", ""]


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_source(path).text == "a: 1"


@pytest.mark.parametrize(
    ("data", "message", "line", "column"),
    [
        (b"a: 1\nb: \xff\n", "this is not UTF-8", 2, 4),
        (b"\xff", "this is not UTF-8", 1, 1),
        (b"ok: 1\n\xc3", "this is not UTF-8", 2, 1),
        ("a: 1\n".encode("utf-16"), "the file is UTF-16", 0, 0),
        (b"a: 1\n  b: \x1b[31m\n", "control character U+001B", 2, 6),
        (b"a: \0", "control character U+0000", 1, 4),
        ("a: \u009b".encode(), "control character U+009B", 1, 4),
    ],
)
def test_what_is_not_text_is_refused_where_it_stands(
    tmp_path: Path, data: bytes, message: str, line: int, column: int
) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(data)
    problem = refused(path)
    assert (problem.message, problem.line, problem.column) == (message, line, column)
    assert str(problem).isprintable() or "\n" in str(problem)


def test_size_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"#" * LARGEST)
    read_source(path)
    path.write_bytes(b"#" * (LARGEST + 1))
    assert refused(path).message == "the file is larger than 1 MiB"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "missing.yaml").message == "cannot be read: No such file or directory"
    assert "cannot be read" in refused(tmp_path).message or "regular file" in refused(tmp_path).message


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes in the file system")
def test_a_pipe_without_a_writer_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    os.mkfifo(path)
    assert refused(path).message == "this is not a regular file"
