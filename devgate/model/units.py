"""Durations, sizes and secrets: how they are written in a profile and how they are shown.

A bare number is refused wherever a unit is possible: the reference systems mix seconds and milliseconds, and a guess would be
wrong for one of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, WithJsonSchema

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|KiB|MB|MiB|GB|GiB)")
_BYTES: Final = {"B": 1, "KB": 10**3, "KiB": 2**10, "MB": 10**6, "MiB": 2**20, "GB": 10**9, "GiB": 2**30}


@dataclass(frozen=True, slots=True)
class Expected:
    """Stands in an annotation and says in words what a value must be, for messages and the reference."""

    text: str


DURATION: Final = Expected("a duration such as 300ms, 5s or 1h30m")
SIZE: Final = Expected("a size such as 512B, 64KiB or 10MiB")


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
    """The shortest spelling that `parse_duration` reads back, exact to the millisecond: `300ms`, `1.5s`, `1h30m`."""
    rest = round(seconds * 1000)
    if rest < 1000:
        return f"{rest}ms" if rest else "0s"
    if rest < 60_000:
        return f"{rest / 1000:g}s"
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
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
        if isinstance(text, str) and text.strip().isdecimal():
            raise ValueError(f"{text} is not a size, it has no unit; write {text}B or {text}KiB")
        raise ValueError(f"{text!r} is not a size; write 512B, 64KiB or 10MiB")
    return int(float(match[1]) * _BYTES[match[2]])


def format_size(size: int) -> str:
    """The shortest exact spelling that `parse_size` reads back: `65536` is `64KiB`, `10000000` is `10MB`."""
    for unit in ("GiB", "GB", "MiB", "MB", "KiB", "KB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"


def one_or_many(value: Any) -> Any:
    """A list of one, written without its brackets."""
    return [value] if isinstance(value, str | int) else value


def _size_with_unit(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value != 0:
        raise ValueError(f"{value} has no unit; write {value}B or {value}KiB")
    return parse_size(value)


DURATION_SCHEMA: Final = {
    "type": "string",
    "pattern": r"^(\d+(\.\d+)?(ms|s|m|h|d))+$",
    "examples": ["300ms", "5s", "1h30m"],
}

Duration = Annotated[float, BeforeValidator(parse_duration), DURATION, WithJsonSchema(DURATION_SCHEMA)]
"""Seconds; written with units."""

Size = Annotated[
    int,
    BeforeValidator(_size_with_unit),
    SIZE,
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*(B|KB|KiB|MB|MiB|GB|GiB)$", "examples": ["64KiB"]}),
]
"""Bytes; written with units."""


def _off(value: Any) -> Any:
    return "off" if value is False else value


BodyLimit = Annotated[Size | Literal["off"], BeforeValidator(_off), Expected(f"{SIZE.text}, or off"), SIZE]
"""Bytes, or none that is too many."""
