"""What devgate costs when nothing happens: nine services, the screen open at 120x40 in a real pty, default probes.

    python -m benchmarks.idle [--warmup 30] [--seconds 60]

CPU of devgate and its guardian, as a share of one core, and their memory: the interpreter's pages, which both map, are counted
once. The services are not counted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.keeping import keep
from benchmarks.screen_pty import ScreenPty

BUDGETS = {"cpu_percent": 1.0, "memory_mib": 90.0}
PROFILE = (
    "services:\n"
    + "".join(f"  s{n}: {{stub: true, port: auto}}\n" for n in range(9))
    + "routes:\n  - {path: /api/*, service: s0}\n"
)


def own(pid: int) -> list[psutil.Process]:
    """devgate and its guardian."""
    devgate = psutil.Process(pid)
    guardians = [one for one in devgate.children() if any("guard" in part for part in one.cmdline())]
    return [devgate, *guardians]


def cpu(processes: list[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in processes)


def memory(processes: list[psutil.Process]) -> int:
    """Of devgate all that is resident, of the guardian what is its own."""
    devgate, *guardians = processes
    return devgate.memory_info().rss + sum(one.memory_full_info().uss for one in guardians)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warmup", type=float, default=30)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "devgate.yaml").write_text(PROFILE)
        with ScreenPty(["up", "--trust", "--port", "0"], Path(name), columns=120, rows=40) as screen:
            screen.until(b"9/9")
            screen.drain(options.warmup)
            processes = own(screen.pid)
            before, began = cpu(processes), time.monotonic()
            screen.drain(options.seconds)
            took = time.monotonic() - began
            figures = {
                "cpu_percent": 100 * (cpu(processes) - before) / took,
                "memory_mib": memory(processes) / 2**20,
                "processes": float(len(processes)),
            }
    good = True
    for key, value in figures.items():
        budget = BUDGETS.get(key)
        over = budget is not None and value > budget
        good = good and not over
        print(f"{key:12} {value:7.2f}  budget {budget}{'  OVER' if over else ''}")
    keep("idle", figures=figures, budgets=BUDGETS)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
