"""Requests a second, CPU a request and latency of devgate beside other proxies, in one run.

    python -m benchmarks.proxying [--seconds 4] [--rounds 5] [--peers client_session,http_proxy,vite,caddy,nginx]

Every proxy is pinned to the first core, load and upstream to the second. In each round every proxy is measured once, in turn, so
that a machine that slows down slows down all of them; ratios are taken within a round, and their median is judged. devgate runs
as `devgate up --no-tui` with every default middleware on. Needs `wrk`; peers whose program is missing are left out and named.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.keeping import keep
from benchmarks.peers import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PROXY_CORE, LOAD_CORE = 0, 1
CONNECTIONS = (1, 16)
FLOORS = {
    ("client_session", 1): 1.15, ("client_session", 16): 2.0,
    ("http_proxy", 1): 0.9, ("http_proxy", 16): 1.0,
    ("vite", 1): 0.9, ("vite", 16): 1.0,
    ("caddy", 1): 1.0, ("caddy", 16): 1.3,
    ("nginx", 1): 0.5, ("nginx", 16): 0.3,
}  # fmt: skip
"""Requests a second of devgate over those of the peer, at so many connections; the median of the rounds must reach it.

With one connection nearly all of the time goes into four wake-ups by the kernel, the same for everybody: a Python proxy that does
nothing but pass bytes on reaches 1.5 times the ClientSession and 1.1 times http-proxy there. With sixteen connections it reaches
2.3 times http-proxy, whose Node needs 46 us a request on this machine where it once needed 221.
"""


@dataclass(frozen=True)
class Sample:
    proxy: str
    connections: int
    round: int
    rps: float
    p50_us: float
    p99_us: float
    cpu_us: float
    """Of the proxy's process, for each request."""
    rss_mib: float


class Service:
    """A pinned process in a group of its own that listens on a port."""

    def __init__(
        self, name: str, command: list[str], port: int, core: int, *, cwd: Path | None = None, env: dict[str, str]
    ) -> None:
        self.name, self.port = name, port
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            cwd=cwd, env=env, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.02)
        raise SystemExit(f"{name} does not listen on {port}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def measure(service: Service, connections: int, seconds: float, number: int) -> Sample:
    process = psutil.Process(service.process.pid)
    before = process.cpu_times()
    out = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(HERE / "report.lua"),
         "-H", "Origin: http://localhost:1420", f"http://127.0.0.1:{service.port}/api/items?page=1"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    after = process.cpu_times()
    figures = {key: float(value) for key, value in re.findall(r"^(\w+)=([\d.]+)$", out, re.MULTILINE)}
    if figures["errors"]:
        raise SystemExit(f"{service.name}: {figures['errors']:g} requests failed\n{out}")
    cpu = (after.user - before.user) + (after.system - before.system)
    requests = figures["requests"]
    return Sample(
        service.name, connections, number, requests / figures["seconds"], figures["p50"], figures["p99"],
        cpu / requests * 1e6, process.memory_info().rss / 2**20,
    )  # fmt: skip


def ports() -> Iterator[int]:
    while True:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        yield port


def start(peers: list[str], folder: Path) -> tuple[Service, dict[str, Service]]:
    free = ports()
    up = next(free)
    env = commands.environment(commands.Place(folder, 0, up))
    upstream = Service("upstream", [sys.executable, str(HERE / "upstream.py"), str(up)], up, LOAD_CORE, env=env)
    services = {"devgate": devgate(folder, next(free), up)}
    for peer in peers:
        place = commands.Place(folder / peer, next(free), up)
        place.folder.mkdir()
        command = commands.PEERS[peer][1](place)
        env = commands.environment(place)
        services[peer] = Service(peer, command, place.port, PROXY_CORE, cwd=place.folder, env=env)
    return upstream, services


def devgate(folder: Path, port: int, upstream: int) -> Service:
    (folder / "devgate.yaml").write_text(
        f"services: {{items: {{url: 'http://127.0.0.1:{upstream}', ready: {{tcp: {upstream}}}, sync: false}}}}\n"
        "routes:\n  - {path: /api/items, service: items}\n  - {path: /other/*, service: items}\n"
    )
    command = [sys.executable, "-m", "devgate", "up", "--no-tui", "--json", "--trust", "--port", str(port)]
    env = commands.environment(commands.Place(folder, port, upstream))
    return Service("devgate", command, port, PROXY_CORE, cwd=folder, env=env)


def judge(samples: list[Sample]) -> list[dict[str, object]]:
    """Median ratio of devgate's requests a second to each peer's, within a round, and whether it reaches its floor."""
    by = {(sample.proxy, sample.connections, sample.round): sample for sample in samples}
    verdicts: list[dict[str, object]] = []
    for peer, connections in sorted({(s.proxy, s.connections) for s in samples if s.proxy != "devgate"}):
        rounds = sorted({s.round for s in samples})
        ratios = [by["devgate", connections, r].rps / by[peer, connections, r].rps for r in rounds]
        floor = FLOORS.get((peer, connections))
        median = statistics.median(ratios)
        verdicts.append(
            {"peer": peer, "connections": connections, "ratio": median, "ratios": ratios, "floor": floor,
             "good": floor is None or median >= floor}
        )  # fmt: skip
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default=",".join(commands.available()))
    options = parser.parse_args()
    if missing := commands.PEERS.keys() - commands.available():
        print(f"not on this machine, so not measured: {', '.join(sorted(missing))}")
    for tool in ("wrk", "taskset"):
        if shutil.which(tool) is None:
            raise SystemExit(f"this benchmark needs {tool}")
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as name:
        upstream, services = start([*filter(None, options.peers.split(","))], Path(name))
        try:
            for connections in CONNECTIONS:
                for service in services.values():
                    measure(service, connections, 1, -1)  # warm-up
                for number in range(options.rounds):
                    for service in services.values():
                        samples.append(sample := measure(service, connections, options.seconds, number))
                        print(
                            f"{sample.proxy:15} c={connections:<3} {sample.rps:8.0f} rps  p50 {sample.p50_us:6.0f} us"
                            f"  p99 {sample.p99_us:6.0f} us  cpu {sample.cpu_us:5.0f} us  rss {sample.rss_mib:4.0f} MiB",
                            flush=True,
                        )
        finally:
            for service in services.values():
                service.stop()
            upstream.stop()
    verdicts = judge(samples)
    for verdict in verdicts:
        word = "ok" if verdict["good"] else "UNDER ITS FLOOR"
        print(
            f"devgate / {verdict['peer']} at {verdict['connections']}: {verdict['ratio']:.2f} (floor {verdict['floor']}) {word}"
        )
    keep("proxying", samples=[asdict(sample) for sample in samples], verdicts=verdicts)
    return 0 if all(verdict["good"] for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
