"""What most of these tests begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.harness import TWO

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A folder with a profile of two stand-ins."""
    (tmp_path / "devgate.yaml").write_text(TWO)
    return tmp_path
