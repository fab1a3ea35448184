"""JSON as people read it: what is short on one line, the rest with a line for each value. Nothing in it is changed but the space.

Slow enough for a thread: 64 KiB take some milliseconds.
"""

from __future__ import annotations

import json
from textwrap import wrap
from typing import Any, Final

LINE: Final = 72
_INDENT: Final = "  "


class _Exact(str):
    """A number as it stood there: 1.10 is not to become 1.1."""

    __slots__ = ()


def pretty(text: str, line: int = LINE) -> str:
    """JSON laid out; anything else as it is.

    Args:
        line: characters, without indentation, up to which a list or an object stays on one line; 0: each value has its own.
    """
    if text[:1] not in ("{", "["):
        return text
    try:
        return "\n".join(_lines(json.loads(text, parse_float=_Exact, parse_int=_Exact, parse_constant=_Exact), line))
    except (ValueError, RecursionError):
        return text


def _lines(value: Any, line: int) -> list[str]:
    if isinstance(value, dict):
        return _block("{", [_named(name, one, line) for name, one in value.items()], "}", line)
    if isinstance(value, list):
        found = _block("[", [_lines(one, line) for one in value], "]", line)
        if line and len(found) > 1 and all(isinstance(one, _Exact) for one in value):
            return ["[", *(_INDENT + numbers for numbers in wrap(", ".join(map(str, value)), line)), "]"]
        return found
    return [str(value) if isinstance(value, _Exact) else json.dumps(value, ensure_ascii=False)]


def _named(name: str, value: Any, line: int) -> list[str]:
    first, *rest = _lines(value, line)
    return [f"{json.dumps(name, ensure_ascii=False)}: {first}", *rest]


def _block(begin: str, items: list[list[str]], end: str, line: int) -> list[str]:
    if all(len(item) == 1 for item in items):
        whole = begin + ", ".join(item[0] for item in items) + end
        if not items or len(whole) <= line:
            return [whole]
    lines = [begin]
    for number, item in enumerate(items, 1):
        lines += [_INDENT + one for one in item]
        if number < len(items):
            lines[-1] += ","
    return [*lines, end]
