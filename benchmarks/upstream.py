"""The service behind every proxy measured: answers each request with 1 KiB of JSON as fast as Python can.

    python benchmarks/upstream.py PORT

Requests of the benchmark have no body, so a request is whatever ends with an empty line; `/large` answers 10 MiB.
"""

from __future__ import annotations

import asyncio
import sys

BODY = b'{"items":"' + b"x" * 1012 + b'"}'
SMALL = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
PIECE = b"x" * 65536
LARGE = 10 * 2**20


class Upstream(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.rest = b""
        self.left = 0

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        *requests, self.rest = data.split(b"\r\n\r\n")
        small = 0
        for request in requests:
            if request.startswith(b"GET /large"):
                self.left = LARGE
                self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
                self.resume_writing()
            else:
                small += 1
        if small:
            self.transport.write(SMALL * small)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        while self.left and not self.paused:
            piece = PIECE[: self.left]
            self.left -= len(piece)
            self.transport.write(piece)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
