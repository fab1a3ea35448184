"""Starts the real devgate as a user or a program would, and leaves nothing behind."""

from __future__ import annotations

import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import psutil

from tests.deadline import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

DEVGATE = (sys.executable, "-m", "devgate")
"""The devgate of this checkout; what takes a `command` runs another one with it, such as a bundle's."""
TWO = """
version: 1
name: two
services:
  api: {stub: true, port: auto}
  events: {stub: true, port: auto, depends_on: [api]}
routes:
  - {path: /api/*, service: api}
  - {path: /events, service: events, stream: true}
"""


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without anything that would choose a profile or colours."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith("DEVGATE_")}
    return {**keep, **extra}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def request(
    url: str, method: str = "GET", path: str = "/", headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """One request on a connection of its own; the path goes out as it is."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=DEADLINE_S)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def run(
    *args: str, cwd: Path, check: int | None = 0, command: tuple[str, ...] = DEVGATE, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run one devgate command to its end."""
    done = subprocess.run(
        [*command, *args],
        cwd=cwd, env=environment(**env), capture_output=True, text=True, timeout=DEADLINE_S * 2, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if check is not None:
        assert done.returncode == check, (
            f"devgate {' '.join(args)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
    return done


@dataclass
class Up:
    """A running `devgate up --no-tui --json`."""

    args: tuple[str, ...]
    cwd: Path
    env: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = DEVGATE

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [*self.command, "up", "--no-tui", "--json", *self.args],
            cwd=self.cwd, env=environment(**self.env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.events: list[dict[str, Any]] = []
        self._errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._read_out, daemon=True),
            threading.Thread(target=self._read_err, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        return self

    def _read_out(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _read_err(self) -> None:
        assert self.process.stderr is not None
        self._errors.extend(self.process.stderr)

    @property
    def stderr(self) -> str:
        return "".join(self._errors)

    def next_event(self, name: str, match: Callable[[dict[str, Any]], bool] = lambda event: True) -> dict[str, Any]:
        """The next JSON line with this `event`; every line on stdout must be JSON."""
        end = time.monotonic() + DEADLINE_S
        while (left := end - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                break
            assert line is not None, f"devgate ended before {name!r}: {self.stderr}"
            event: dict[str, Any] = json.loads(line)
            self.events.append(event)
            if event["event"] == name and match(event):
                return event
        raise AssertionError(f"no {name!r} within {DEADLINE_S:g} s: {self.events[-5:]} {self.stderr}")

    def rest(self) -> list[dict[str, Any]]:
        """Every event, to the end; only once it has gone."""
        self._threads[0].join(DEADLINE_S)
        while (line := self._lines.get(timeout=DEADLINE_S)) is not None:
            self.events.append(json.loads(line))
        return self.events

    def listening(self) -> str:
        """Wait for the gateway; its address."""
        return str(self.next_event("listening")["url"])

    def ready(self) -> str:
        """Wait for every service; the gateway's address."""
        return str(self.next_event("ready")["url"])

    def cli(self, *args: str, check: int | None = 0) -> subprocess.CompletedProcess[str]:
        return run(*args, cwd=self.cwd, check=check, command=self.command)

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self.cli("status", "--json").stdout)
        return status

    def service(self, name: str) -> dict[str, Any]:
        return next(row for row in self.status()["services"] if row["name"] == name)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> int:
        """End it as asked and wait until it has gone."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        return self.process.wait(DEADLINE_S)

    def __exit__(self, *exc: object) -> None:
        family = self.family() if self.process.poll() is None else []
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            for thread in self._threads:
                thread.join(DEADLINE_S)
            for stream in (self.process.stdout, self.process.stderr):
                if stream is not None:
                    stream.close()
            left = survivors(family)
            for process in left:
                process.kill()
        assert not left, f"left behind: {left}"


def alive(process: psutil.Process) -> bool:
    """A zombie is not: who has lost its parent is buried by the system, which may take its time."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def survivors(family: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Who is still alive at the deadline; waits for all to end."""
    end = time.monotonic() + DEADLINE_S
    while (left := [*filter(alive, family)]) and time.monotonic() < end:
        time.sleep(0.02)
    return left


def free_ports(count: int) -> Iterator[int]:
    """Ports that were free a moment ago."""
    import socket

    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return iter(ports)
