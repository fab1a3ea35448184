"""An aiohttp proxy done well: low-level server, one pooled ClientSession, streaming, nothing decompressed.

python benchmarks/peers/client_session.py PORT UPSTREAM_PORT
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from yarl import URL

HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection"}


async def main() -> None:
    port, upstream = int(sys.argv[1]), int(sys.argv[2])
    session = ClientSession(
        connector=TCPConnector(limit=0),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        timeout=ClientTimeout(total=None),
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
    )

    async def proxy(request: web.BaseRequest) -> web.StreamResponse:
        url = URL(f"http://127.0.0.1:{upstream}{request.raw_path}", encoded=True)
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP]
        body = request.content if request.can_read_body else None
        async with session.request(request.method, url, headers=headers, data=body, allow_redirects=False) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for name, value in answer.headers.items():
                if name.lower() not in HOP:
                    response.headers.add(name, value)
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    runner = web.ServerRunner(web.Server(proxy, access_log=None, auto_decompress=False))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
