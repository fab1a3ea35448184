"""From a service's spec to what is handed to the operating system: program, environment, folder, port.

Everything that can be known to fail is found here, before there is a process.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from devgate.frozen import stub_command
from devgate.processes import MARK
from devgate.supervisor import command, environment, ports
from devgate.supervisor.refusal import CannotStartError

if TYPE_CHECKING:
    import socket
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from devgate.model.profile import Profile
    from devgate.model.service import ServiceSpec

LARGEST_VARIABLE = 128 * 1024 - 64
"""Linux takes no longer string in an environment (MAX_ARG_STRLEN)."""


@dataclass(frozen=True, slots=True)
class Window:
    """The size of a terminal, in cells."""

    columns: int = 120
    rows: int = 40


WINDOW: Final = Window()
"""Until a screen shows it."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One process to be."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    port: int | None
    stub: bool
    seen: Profile
    """The profile as this process sees it: with its own spec, and with the env files as they were just read."""
    window: Window | None = None
    """How large its terminal is; None: it gets pipes."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is the same for every service of this devgate."""

    folder: Path
    """Relative paths in a spec begin here: the project's folder."""
    environ: Mapping[str, str]
    overrides: Mapping[str, str]
    """`-e NAME=value`: beats everything."""
    mark: str
    """Tells this devgate's processes from all others."""
    all_stubs: bool


def is_stub(spec: ServiceSpec, around: Surroundings) -> bool:
    """Whether the stand-in runs instead of the service."""
    if around.all_stubs or spec.stands_in:
        return True
    if spec.url is not None or spec.missing == "block":
        return False
    cwd = folder_of(spec, around)
    return spec.command is None or not cwd.is_dir() or bool(command.missing(spec.command, cwd=cwd, env=around.environ))


def folder_of(spec: ServiceSpec, around: Surroundings) -> Path:
    return (around.folder / spec.cwd).resolve()


def prepare(
    name: str,
    replica: int,
    spec: ServiceSpec,
    *,
    profile: Profile,
    around: Surroundings,
    port: int | None,
    stub: bool,
    gateway_url: str,
    addresses: Mapping[str, str],
    window: Window = WINDOW,
) -> Launch:
    """Everything that a start needs.

    Args:
        port: where it is to listen, already found free.
        addresses: URL of each service it depends on, by name.
        window: the size of its terminal, if it wants one.

    Raises:
        CannotStartError: the folder, the program or an env file is not there.
    """
    known = {"DEVGATE_URL": gateway_url, "DEVGATE_SERVICE": name, MARK: mark_of(around, name, replica)}
    if port is not None:
        known["PORT"] = str(port)
    cwd = folder_of(spec, around)
    seen = profile.model_copy(update={"services": {**profile.services, name: spec}})
    if stub:
        if not cwd.is_dir():
            cwd = around.folder
        env = environment.build(around.environ, known=known, addresses={})
        env["DEVGATE_STUB"] = stub_document(name, spec, port)
        return Launch(tuple(stub_command(name)), env, cwd, port, stub=True, seen=seen)
    if not spec.command:
        raise CannotStartError(f"{name} has no command", hint="give it one, or `stub: true`", code="missing-command")
    if not cwd.is_dir():
        raise CannotStartError(f"folder {cwd} does not exist", hint=f"mend cwd of {name}", code="missing-cwd")
    files = {
        path: environment.read_file(around.folder / path, around.environ)
        for path in (*profile.env_file, *spec.env_file)
    }
    digests = {path: file.digests for path, file in files.items()}
    seen = seen.model_copy(update={"env_digests": {**profile.env_digests, **digests}})
    env = environment.build(
        environment.in_a_terminal(around.environ) if spec.tty else around.environ,
        files=[files[path].values for path in profile.env_file],
        env=profile.env,
        service_files=[files[path].values for path in spec.env_file],
        known=known,
        addresses={environment.address_variable(other): url for other, url in addresses.items()},
        service_env=spec.env,
        overrides=around.overrides,
    )
    env[MARK] = known[MARK]
    if program := command.missing(spec.command, cwd=cwd, env=env):
        if "/" in program and (cwd / program).is_file():
            raise CannotStartError(f"{program} is not executable", hint=f"chmod +x {program}", code="not-executable")
        raise CannotStartError(
            f"{program} is not on this machine",
            hint="install it or mend command; `missing: stub` or --stub runs a stand-in instead",
            code="missing-command",
        )
    argv = tuple(command.argv(spec.command))
    return Launch(argv, env, cwd, port, stub=False, seen=seen, window=window if spec.tty else None)


def choose_port(
    spec: ServiceSpec, replica: int, *, stub: bool, replace: bool, before: int | None, avoid: Collection[int]
) -> tuple[int | None, socket.socket | None]:
    """The port of the next run, and for one that was free by chance the socket that holds it until then.

    Args:
        replace: a taken port is replaced by a free one.
        before: what it had before; kept where the choice is ours.
        avoid: never chosen: other services will want them.

    Raises:
        CannotStartError: the port that the profile names is taken.
    """
    if isinstance(spec.port, int):
        port = spec.port + replica
        if not ports.taken(port):
            return port, None
        if not replace:
            raise CannotStartError(
                f"port {port} is taken by {ports.owner(port) or 'somebody'}",
                hint="`devgate take-port` ends that process and starts the service; `devgate adopt` takes it for the service",
                code="port-in-use",
            )
    elif spec.port is None and not stub:
        return None, None
    if before is not None and before not in avoid and not ports.taken(before):
        return before, None
    held = ports.reserve(avoid)
    return held.getsockname()[1], held


def mark_of(around: Surroundings, name: str, replica: int) -> str:
    """Value of the mark of one replica's processes. Ends with a sign that no name holds, so that none begins another."""
    return f"{around.mark}:{name}#{replica};"


def health_path(spec: ServiceSpec) -> str:
    """Where the stand-in answers health: the path that the real one is asked on."""
    if spec.ready.http is None:
        return "/health"
    return urlsplit(spec.ready.http).path or "/"


def stub_document(name: str, spec: ServiceSpec, port: int | None) -> str:
    """What the stand-in is told, as JSON (`devgate.stub.config`).

    Raises:
        CannotStartError: the canned answers are too large for the environment.
    """
    stub = spec.stub_spec
    document: dict[str, Any] = {
        "name": name,
        "port": port or 0,
        "health": health_path(spec),
        "version": stub.version,
        "ready_after": stub.ready_after,
        "latency": stub.latency,
        "fail": stub.fail,
        "fail_status": stub.fail_status,
        "crash_after": stub.crash_after,
        "responses": [answer.model_dump(mode="json") for answer in stub.responses],
    }
    text = json.dumps({key: value for key, value in document.items() if value is not None}, separators=(",", ":"))
    if len(text) > LARGEST_VARIABLE:
        raise CannotStartError(
            f"the canned answers of {name} take {len(text)} bytes; {LARGEST_VARIABLE} are possible",
            hint="shorten stub.responses",
            code="stub-too-large",
        )
    return text
