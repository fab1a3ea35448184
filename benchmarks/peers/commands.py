"""How each proxy that devgate is measured against is started, as well as it can be: one process, kept connections."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent

NGINX = """\
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; keepalive_requests 10000000;
  upstream items {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 10000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://items; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""
CADDY = """\
{{
  admin off
  auto_https off
}}
http://127.0.0.1:{port} {{
  reverse_proxy 127.0.0.1:{upstream}
}}
"""


@dataclass(frozen=True)
class Place:
    """Where one peer runs."""

    folder: Path
    """Its own; for settings and what npm fetches."""
    port: int
    upstream: int


def client_session(place: Place) -> list[str]:
    return [sys.executable, str(HERE / "client_session.py"), str(place.port), str(place.upstream)]


def http_proxy(place: Place) -> list[str]:
    _fetch(place, "http-proxy@1.18.1")
    return ["node", str(HERE / "http_proxy.js"), str(place.port), str(place.upstream)]


def vite(place: Place) -> list[str]:
    _fetch(place, "vite@5")
    return ["node", str(HERE / "vite.mjs"), str(place.port), str(place.upstream)]


def caddy(place: Place) -> list[str]:
    settings = place.folder / "Caddyfile"
    settings.write_text(CADDY.format(port=place.port, upstream=place.upstream))
    return ["caddy", "run", "--config", str(settings), "--adapter", "caddyfile"]


def nginx(place: Place) -> list[str]:
    settings = place.folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=place.folder, port=place.port, upstream=place.upstream))
    return ["nginx", "-c", str(settings), "-e", str(place.folder / "nginx.log")]


def _fetch(place: Place, package: str) -> None:
    """From wherever npm is set up to fetch from."""
    subprocess.run(
        ["npm", "install", "--silent", "--no-save", "--no-package-lock", "--prefix", str(place.folder), package],
        check=True,
    )


PEERS: dict[str, tuple[str, Callable[[Place], list[str]]]] = {
    "client_session": ("taskset", client_session),
    "http_proxy": ("npm", http_proxy),
    "vite": ("npm", vite),
    "caddy": ("caddy", caddy),
    "nginx": ("nginx", nginx),
}
"""By name: the program that it needs, and how it is started."""


def available() -> list[str]:
    """The peers whose program is on this machine."""
    return [name for name, (program, _) in PEERS.items() if shutil.which(program)]


def environment(place: Place) -> dict[str, str]:
    """A proxy's environment: nothing of devgate's settings, and what npm has fetched."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DEVGATE_")}
    return {**kept, "NODE_PATH": str(place.folder / "node_modules"), "GOMAXPROCS": "1"}
