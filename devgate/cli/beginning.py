"""The text of a first profile. Pure."""

from __future__ import annotations

import re
from typing import Final

import yaml

LONGEST: Final = 60
"""Characters of a service's name."""
_LINE: Final = re.compile(r"^([A-Za-z0-9_-]+):\s*(\S.*)$")
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_WEB: Final = ("web", "api", "server", "app")
"""What a Procfile calls the process that answers requests."""

_HEAD: Final = """\
# What devgate runs here, and where requests go. `devgate schema --markdown` explains every key; an editor does so, too, with
#   devgate schema > devgate.schema.json
#   # yaml-language-server: $schema=devgate.schema.json     as the first line of this file
version: 1
name: {name}

gateway:
  port: 8080                       # the one address that your front end talks to
  cors:
    origins: ["http://localhost:1420", "tauri://localhost", "http://tauri.localhost"]

services:
"""

_STAND_IN: Final = """\
  api:
    stub: true                     # a stand-in that answers everything; yours instead:
    # command: npm run server      # started with $PORT, stopped with all that it has started
    # cwd: ../server
    # ready: {http: /health}       # else: as soon as the port takes connections
    # watch: [src]                 # restarted when something changes; its requests wait meanwhile
    # depends_on: [database]
    port: auto                     # or a number
  # database: {url: "http://127.0.0.1:5432", ready: {tcp: 5432}}   # run by somebody else: only watched
"""


def document(folder: str, procfile: str) -> str:
    """A profile, named like its folder, that starts at once. It has the processes of a Procfile, where there are any."""
    name = _NO_NAME.sub("-", folder).strip("-.") or "development"
    commands = processes(procfile)
    text = _HEAD.format(name=_quoted(name))
    if not commands:
        return text + _STAND_IN + _routes("api")
    front = next((one for one in _WEB if one in commands), next(iter(commands)))
    for service, command in commands.items():
        # Who has a port is ready once it listens there; a worker never would.
        port = ", port: auto" if service == front or "PORT" in command else ""
        text += f"  {_plain(service)}: {{command: {_quoted(command)}{port}}}\n"
    return text + _routes(front)


def processes(procfile: str) -> dict[str, str]:
    """Name to command; what is no such line is passed over, and a name that comes again counts once, as with foreman."""
    found: dict[str, str] = {}
    for line in procfile.splitlines():
        if match := _LINE.match(line.strip()):
            found.setdefault(match[1].lower().replace("_", "-").strip("-")[:LONGEST] or "process", match[2])
    return found


def _plain(name: str) -> str:
    """A YAML scalar that is this name: `on`, `null` and `0` need quotes."""
    return name if yaml.safe_load(name) == name else _quoted(name)


def _quoted(text: str) -> str:
    """A YAML scalar in quotes, on one line."""
    return str(yaml.safe_dump(text, default_style='"', width=float("inf"))).strip()


def _routes(service: str) -> str:
    hint = "`devgate routes explain GET /some/path` says which one wins"
    return f"\nroutes:\n  - {{path: /*, service: {_plain(service)}}}        # {hint}\n"
