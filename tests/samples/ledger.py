"""A service that writes the id of each POST into a file before it answers: proof of how often each one arrived.

python ledger.py FILE [BOOT_SECONDS [ANSWER_SECONDS]]      listens on $PORT after a boot, and answers after a while
"""

from __future__ import annotations

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Ledger(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Head and body leave with one write: whenever it is killed, an answer has left as a whole or not at all."""

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, f"{self.headers['X-Id']}\n".encode())
        os.close(file)
        self.answer()

    def answer(self) -> None:
        time.sleep(float(sys.argv[3]) if len(sys.argv) > 3 else 0)
        body = self.headers.get("X-Id", "").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


if __name__ == "__main__":
    time.sleep(float(sys.argv[2]) if len(sys.argv) > 2 else 0)
    Server(("127.0.0.1", int(os.environ["PORT"])), Ledger).serve_forever()
