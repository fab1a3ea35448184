"""Faults as they are typed: `300ms 503 50% for:5m`, the language of `Fault.words` with fewer letters. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devgate.model.fault import LASTS_S, Fault
from devgate.model.units import parse_duration, parse_size

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLE: Final = "300ms 503 50% cut:1KiB 64KiB/s uncounted for:5m"
"""All words that there are."""

READY: Final[Mapping[str, str]] = {
    "a little late": "300ms",
    "very late": "5s",
    "failing": "503",
    "failing now and then": "503 20%",
    "broken off": "cut:1KiB",
    "slow": "64KiB/s",
    "like a bad mobile network": "400ms 50KiB/s",
}
"""What people want most often, and how it is written."""


def parse(text: str) -> tuple[Fault, float]:
    """The fault that is typed, and for how many seconds it is wanted.

    Raises:
        ValueError: says which word is not understood, or what is missing.
    """
    latency_s, status, cut, throttle, share, count, lasts_s = 0.0, 0, None, 0, 1.0, True, LASTS_S
    for word in text.split():
        if re.fullmatch(r"[1-5]\d\d", word):
            status = int(word)
        elif match := re.fullmatch(r"(\d+(?:\.\d+)?)%", word):
            share = float(match[1]) / 100
        elif word.startswith("cut:"):
            cut = parse_size(word.removeprefix("cut:"))
        elif word.startswith("for:"):
            lasts_s = parse_duration(word.removeprefix("for:"))
        elif word.endswith("/s"):
            throttle = parse_size(word.removesuffix("/s"))
        elif word == "uncounted":
            count = False
        elif re.fullmatch(r"[\d.]+\D[\w.]*", word):
            latency_s = parse_duration(word)
        else:
            raise ValueError(f"{word!r} is not understood")
    return Fault(latency_s, status, cut, throttle, share, count), lasts_s
