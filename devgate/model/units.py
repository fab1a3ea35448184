"""Durations, sizes and secrets: how they are written in a profile and how they are shown.

A bare number is refused wherever a unit is possible: the reference systems mix seconds and milliseconds, and a guess would be
wrong for one of them.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|KiB|MB|MiB|GB|GiB)")
_BYTES: Final = {"B": 1, "KB": 10**3, "KiB": 2**10, "MB": 10**6, "MiB": 2**20, "GB": 10**9, "GiB": 2**30}


def parse_duration(text: object) -> float:
    """Seconds of `300ms`, `1.5s`, `1h30m`.

    Raises:
        ValueError: no unit, an unknown one, or not a duration at all.
    """
    if isinstance(text, float):  # already parsed: a default, or a value passed on in code
        return text
    if isinstance(text, int) and not isinstance(text, bool):
        raise ValueError(f"{text} has no unit; write {text}s or {text}ms")
    if not isinstance(text, str):
        raise ValueError("expected a duration such as 300ms, 5s, 2m or 1h30m")
    written = text.strip()
    parts = _DURATION.findall(written)
    if not parts or "".join(number + unit for number, unit in parts) != written:
        if re.fullmatch(r"\d+(\.\d+)?", written):
            raise ValueError(f"{written} has no unit; write {written}s or {written}ms")
        raise ValueError(f"{written!r} is not a duration; write 300ms, 5s, 2m or 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def format_duration(seconds: float) -> str:
    """The shortest exact spelling that `parse_duration` reads back: `0.3` is `300ms`, `5400` is `1h30m`."""
    if seconds < 1 or seconds != int(seconds):
        milliseconds = round(seconds * 1000, 3)
        return f"{milliseconds:g}ms" if seconds < 60 else f"{seconds:g}s"
    whole = int(seconds)
    if whole == 0:
        return "0s"
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def parse_size(text: object) -> int:
    """Bytes of `64KiB`, `10MB`.

    Raises:
        ValueError: no unit, an unknown one, or not a size at all.
    """
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    match = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is not a size; write 512B, 64KiB or 10MiB")
    return int(float(match[1]) * _BYTES[match[2]])


def _size_with_unit(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value != 0:
        raise ValueError(f"{value} has no unit; write {value}B or {value}KiB")
    return parse_size(value)


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(\d+(\.\d+)?(ms|s|m|h|d))+$", "examples": ["300ms", "5s", "1h30m"]}
    ),
]
"""Seconds; written with units."""

Size = Annotated[
    int,
    BeforeValidator(_size_with_unit),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*(B|KB|KiB|MB|MiB|GB|GiB)$", "examples": ["64KiB"]}),
]
"""Bytes; written with units."""
