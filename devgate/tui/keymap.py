"""Keys of one's own, from a TOML file: a bad line is a warning, never a refusal.

service.restart = "ctrl+r"      # ids as the help lists them
view.logs = "3,l"
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from textual.keys import Keys, _character_to_key

from devgate.tui.bindings import ALL, IDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_MODIFIERS: Final = frozenset({"ctrl", "alt", "shift", "super", "meta", "hyper"})
_NAMED: Final = frozenset(key.value for key in Keys) | {"space"}
_SIGNS: Final = frozenset(_character_to_key(chr(code)) for code in range(0x21, 0x7F))
"""What Textual calls the signs of a keyboard: `question_mark`, `slash`."""


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
            near = get_close_matches(id, [known for known in IDS if known], 1)
            problems.append(
                f"{path.name}: there is no key called {id}" + (f"; did you mean {near[0]}?" if near else "")
            )
        elif not isinstance(key, str) or not key.strip():
            problems.append(f'{path.name}: {id} needs a key such as "ctrl+r"')
        elif bad := [each for each in key.split(",") if not _named(each.strip())]:
            problems.append(f"{path.name}: {id}: there is no key {bad[0].strip()!r} on a keyboard")
        else:
            keys[id] = ",".join(map(_named, map(str.strip, key.split(","))))
    return keys, problems + [f"{path.name}: {clash}" for clash in _clashes(keys)]


def _named(key: str) -> str:
    """A key as Textual names it: `?` is `question_mark`. Empty if there is no such key."""
    if len(key) == 1:
        return _character_to_key(key)
    *modifiers, last = key.split("+")
    if not _MODIFIERS.issuperset(modifiers):
        return ""
    known = last in _NAMED or last in _SIGNS or (len(last) == 1 and last.isprintable() and bool(modifiers))
    return key if known else ""


def _clashes(keys: Mapping[str, str]) -> Iterator[str]:
    """One key for two things in the same place: only one of them would ever be done."""
    for group in ALL:
        taken: defaultdict[str, list[str]] = defaultdict(list)
        for binding in group.table:
            for key in keys.get(binding.id or "", binding.key).split(","):
                taken[key].append(binding.id or "")
        for key, ids in taken.items():
            if len(ids) > 1 and not keys.keys().isdisjoint(ids):
                yield f"{key} is {' and '.join(ids)}; move one of them"


def _flat(data: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """`a.b = 1` is a table in TOML; here it is a name with a dot."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value
