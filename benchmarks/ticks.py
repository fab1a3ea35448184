"""What a tick of the screen costs: CPU, and how long the loop that also proxies stands still, in a real pty over sample data.

    python -m benchmarks.ticks [--ticks 40]

`busy` changes every row four times a second, `log` prints 5,000 lines a second into the pane, `burst` 100,000, `all` the first
two. Making the sample is not counted. The budget is 8 ms a tick (TEXTUAL.md 3); `all` is beyond what anybody runs and has none.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import gc
import json
import os
import pty
import random
import select
import struct
import sys
import termios
import time
from dataclasses import replace
from typing import Any

from benchmarks.keeping import keep

TICK_S = 0.25
LINES = 1_250
BUDGET_MS = 8.0
CASES = {
    "idle 120x40": (120, 40, "", "", True),
    "busy 120x40": (120, 40, "busy", "", True),
    "busy 160x45": (160, 45, "busy", "", True),
    "log 120x40": (120, 40, "log", "", True),
    "log view 120x40": (120, 40, "log", "3", True),
    "requests 120x40": (120, 40, "requests", "2", True),
    "health 120x40": (120, 40, "busy", "4", True),
    "burst 120x40": (120, 40, "burst", "3", True),
    "all 160x45": (160, 45, "busy log", "", False),
}
"""Columns, rows, what changes, the key of the view, whether the budget applies."""


async def run(changes: str, ticks: int) -> dict[str, float]:
    """The screen over a sample that changes, in this process."""
    from devgate.tui.session import run_screen
    from tests.tui.fake_control import FakeControl, log_lines, request_rows, sample

    control = FakeControl(sample(), log_lines(count=2_000), request_rows(200))
    started = time.perf_counter()
    painted: list[float] = []
    screen = asyncio.create_task(run_screen(control, ready=lambda: painted.append(time.perf_counter() - started)))
    await asyncio.sleep(3)
    gc.collect()
    gc.freeze()
    delays: list[float] = []

    async def notice() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            delays.append(time.perf_counter() - before - 0.001)

    figures: dict[str, float] = {"first_paint_ms": painted[0] * 1000}
    for part in ("cpu", "delay"):  # apart, because looking at the delay costs more CPU than a quiet screen
        watch = asyncio.create_task(notice()) if part == "delay" else None
        own = 0.0
        cpu = time.process_time()
        for number in range(ticks):
            before = time.process_time()
            change(control, changes, number)
            own += time.process_time() - before
            await asyncio.sleep(TICK_S)
        if watch is None:
            figures["cpu_ms"] = (time.process_time() - cpu - own) / ticks * 1000
        else:
            watch.cancel()
            delays.sort()
            figures |= {"delay_p99_ms": delays[int(len(delays) * 0.99)] * 1000, "delay_max_ms": delays[-1] * 1000}
    screen.cancel()
    await asyncio.wait([screen])
    return figures


def change(control: Any, changes: str, number: int) -> None:
    from devgate.model.query import LogLine

    rnd = random.Random(number).random
    if "busy" in changes:

        def traffic(row: Any) -> Any:
            spark = tuple(int(rnd() * 20) for _ in range(30))
            return replace(
                row.traffic, per_minute=rnd() * 900, p50_ms=rnd() * 9, p95_ms=rnd() * 99, spark=spark, total=number
            )

        services = tuple(
            replace(
                row, uptime_s=row.uptime_s + number, cpu_percent=rnd() * 50 if row.pid else None, traffic=traffic(row)
            )
            for row in control.now.services
        )
        control.change(
            services=services, routes=tuple(replace(row, traffic=traffic(row)) for row in control.now.routes)
        )
    if "log" in changes or "burst" in changes:
        last = control.lines[-1].seq + (25_000 - LINES if "burst" in changes else 0)  # what is skipped is never made
        text = "\x1b[32m INFO\x1b[0m handled request %d in 3 ms path=/api/x"
        control.lines = [LogLine(last + n, 0.0, "fechatter-server", 0, "out", text % n, 1) for n in range(1, LINES + 1)]
    if "requests" in changes:
        last = control.requests_[-1]
        control.requests_ = [
            replace(row, seq=last.seq + n, at=last.at + n / 500, request_id=f"{last.seq + n:x}")
            for n, row in enumerate(control.requests_[:125], start=1)
        ]


def in_a_pty(columns: int, rows: int, changes: str, keys: str, ticks: int) -> dict[str, float]:
    """`run` in a child whose output is read, so that it never waits for its terminal."""
    read, write = os.pipe()
    pid, master = pty.fork()
    if pid == 0:
        os.close(read)
        os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        time.sleep(0.2)  # until the terminal has its size
        figures = asyncio.run(run(changes, ticks))
        os.write(write, json.dumps(figures).encode())
        os._exit(0)
    os.close(write)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    started, typed = time.monotonic(), False
    while True:
        if keys and not typed and time.monotonic() - started > 2:
            os.write(master, keys.encode())
            typed = True
        if not select.select([master], [], [], 0.1)[0]:
            continue
        try:
            if not os.read(master, 65536):
                break
        except OSError:
            break
    os.waitpid(pid, 0)
    with os.fdopen(read, "rb") as pipe:
        found: dict[str, float] = json.loads(pipe.read())
    os.close(master)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=40)
    ticks = parser.parse_args().ticks
    print(f"{'':18} {'CPU a tick':>11} {'delay p99':>11} {'delay max':>11} {'first paint':>12}")
    over, samples = [], {}
    for name, (columns, rows, changes, keys, budgeted) in CASES.items():
        found = samples[name] = in_a_pty(columns, rows, changes, keys, ticks)
        cells = [found["cpu_ms"], found["delay_p99_ms"], found["delay_max_ms"]]
        print(
            f"{name:18} " + " ".join(f"{cell:8.2f} ms" for cell in cells) + f" {found['first_paint_ms']:9.0f} ms",
            flush=True,
        )
        if budgeted and found["cpu_ms"] > BUDGET_MS:
            over.append(name)
    keep("ticks", figures=samples, budget_ms=BUDGET_MS)
    if over:
        print(f"over the budget of {BUDGET_MS:g} ms a tick: {', '.join(over)}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
