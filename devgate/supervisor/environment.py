"""The environment a service runs in, and where each layer of it comes from.

Later layers win: what devgate inherited, the profile's env files, the profile's `env`, the service's env files, what devgate
itself knows (`PORT`, addresses), the service's `env`, the command line's `-e`. Files are read at every start: an edited `.env`
counts from the next restart on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devgate.errors import ProfileError
from devgate.frozen import child_env
from devgate.profile.envfile import read_env_file
from devgate.profile.problems import faults_of
from devgate.supervisor.refusal import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from devgate.model.text import Environment
    from devgate.profile.envfile import EnvFile


def build(
    inherited: Mapping[str, str],
    *,
    files: Iterable[Mapping[str, str]] = (),
    env: Environment | None = None,
    service_files: Iterable[Mapping[str, str]] = (),
    known: Mapping[str, str],
    addresses: Mapping[str, str],
    service_env: Environment | None = None,
    overrides: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """All layers as one.

    Args:
        files: what stands in the profile's env files; `service_files`: in the service's.
        known: what devgate knows about this run (`PORT`, `DEVGATE_URL`, ...): beats files, yields to the service's `env`.
        addresses: `<NAME>_URL` of what it depends on: only where nobody has set that name.
    """
    result = child_env(inherited)
    for values in files:
        result |= values
    _lay(result, env or {})
    for values in service_files:
        result |= values
    result |= known
    for name, value in addresses.items():
        result.setdefault(name, value)
    # Off a terminal Python holds its output back and others drop their colours; both are wanted here.
    result.setdefault("PYTHONUNBUFFERED", "1")
    if "NO_COLOR" not in result:
        result.setdefault("FORCE_COLOR", "1")
    _lay(result, service_env or {})
    result |= overrides or {}
    return result


def in_a_terminal(inherited: Mapping[str, str]) -> dict[str, str]:
    """What is inherited by a service with a terminal of its own: nothing that describes the one that devgate runs in."""
    kept = {name: value for name, value in inherited.items() if name not in ("COLUMNS", "LINES")}
    return kept | {"TERM": "xterm-256color"}


def read_file(path: Path, environ: Mapping[str, str]) -> EnvFile:
    """An env file as it is now, read as the loader of profiles reads it.

    Raises:
        CannotStartError: it is missing, unreadable, or a line of it is neither a comment nor `NAME=value`.
    """
    try:
        return read_env_file(path, environ)
    except ProfileError as error:
        if not path.exists():
            raise CannotStartError(
                f"env file {path} does not exist", hint="create it, or take it out of env_file", code="missing-env-file"
            ) from error
        fault = faults_of(error)[0]  # without the line itself, which may hold a secret
        where = f", line {fault.line}" if fault.line else ""
        raise CannotStartError(f"env file {path}{where}: {fault.message}", code="bad-env-file") from error


def address_variable(service: str) -> str:
    """`fechatter-server` is found in `FECHATTER_SERVER_URL`."""
    return re.sub(r"[^A-Z0-9]", "_", service.upper()) + "_URL"


def _lay(result: dict[str, str], env: Environment) -> None:
    for name, value in env.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
