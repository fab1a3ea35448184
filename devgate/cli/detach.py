"""`devgate up -d`: the same devgate in a session of its own, watched until it listens (or everything is ready)."""

from __future__ import annotations

import json
import os
import select
import subprocess
from typing import TYPE_CHECKING, Any

import click

from devgate.cli.launch import prepare
from devgate.clock import SystemClock
from devgate.errors import Exit, StartError
from devgate.frozen import child_env, own_command
from devgate.runfile import already_running, read, state_folder

if TYPE_CHECKING:
    from pathlib import Path

    from devgate.cli.launch import Request

LISTEN_WITHIN_S = 30.0
LOG = "devgate.log"


def launch_detached(request: Request, wait_s: float | None) -> int:
    """Start devgate in the background; returns when its gateway listens, with `wait_s` when every service is ready."""
    loaded = prepare(request)  # problems and questions belong to this terminal
    state = state_folder(loaded.folder)
    running = read(state)
    if running is not None and running.alive:
        raise already_running(running)
    arguments = ["up", loaded.ref, "--json", "--trust", "--project", str(request.folder)]
    arguments += ["--port", str(request.port)] if request.port is not None else []
    arguments += [flag for flag, on in _flags(request) if on]
    arguments += [f"--only={name}" for name in sorted(request.only or ())]
    arguments += [f"--env={name}={value}" for name, value in request.env.items()]
    with open(os.open(state / LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as errors:
        process = subprocess.Popen(
            own_command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            env=child_env(os.environ),  # a one-file bundle unpacks anew: our folder is gone when we are
        )
    return _follow(process, state, wait_s)


def _flags(request: Request) -> list[tuple[str, bool]]:
    return [("--auto-ports", request.auto_ports), ("--stub", request.all_stubs), ("--expose", request.expose)]


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
                    click.echo(f"devgate runs at {event['url']} with profile {event['profile']} (pid {event['pid']})")
                    if wait_s is None:
                        return Exit.OK
                case "ready":
                    click.echo("every service is ready")
                    return Exit.OK
                case "failed":
                    for name, cause in event["services"].items():
                        click.echo(f"{name}: {cause}", err=True)
                    click.echo("it goes on running; `devgate down` ends it", err=True)
                    return Exit.SERVICE_FAILED
    click.echo("not ready in time; it goes on running, see `devgate status`", err=True)
    return Exit.TIMEOUT


def _ended(process: subprocess.Popen[bytes], state: Path) -> int:
    """It ended before it was up: what it said is the error."""
    code = process.wait()
    said = (state / LOG).read_text(errors="replace").strip().removeprefix("devgate: ")
    raise StartError(said or f"devgate ended at once with exit code {code}", exit_code=code or Exit.SERVICE_FAILED)
