"""Numbers and times for narrow columns: pure, and never wider than their column, so that nothing jumps.

The widths are part of the contract; `rows` lays its columns out by them.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from math import isfinite
from typing import Final

NONE: Final = "–"
"""Stands where there is no value, which is not the same as zero."""

COUNT: Final = 5
RATIO: Final = 4
MILLISECONDS: Final = 5
SPAN: Final = 5
SIZE: Final = 5
CLOCK: Final = 8
"""Widest result of the functions of these names, in cells."""

_NO_TIME: Final = "--:--:--"
_BARS: Final = "▁▂▃▄▅▆▇█"


def count(number: float) -> str:
    """`0`, `0.4`, `9999`, `12.3k`, `123k`, `1.2M`: at most five cells."""
    if 0 < number < 9.95 and number != int(number):
        return f"{number:.1f}" if number >= 0.05 else "<0.1"
    whole = round(number)
    if whole < 10_000:
        return str(whole)
    for unit in ("k", "M", "G", "T"):
        number /= 1000
        if number < 99.95:
            return f"{number:.1f}{unit}"
        if number < 999.5:
            return f"{number:.0f}{unit}"
    return ">999T"


def ratio(share: float) -> str:
    """A share between 0 and 1 as `0%`, `0.4%`, `12%`, `100%`: at most four cells. What is not all is never shown as all."""
    percent = share * 100
    if percent <= 0:
        return "0%"
    if percent < 0.1:
        return "<.1%"
    if percent < 9.95:
        return f"{percent:.1f}%"
    return f"{percent if percent >= 100 else min(percent, 99):.0f}%"


def milliseconds(value: float | None) -> str:
    """`0.4ms`, `842ms`, `1.2s`, `75s`, `12m`: at most five cells."""
    if value is None:
        return NONE
    if value < 9.95:
        return f"{value:.1f}ms"
    if value < 999.5:
        return f"{value:.0f}ms"
    seconds = value / 1000
    if seconds < 99.95:
        return f"{seconds:.1f}s"
    return f"{seconds:.0f}s" if seconds < 999.5 else span(seconds)


def span(seconds: float) -> str:
    """How long: `42s`, `4m32s`, `42m`, `2h05m`, `14h`, `3d04h`, `120d`: at most five cells."""
    whole = int(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 60:
        return f"{max(whole, 0)}s"
    if minutes < 10:
        return f"{minutes}m{whole % 60:02}s"
    if hours < 1:
        return f"{minutes}m"
    if hours < 10:
        return f"{hours}h{minutes % 60:02}m"
    if days < 1:
        return f"{hours}h"
    if days < 10:
        return f"{days}d{hours % 24:02}h"
    return f"{min(days, 9999)}d"


def age(seconds: float) -> str:
    """How long, in one unit: `42s`, `6m`, `2h`, `3d`: at most three cells, for ninety-nine days."""
    whole = max(int(seconds), 0)
    for unit, length, below in (("s", 1, 60), ("m", 60, 3600), ("h", 3600, 86400)):
        if whole < below:
            return f"{whole // length}{unit}"
    return f"{min(whole // 86400, 99)}d"


def size(number: int | None) -> str:
    """Bytes as `512B`, `12K`, `84M`, `1.2G`: at most five cells."""
    if number is None:
        return NONE
    if number < 1000:
        return f"{number}B"
    value = float(number)
    for unit in ("K", "M", "G", "T"):
        value /= 1024
        if value < 9.95 and unit != "K":
            return f"{value:.1f}{unit}"
        if value < 999.5:
            return f"{value:.0f}{unit}"
    return ">999T"


def cpu(percent: float | None) -> str:
    """Share of one core: `0%`, `1.2%`, `12%`, `380%`: at most four cells."""
    if percent is None:
        return NONE
    return f"{percent:.1f}%" if 0.05 <= percent < 9.95 else f"{min(percent, 999):.0f}%"


def clock(at: float | None) -> str:
    """Local time of day, `09:41:07`."""
    return NONE if at is None else _clock(int(at)) if isfinite(at) else _NO_TIME


@lru_cache(maxsize=4096)
def _clock(second: int) -> str:
    try:
        return datetime.fromtimestamp(second).astimezone().strftime("%H:%M:%S")
    except (OverflowError, ValueError, OSError):  # a remote devgate may send anything
        return _NO_TIME


@lru_cache(maxsize=1024)
def sparkline(values: tuple[int, ...], width: int) -> str:
    """The values as bars in exactly `width` cells, newest at the right, the highest a full bar.

    Where there are more values than cells, neighbours share one. A single request in a quiet minute
    still shows: only zero is blank.
    """
    if width <= 0:
        return ""
    share = max(-(-len(values) // width), 1)
    newest = [sum(values[max(end - share, 0) : end]) for end in range(len(values), 0, -share)][::-1]
    top = max(newest, default=0)
    if top <= 0:
        return " " * width
    last = len(_BARS) - 1
    bars = "".join(_BARS[round(value / top * last)] if value > 0 else " " for value in newest)
    return bars.rjust(width)


def plural(number: int, noun: str) -> str:
    """`1 service`, `3 services`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
