"""What every test of the screen needs: a fixed time zone, no animation, a fixed set of colours."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from devgate.tui import format as fmt

    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    fmt._clock.cache_clear()
    yield
    monkeypatch.undo()
    time.tzset()
    fmt._clock.cache_clear()
