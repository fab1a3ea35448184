"""What a command loads before it answers: the screen's libraries cost half a second, which only the screen may spend."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCREEN = {"textual", "rich"}
SERVER = {"aiohttp", "asyncio"}


def loaded_by(*arguments: str) -> set[str]:
    """The top-level modules that one run of devgate loads, as the interpreter itself lists them."""
    command = [sys.executable, "-X", "importtime", "-m", "devgate", *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert run.returncode == 0, run.stdout + run.stderr
    names = [line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time:")]
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--version"], SCREEN | SERVER | {"pydantic", "yaml"}),
        (["--help"], SCREEN | SERVER | {"pydantic", "yaml"}),
        (["check", "demo"], SCREEN | {"aiohttp"}),
        (["config", "demo"], SCREEN | {"aiohttp"}),
        (["schema"], SCREEN | {"aiohttp"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_loads_only_what_it_needs(arguments: list[str], unwanted: set[str]):
    loaded = loaded_by(*arguments)
    assert "devgate" in loaded
    assert not loaded & unwanted
