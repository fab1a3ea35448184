"""A file's text, and places in it.

Reading is bounded and strict: a regular file, at most 1 MiB, UTF-8, no control characters. What is refused here would otherwise
surprise later, in a terminal or in another program.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from devgate.errors import ProfileError
from devgate.profile.problems import Problem, problem_at

if TYPE_CHECKING:
    from pathlib import Path

LARGEST: Final = 2**20
"""Bytes of a file that are read; the largest profile we know has 20 KiB."""

# YAML 1.2.2, 5.1, and the C1 controls that it tolerates. What it refuses beyond them the parser finds; a class with characters
# above U+00FF would take 4 ms to compile at every start.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")


@dataclass(frozen=True, slots=True, eq=False)
class SourceFile:
    """A file that has been read."""

    path: Path
    text: str
    bundled: bool = False
    """Shipped with devgate: paths in it are relative to the project, not to where devgate is installed."""
    _lines: list[str] = field(default_factory=list, repr=False)

    def line(self, number: int) -> str:
        """Line `number`, from 1, without its end; empty if there is none."""
        if not self._lines:
            self._lines.extend(self.text.splitlines())
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""


class Place(NamedTuple):
    """A span on one line of a file."""

    file: SourceFile
    line: int
    """From 1."""
    column: int
    """From 1, in characters."""
    width: int = 1


def read_source(path: Path, *, bundled: bool = False) -> SourceFile:
    """Read a file that people write.

    Raises:
        ProfileError: it cannot be read, is too large, or is not text.
    """
    data = _read_bytes(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused(path, "the file is UTF-16", "save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        source = SourceFile(path, data.decode("utf-8", "surrogateescape"), bundled)
        raise ProfileError(
            f"{path} is not UTF-8",
            [problem_at(_place_after(source, before), "this is not UTF-8", hint="save the file as UTF-8")],
        ) from error
    source = SourceFile(path, text, bundled)
    if found := _CONTROL.search(text):
        message = f"control character U+{ord(found[0]):04X}"
        place = _place_after(source, text[: found.start()])
        raise ProfileError(f"{path} holds a control character", [problem_at(place, message, hint="remove it")])
    return source


def _read_bytes(path: Path) -> bytes:
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _refused(path, "this is not a regular file", "name a file")
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror or error}", "") from error
    if len(data) > LARGEST:
        raise _refused(path, "the file is larger than 1 MiB", "is it really meant to be read here?")
    return data


def _refused(path: Path, message: str, hint: str) -> ProfileError:
    return ProfileError(f"{path}: {message}", [Problem(message, file=str(path), hint=hint)])


def _place_after(source: SourceFile, before: str) -> Place:
    lines = before.splitlines(keepends=True) or [""]
    if lines[-1].endswith(("\n", "\r")):
        lines.append("")
    return Place(source, len(lines), len(lines[-1]) + 1)
