"""Small programs to supervise, each with one habit. They import little, since every test waits for them to start.

Run them as `command(name, ...)`: the same Python, isolated, without site-packages.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def command(name: str, *arguments: object) -> list[str]:
    """The argument vector of a sample."""
    return [sys.executable, "-I", "-S", str(FOLDER / f"{name}.py"), *map(str, arguments)]
