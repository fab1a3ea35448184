"""A stub as the supervisor runs it: a process of its own, told by environment and flags, seen through its output and its port."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.deadline import DEADLINE_S

ROOT = Path(__file__).parents[2]


def clean_environment(**changes: str) -> dict[str, str]:
    """This process's environment without what would configure a stub by accident."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PORT", "DEVGATE_STUB")}
    return {**kept, **changes}


class StubProcess:
    """Runs until the `with` block ends."""

    def __init__(self, *flags: str, **config: object) -> None:
        environment = clean_environment(DEVGATE_STUB=json.dumps({"name": "demo", "port": 0, **config}))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "devgate.stub", *flags],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._grown = threading.Condition()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        self.host, self.port = "", 0

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with self._grown:
                    self.lines.append(line.rstrip("\n"))
                    self._grown.notify_all()
        with self._grown:
            self._grown.notify_all()

    def __enter__(self) -> Self:
        try:
            found = re.search(r"http://(\S+):(\d+)", self.line("listening"))
            assert found is not None
            self.host, self.port = found[1].strip("[]"), int(found[2])
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE_S)
        self._thread.join(DEADLINE_S)

    def line(self, text: str) -> str:
        """The first line of the log that holds `text`, now or later."""
        return self.wait(lambda: next((line for line in self.lines if text in line), None))

    def wait(self, look: Callable[[], str | None]) -> str:
        """What `look` finds in the log, now or later."""
        with self._grown:
            found = self._grown.wait_for(lambda: look() is not None or self.process.poll() is not None, DEADLINE_S)
            result = look()
        assert found, f"not in the log: {self.lines}"
        assert result is not None, f"ended with {self.process.poll()}: {self.lines}"
        return result

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """The exit code, once it has ended by itself."""
        code = self.process.wait(DEADLINE_S)
        self._thread.join(DEADLINE_S)
        return code

    def connect(self) -> socket.socket:
        """A plain connection to it."""
        return socket.create_connection((self.host, self.port), timeout=DEADLINE_S)

    def ask(
        self, path: str, *, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], Any]:
        """Status, headers and body (parsed where it is JSON) of one request, made by the standard library."""
        request = Request(
            f"http://{self.host}:{self.port}{path}", data=body, headers=dict(headers or {}), method=method
        )
        try:
            with urlopen(request, timeout=DEADLINE_S) as answer:
                status, fields, content = answer.status, answer.headers, answer.read()
        except HTTPError as answer:
            with answer:
                status, fields, content = answer.code, answer.headers, answer.read()
        if content and fields.get_content_type() == "application/json":
            return status, fields, json.loads(content)
        return status, fields, content

    def switch(self, **switches: object) -> Any:
        """Change how it behaves; what `/_stub` shows afterwards."""
        status, _, document = self.ask("/_stub", method="POST", body=json.dumps(switches).encode())
        assert status == 200, document
        return document

    def exchange(self, data: bytes) -> bytes:
        """Send `data`, then nothing more; everything that comes back until the stub closes."""
        with self.connect() as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return read_all(client)


def read_all(client: socket.socket) -> bytes:
    """Everything until the other side closes."""
    pieces = []
    while piece := client.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def read_until(client: socket.socket, end: bytes) -> bytes:
    """Everything up to and with the first `end`; what was received beyond it is returned too."""
    received = b""
    while end not in received:
        piece = client.recv(65536)
        assert piece, f"closed after {received!r}"
        received += piece
    return received


def split_answer(data: bytes) -> tuple[int, dict[str, str], bytes, bytes]:
    """The first answer in `data`: status, headers in lower case, body by `Content-Length`, and what follows."""
    head, _, rest = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    length = int(fields.get("content-length", 0))
    return int(status_line.split(" ")[1]), fields, rest[:length], rest[length:]
