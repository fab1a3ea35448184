"""Where the figures of a run stay, with the moment and the machine that they are of."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def keep(name: str, **figures: Any) -> None:
    """Write down what a benchmark has found, its raw samples above all."""
    at = datetime.now(UTC)
    machine = {"python": platform.python_version(), "system": platform.platform(), "cpus": os.cpu_count()}
    RESULTS.mkdir(exist_ok=True)
    record = {"at": at.isoformat(timespec="seconds"), "machine": machine, **figures}
    (RESULTS / f"{name}-{at:%Y%m%dT%H%M%S}.json").write_text(json.dumps(record, indent=1))
