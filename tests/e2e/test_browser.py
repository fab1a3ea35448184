"""Pages in real browsers, the gateway, and services behind it: Chromium with a page on another port of localhost, as `tauri dev`
serves it, and WebKitGTK with one under `tauri://localhost`, as a packaged app does."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.deadline import DEADLINE_S
from tests.e2e.harness import Up
from tests.tools import python_with, require_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e

PAGE = Path(__file__).with_name("page.html")
WINDOW = Path(__file__).parents[1] / "samples" / "tauri_window.py"
PROFILE = """
services:
  api: {stub: true, port: auto}
  down: {stub: true, port: auto, autostart: false}
routes:
  - {path: /api/*, service: api}
  - {path: /events, service: api, stream: true}
  - {path: /ws, service: api}
  - {path: /down, service: down}
"""


class PageServer:
    """Serves the page and takes its results."""

    def __init__(self) -> None:
        self.results: queue.Queue[dict[str, Any]] = queue.Queue()
        results = self.results

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = PAGE.read_bytes() if self.path.startswith("/?") else b""
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                results.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://localhost:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def page_server() -> Iterator[PageServer]:
    server = PageServer()
    yield server
    server.close()


def browse(url: str, folder: Path, server: PageServer) -> dict[str, Any]:
    """Open a page in a Chromium of its own and wait for what it reports."""
    chromium = subprocess.Popen(
        [require_tool("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         f"--user-data-dir={folder / 'profile'}", "--remote-debugging-port=0", url],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        return server.results.get(timeout=DEADLINE_S * 2)
    finally:
        chromium.terminate()
        chromium.wait(DEADLINE_S)


@contextmanager
def display() -> Iterator[str]:
    """A screen that nobody looks at."""
    read, write = os.pipe()
    screen = subprocess.Popen(
        [require_tool("Xvfb"), "-displayfd", str(write), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
        pass_fds=(write,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    try:
        with open(read) as number:
            yield f":{number.readline().strip()}"
    finally:
        screen.terminate()
        screen.wait(DEADLINE_S)


ALL_IS_WELL = {
    "json": {"status": 200, "id": True, "path": "/api/items"},
    "put": {"status": 200, "bytes": 5},
    "no_route": {"status": 404, "code": "no-route"},
    "stopped": {"status": 503, "code": "stopped"},
    "events": {"got": True},
    "websocket": {"text": "héllo", "protocol": "chat", "closed": [4001, "bye"]},
}


def test_a_page_meets_no_cors_error_whatever_happens(tmp_path: Path, page_server: PageServer) -> None:
    require_tool("chromium")
    (tmp_path / "devgate.yaml").write_text(f'gateway: {{cors: {{origins: ["{page_server.origin}"]}}}}\n{PROFILE}')
    with Up(("--port", "0"), tmp_path) as up:
        gateway = up.ready()
        assert browse(f"{page_server.origin}/?gateway={gateway}", tmp_path, page_server) == ALL_IS_WELL


def test_the_window_of_a_packaged_app_needs_no_setting(tmp_path: Path) -> None:
    python = python_with("gi")
    (tmp_path / "devgate.yaml").write_text(PROFILE)
    with display() as screen, Up(("--port", "0"), tmp_path) as up:
        shown = subprocess.run(
            [python, str(WINDOW), str(PAGE), f"gateway={up.ready()}"],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DISPLAY": screen, "NO_AT_BRIDGE": "1"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S * 2, check=False,
        )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout.splitlines()[-1]) == ALL_IS_WELL, shown.stdout
