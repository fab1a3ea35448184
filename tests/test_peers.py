"""Who holds a port may be another devgate: it is known, and ended by name."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from devgate import peers
from tests.deadline import wait_until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["python", "-P", "-m", "devgate", "up", "demo", "--json", "--project", "/p"], "/p"),
        (["python", "-m", "devgate", "up", "--project=/p q"], "/p q"),
        (["python", "/venv/bin/devgate", "run", "--project", "sub", "--", "npm", "test"], "/here/sub"),
        (["/opt/devgate", "up"], "/here"),
        (["python", "-m", "devgate", "up", "--project"], "/here"),
        (["python", "-m", "devgate", "run", "--", "x", "--project", "/not-ours"], "/here"),
        (["python", "-m", "devgate", "status"], None),
        (["python", "-m", "devgate.stub", "up"], None),
        (["vim", "devgate", "notes"], None),
        (["make", "up"], None),
        (["devgate"], None),
        ([], None),
    ],
)
def test_its_command_line_says_where_it_belongs(command: list[str], expected: str | None) -> None:
    found = peers.project_in(command, "/here")
    assert (None if found is None else str(found)) == expected


def test_no_other_process_is_taken_for_one() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert peers.project_of(process.pid) is None
    finally:
        process.communicate(b"\n")
    assert peers.project_of(process.pid) is None, "it has gone"


def test_a_process_of_that_name_is(tmp_path: Path) -> None:
    fake = tmp_path / "devgate"
    fake.write_text("input()\n")
    process = subprocess.Popen([sys.executable, str(fake), "up"], stdin=subprocess.PIPE, cwd=tmp_path)
    try:
        # A program that has just been started has, for a moment, no command line yet.
        assert wait_until(lambda: peers.project_of(process.pid), "it is known") == tmp_path
    finally:
        process.communicate(b"\n")
