"""A real Chromium page on another port of localhost, as `tauri dev` serves it; the gateway, and real services behind it."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.deadline import DEADLINE_S
from tests.e2e.harness import Up
from tests.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e

PAGE = Path(__file__).with_name("page.html")
PROFILE = """
gateway: {cors: {origins: ["PAGE"]}}
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


def test_a_page_meets_no_cors_error_whatever_happens(tmp_path: Path, page_server: PageServer) -> None:
    require_tool("chromium")
    (tmp_path / "devgate.yaml").write_text(PROFILE.replace("PAGE", page_server.origin))
    with Up(("--port", "0"), tmp_path) as up:
        gateway = up.ready()
        results = browse(f"{page_server.origin}/?gateway={gateway}", tmp_path, page_server)
    assert results == {
        "json": {"status": 200, "id": True, "path": "/api/items"},
        "put": {"status": 200, "bytes": 5},
        "no_route": {"status": 404, "code": "no-route"},
        "stopped": {"status": 503, "code": "stopped"},
        "events": {"got": True},
        "websocket": {"text": "héllo", "protocol": "chat", "closed": [4001, "bye"]},
    }
