"""How long a test waits for anything that must happen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE_S = 30.0
"""Generous, so that a busy machine is no failure: it is reached only where something is broken."""


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of `condition()`; fails after the deadline, naming what was awaited."""
    end = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(0.02)
    return value
