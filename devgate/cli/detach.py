"""`devgate up -d`: the same devgate in a session of its own, watched until it listens (or everything is ready)."""

from __future__ import annotations

import asyncio
import json
import os
import select
import subprocess
from typing import TYPE_CHECKING, Any

import click

from devgate.cli.client import connect
from devgate.cli.launch import go_over, prepare, take
from devgate.cli.wait import reach
from devgate.clock import SystemClock
from devgate.errors import Exit, StartError
from devgate.escape import visible
from devgate.frozen import VARIABLES, child_env, own_command
from devgate.runfile import already_running, exposed_at, read, starting, state_folder, vacate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devgate.cli.launch import Request

LISTEN_WITHIN_S = 30.0
LOG = "devgate.log"


def launch_detached(request: Request, wait_s: float | None) -> int:
    """Start devgate in the background; returns when its gateway listens, with `wait_s` when every service is ready."""
    loaded = prepare(request)  # problems and questions belong to this terminal
    state = state_folder(loaded.folder)
    unusable = exposed_at(state)
    if unusable is not None:
        raise unusable
    running = read(state)
    if running is not None and running.alive:
        if not go_over(running, loaded, request):
            raise already_running(running)
        if wait_s is not None:
            asyncio.run(reach(connect(running), (), "ready", wait_s))
        return Exit.OK
    if request.take_port:  # who is ended is said here; the one in the background only has a log
        for one in take(loaded, request):
            one.close()
    # Agreement is on record by now, to exactly this: what the file says later is refused like anywhere else.
    arguments = ["up", loaded.ref, "--json", "--project", str(request.folder)]
    arguments += _options(request)
    with open(os.open(state / LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as errors:
        process = subprocess.Popen(
            own_command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            # A one-file bundle unpacks anew: our folder is gone when we are.
            env={**child_env(os.environ), VARIABLES: json.dumps(dict(request.env))},
        )
    return _follow(process, state, wait_s)


def _options(request: Request) -> Iterator[str]:
    flags = {
        "--trust": request.trust,
        "--auto-ports": request.auto_ports,
        "--take-port": request.take_port,
        "--no-deps": request.no_deps,
        "--stub": request.all_stubs,
        "--expose": request.expose,
        "--exit-on-fail": request.exit_on_fail,
    }
    yield from (flag for flag, on in flags.items() if on)
    if request.port is not None:
        yield f"--port={request.port}"
    if request.parent_pid is not None:
        yield f"--parent-pid={request.parent_pid}"
    yield from (f"--only={name}" for name in sorted(request.only))
    yield from (f"--except={name}" for name in sorted(request.without))


def _follow(process: subprocess.Popen[bytes], state: Path, wait_s: float | None) -> int:
    assert process.stdout is not None
    clock = SystemClock()
    deadline = clock.now() + (LISTEN_WITHIN_S if wait_s is None else wait_s)
    buffer = b""
    while (left := deadline - clock.now()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            break
        data = os.read(process.stdout.fileno(), 65536)
        if not data:
            return _ended(process, state)
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            event: dict[str, Any] = json.loads(line)
            match event["event"]:
                case "listening":
                    _say_where(event["url"], state)
                    click.echo(
                        visible(f"devgate runs at {event['url']} with profile {event['profile']} (pid {event['pid']})")
                    )
                    if wait_s is None:
                        return Exit.OK
                case "ready":
                    click.echo("every service is ready")
                    return Exit.OK
                case "failed":
                    return _failed(event["services"])
    click.echo("not ready in time; it goes on running, see `devgate status`", err=True)
    return Exit.TIMEOUT


def _say_where(url: str, state: Path) -> None:
    """That it is not where it should be, and why (`--auto-ports`), it has said to its log only."""
    for line in (state / LOG).read_text(errors="replace").splitlines():
        if url in line:
            click.echo(visible(line), err=True)


def _failed(services: dict[str, dict[str, str]]) -> int:
    for name, found in services.items():
        click.echo(f"{name} is {found['state']}: {visible(found['cause'])}", err=True)
    click.echo("devgate goes on running; `devgate down` ends it", err=True)
    blocked = any(found["state"] == "blocked" for found in services.values())
    return Exit.SERVICE_BLOCKED if blocked else Exit.SERVICE_FAILED


def _ended(process: subprocess.Popen[bytes], state: Path) -> int:
    """It ended before it was up: what it said is the error, line by line."""
    code = process.wait()
    said = (state / LOG).read_text(errors="replace").strip()
    with starting(state):  # where somebody else starts meanwhile, the folder is theirs
        vacate(state, LOG)
    if not said:
        raise StartError(f"devgate ended at once with exit code {code}", exit_code=code or Exit.SERVICE_FAILED)
    for line in said.splitlines():
        click.echo(visible(line), err=True)
    return code or Exit.SERVICE_FAILED
