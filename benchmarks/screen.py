"""What the screen costs the requests that it shares a process with: latency at 500 requests a second, open loop.

    python -m benchmarks.screen [--seconds 10] [--rounds 3]

In each round devgate runs headless, with its screen live in a pty of 120x40, and both again while a service writes 5,000 lines a
second, which the overview shows. devgate is pinned to one core, everything else to the other; latency counts from the moment a
request was due. The budget (DATAPLANE.md) is what is added to the direct way.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import psutil

from benchmarks.keeping import keep
from benchmarks.screen_pty import DEADLINE_S, ScreenPty

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
DEVGATE_CORE, OTHER_CORE = 0, 1
RATE, LINES = 500, 5_000
FLOORS = {"headless": 1.0, "screen": 8.0, "screen, log": 8.0}
"""Milliseconds that p99 may add."""
CHATTY = f"""
import time
number, began = 0, time.monotonic()
while True:
    time.sleep(0.02)
    while number < (time.monotonic() - began) * {LINES}:
        number += 1
        print("\\x1b[32m INFO\\x1b[0m handled request", number, "in 3 ms path=/api/x")
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def profile(folder: Path, *, chatty: bool, upstream: int) -> None:
    (folder / "chatty.py").write_text(CHATTY)
    services = f"  api: {{command: [{sys.executable}, {HERE / 'upstream.py'}, '{upstream}'], port: {upstream}}}\n"
    if chatty:
        services = f"  chatty: {{command: [{sys.executable}, chatty.py]}}\n" + services
    (folder / "devgate.yaml").write_text(f"services:\n{services}routes:\n  - {{path: /api/*, service: api}}\n")


def pinned(pid: int) -> None:
    """devgate on its core, what it started on the other."""
    devgate = psutil.Process(pid)
    for child in devgate.children(recursive=True):
        child.cpu_affinity([OTHER_CORE])
    devgate.cpu_affinity([DEVGATE_CORE])


def answering(url: str) -> None:
    """Wait until it answers with 200: the gateway listens, and the service behind it is ready."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        try:
            with urlopen(url, timeout=DEADLINE_S):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


@contextmanager
def headless(folder: Path, port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "devgate", "up", "--no-tui", "--json", "--trust", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            answering(f"http://127.0.0.1:{port}/api/x")
            pinned(process.pid)
            yield
        finally:
            process.terminate()


def load(url: str, seconds: float, screen: ScreenPty | None = None) -> dict[str, float]:
    """The figures of `open_loop`; the screen's output is read meanwhile."""
    command = [sys.executable, str(HERE / "open_loop.py"), url, "--rate", str(RATE), "--seconds", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        psutil.Process(process.pid).cpu_affinity([OTHER_CORE])
        while process.poll() is None:
            if screen is None:
                time.sleep(0.1)
            else:
                screen.drain(0.1)
        assert process.stdout is not None
        figures: dict[str, float] = json.loads(process.stdout.read())
    return figures


def measure(case: str, seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder, port, upstream = Path(name), free_port(), free_port()
        url = f"http://127.0.0.1:{port}/api/x"
        profile(folder, chatty="log" in case, upstream=upstream)
        if case.startswith("screen"):
            with ScreenPty(["up", "--trust", "--port", str(port)], folder, columns=120, rows=40) as screen:
                screen.until(b"handled request" if "log" in case else b"1/1")
                screen.drain(2)
                pinned(screen.pid)
                load(url, 1, screen)
                return load(url, seconds, screen)
        with headless(folder, port):
            if case == "direct":
                url = f"http://127.0.0.1:{upstream}/api/x"
            load(url, 1)
            return load(url, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.sched_setaffinity(0, [OTHER_CORE])
    cases = ("direct", "headless", "screen", "headless, log", "screen, log")
    samples: dict[str, list[dict[str, float]]] = {case: [] for case in cases}
    print(f"{'':14} {'p50':>8} {'p90':>8} {'p99':>8} {'max':>8}  ms")
    for _ in range(options.rounds):
        for case in cases:
            found = measure(case, options.seconds)
            samples[case].append(found)
            cells = " ".join(f"{found[key]:8.2f}" for key in ("p50_ms", "p90_ms", "p99_ms", "max_ms"))
            print(f"{case:14} {cells}", flush=True)
    middle = {case: statistics.median(one["p99_ms"] for one in found) for case, found in samples.items()}
    over = []
    for case, floor in FLOORS.items():
        added = middle[case] - middle["direct"]
        print(f"{case:14} adds {added:6.2f} ms to p99, may add {floor:g}{'  OVER' if added > floor else ''}")
        over += [case] if added > floor else []
    keep("screen", samples=samples, floors=FLOORS)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
