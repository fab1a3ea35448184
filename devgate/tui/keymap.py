"""Keys of one's own, from a TOML file: a bad line is a warning, never a refusal.

service.restart = "ctrl+r"      # ids as the help lists them
view.logs = "3,l"
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from devgate.tui.bindings import IDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read(path: Path) -> tuple[dict[str, str], list[str]]:
    """The keys by binding id, and what was wrong; a file that is not there is no keys."""
    try:
        with path.open("rb") as file:
            data = tomllib.load(file)
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return {}, [f"{path.name}: {error}"]
    keys: dict[str, str] = {}
    problems: list[str] = []
    for id, key in _flat(data):
        if id not in IDS:
            problems.append(f"{path.name}: there is no key called {id}")
        elif not isinstance(key, str) or not key.strip():
            problems.append(f'{path.name}: {id} needs a key such as "ctrl+r"')
        else:
            keys[id] = key
    return keys, problems


def _flat(data: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """`a.b = 1` is a table in TOML; here it is a name with a dot."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value
