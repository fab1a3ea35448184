"""`python -m devgate.stub NAME`, and `devgate stub NAME`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

from devgate import __version__
from devgate.stub.config import VARIABLE, ConfigError, StubConfig, parse_document
from devgate.stub.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BAD_CONFIG: Final = 2
CANNOT_LISTEN: Final = 4

_EPILOG: Final = f"""\
Seconds may carry a unit: 300ms, 2s. The variable {VARIABLE} holds the same settings as a JSON object
(port, ready_after, fail_status, crash_after_requests, ...) and also "responses", a list of answers:
  {{"path": "/api/users/{{id}}", "method": "GET", "status": 200, "body": {{"id": 1}}}}

What it answers:
  the health path              {{"status", "service", "sharedKnowledgeVersion"}}
  /api/shared-knowledge/status {{"version", "lastUpdated"}}
  /events                      server-sent events; ?interval=0.5&count=3&heartbeat=5
  any WebSocket                an echo
  everything else              the request itself, as JSON
Switches, while it runs:
  curl http://127.0.0.1:PORT/_stub
  curl http://127.0.0.1:PORT/_stub -d '{{"latency": "300ms", "fail": 0.25, "version": "1.1.0"}}'
  curl http://127.0.0.1:PORT/_stub -d '{{"health": "unhealthy"}}'      or healthy, degraded
  curl http://127.0.0.1:PORT/_stub -d '{{"crash": true}}'
Exit: 0 stopped; 2 settings it cannot use; 4 the port cannot be had; --exit-code after a crash.
"""


def main(argv: Sequence[str]) -> int:
    """Run a stub until it is stopped; the exit code."""
    errors = Journal(None if sys.stderr is None else sys.stderr.fileno())
    try:
        config = _configure(_parser().parse_args(argv), os.environ)
    except ConfigError as error:
        errors.say(f"stub: {error}")
        return BAD_CONFIG
    for number in (signal.SIGTERM, signal.SIGINT):
        # Told to stop while it still imports: the same clean end as later.
        signal.signal(number, lambda *_: os._exit(0))
    # Not above: `--help` and bad settings need none of it.
    import asyncio

    from devgate.stub import server

    try:
        listener = server.bind(config.host, config.port)
    except server.ListenError as error:
        errors.say(f"stub {config.name}: {error}")
        return CANNOT_LISTEN
    asyncio.run(server.serve(config, listener, Journal(None if sys.stdout is None else sys.stdout.fileno())))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="devgate stub",
        description="Stand in for a service: a process with a real port that answers everything.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"devgate stub {__version__}")
    parser.add_argument("name", metavar="NAME", nargs="?", help="the service it stands in for")
    parser.add_argument(
        "--port", type=int, help="port to listen on; default $PORT, else 0: a free one, which is printed"
    )
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--health", metavar="PATH", help="path of the health answer (default /health)")
    parser.add_argument(
        "--knowledge-version", metavar="VERSION", dest="version", help="version it reports (default 1.0.0)"
    )
    parser.add_argument("--ready-after", metavar="TIME", help="answer 503 with status starting for so long")
    parser.add_argument("--latency", metavar="TIME", help="wait so long before each answer")
    parser.add_argument(
        "--fail", metavar="RATIO", type=float, help="share of requests that fail, 0 to 1, spread evenly"
    )
    parser.add_argument("--fail-status", metavar="STATUS", type=int, help="status of those (default 503)")
    parser.add_argument("--crash-after", metavar="TIME", help="crash so long after the start")
    parser.add_argument("--crash-after-requests", metavar="N", type=int, help="crash at the request after the Nth")
    parser.add_argument("--exit-code", metavar="CODE", type=int, help="what a crash ends with (default 1)")
    return parser


def _configure(flags: argparse.Namespace, environ: Mapping[str, str]) -> StubConfig:
    """Flags over the variable over `PORT`."""
    document: dict[str, object] = {}
    if (port := environ.get("PORT")) is not None:
        if not (port.isascii() and port.isdigit()):
            raise ConfigError(f"PORT: expected a port number in the environment, got {port!r}")
        document["port"] = int(port)
    if text := environ.get(VARIABLE):
        try:
            document |= {key: value for key, value in parse_document(text).items() if value is not None}
        except ConfigError as error:
            raise ConfigError(f"{VARIABLE}: {error}") from error
    document |= {key: value for key, value in vars(flags).items() if value is not None}
    return StubConfig.from_document(document)


if __name__ == "__main__":
    # Nothing is left to be flushed, and taking the interpreter down in order would cost 30 ms more: nine stubs stop at once.
    os._exit(main(sys.argv[1:]))
