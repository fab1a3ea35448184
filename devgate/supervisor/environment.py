"""The environment a service runs in, and where each layer of it comes from.

Later layers win: what devgate inherited, the profile's env files, the profile's `env`, the service's env files, what devgate
itself knows (`PORT`, addresses), the service's `env`, the command line's `-e`. Files are read at every start: an edited `.env`
counts from the next restart on.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from devgate.frozen import child_env
from devgate.supervisor.refusal import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from devgate.model.profile import Environment


def build(
    inherited: Mapping[str, str],
    *,
    files: Iterable[Path] = (),
    env: Environment | None = None,
    service_files: Iterable[Path] = (),
    known: Mapping[str, str],
    addresses: Mapping[str, str],
    service_env: Environment | None = None,
    overrides: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """All layers as one.

    Args:
        known: what devgate knows about this run (`PORT`, `DEVGATE_URL`, ...): beats files, yields to the service's `env`.
        addresses: `<NAME>_URL` of what it depends on: only where nobody has set that name.

    Raises:
        CannotStartError: an env file is missing or cannot be read.
    """
    result = child_env(inherited)
    for path in files:
        result |= read_file(path)
    _lay(result, env or {})
    for path in service_files:
        result |= read_file(path)
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


def read_file(path: Path) -> dict[str, str]:
    """The variables of one env file. `${NAME}` in it is not expanded: the profile is where values are put together.

    Raises:
        CannotStartError: it is missing, unreadable, or a line of it is neither a comment nor `NAME=value`.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise CannotStartError(
            f"env file {path} does not exist", hint="create it, or take it out of env_file", code="missing-env-file"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStartError(f"env file {path} cannot be read: {error}", code="bad-env-file") from error
    found: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise CannotStartError(
                f"env file {path}, line {binding.original.line}: expected NAME=value", code="bad-env-file"
            )
        if binding.key is not None and binding.value is not None:
            found[binding.key] = binding.value
    return found


def address_variable(service: str) -> str:
    """`fechatter-server` is found in `FECHATTER_SERVER_URL`."""
    return re.sub(r"[^A-Z0-9]", "_", service.upper()) + "_URL"


def _lay(result: dict[str, str], env: Environment) -> None:
    for name, value in env.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
