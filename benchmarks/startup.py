"""How long a user waits for devgate: CPU of `--version` and `--help`, and the first moments of `devgate up`.

    python -m benchmarks.startup [--rounds 7]

From the start of the process until the socket takes connections, until the gateway answers, until the screen has painted a
service's name (in a real pty), until every stub of the demo is ready, and the CPU that the stubs took for it. These are times and
no ratios, so the floors are generous budgets for an idle machine and the median is judged.
"""

from __future__ import annotations

import argparse
import http.client
import json
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.keeping import keep
from benchmarks.screen_pty import ScreenPty

BUDGETS = {
    "version_cpu_s": 0.15,
    "help_cpu_s": 0.15,
    "bound_s": 0.3,
    "answer_s": 0.8,
    "paint_s": 1.2,
    "stubs_cpu_s": 3.0,
    "stub_rss_mib": 35.0,
}
DEADLINE_S = 30.0
NINE = "".join(f"  s{n}: {{stub: true, port: auto}}\n" for n in range(9))
PROFILE = f"services:\n{NINE}routes:\n  - {{path: /api/*, service: s0}}\n"


def cpu_of(*args: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "devgate", *args], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


def headless(folder: Path) -> dict[str, float]:
    port = free_port()
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "devgate", "up", "--no-tui", "--json", "--trust", "--port", str(port)],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    figures = {}
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() - started > DEADLINE_S:
                    raise SystemExit("devgate up does not listen") from None
                time.sleep(0.001)
        figures["bound_s"] = time.monotonic() - started
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        connection.request("GET", "/health/live")
        assert connection.getresponse().status == 200
        figures["answer_s"] = time.monotonic() - started
        connection.close()
        assert process.stdout is not None
        while json.loads(process.stdout.readline())["event"] != "ready":
            pass
        figures["ready_s"] = time.monotonic() - started
        stubs = [one for one in psutil.Process(process.pid).children(recursive=True) if "devgate.stub" in one.cmdline()]
        assert len(stubs) == 9, stubs
        figures["stubs_cpu_s"] = sum(sum(one.cpu_times()[:2]) for one in stubs)
        figures["stub_rss_mib"] = max(one.memory_info().rss for one in stubs) / 2**20
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE_S)
    return figures


def painted(folder: Path) -> float:
    started = time.monotonic()
    with ScreenPty(["up", "--trust", "--port", "0"], folder, columns=120, rows=40) as screen:
        screen.until(b"s8")
        return time.monotonic() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    samples: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "devgate.yaml").write_text(PROFILE)
        for _ in range(rounds):
            figures = {"version_cpu_s": cpu_of("--version"), "help_cpu_s": cpu_of("--help"), **headless(folder)}
            figures["paint_s"] = painted(folder)
            for key, value in figures.items():
                samples.setdefault(key, []).append(value)
    good = True
    for key, values in samples.items():
        median, budget = statistics.median(values), BUDGETS.get(key)
        over = budget is not None and median > budget
        good = good and not over
        print(
            f"{key:14} {median:7.3f}  ({min(values):.3f} to {max(values):.3f})  budget {budget}{'  OVER' if over else ''}"
        )
    keep("startup", samples=samples, budgets=BUDGETS)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
