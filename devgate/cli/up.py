"""`devgate up`: what may be asked; `launch` does it, `detach` does it in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from devgate.cli import words
from devgate.cli.values import DURATION, VARIABLE, WaitCommand

if TYPE_CHECKING:
    from collections.abc import Callable


def start_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What `up` and `run` both may be told about the start."""
    for decorate in reversed(
        (
            click.option("--fallback", metavar="NAME", help="Start this profile if the other one does not load."),
            click.option("--port", type=click.IntRange(0, 65535), help="Port of the gateway; 0 takes a free one."),
            click.option("--auto-ports", is_flag=True, help="Take a free port wherever one is taken."),
            click.option("--take-port", is_flag=True, help="End whoever holds a port that is needed, and take it."),
            click.option("--only", multiple=True, metavar="SVC", help="Start only these services and what they need."),
            click.option("--except", "without", multiple=True, metavar="SVC", help="Start all services but these."),
            click.option("--no-deps", is_flag=True, help="Start services without what they need."),
            click.option("--stub", "all_stubs", is_flag=True, help="Run every service as a stand-in."),
            click.option(
                "-e", "--env", multiple=True, type=VARIABLE, metavar="K=V", help="Set a variable for every service."
            ),
            click.option(
                "--trust",
                is_flag=True,
                help="Agree to what the profile runs, now and when its files change, until this devgate ends.",
            ),
            click.option("--expose", is_flag=True, help="Allow a profile that listens beyond loopback."),
            click.option(
                "--exit-on-fail", is_flag=True, help="Stop everything, with exit 1, when a service has failed."
            ),
            click.option(
                "--project",
                type=click.Path(exists=True, file_okay=False),
                default=".",
                help="Where to look; default: here.",
            ),
        )
    ):
        function = decorate(function)
    return function


@click.command("up", cls=WaitCommand)
@click.argument("profile", required=False, shell_complete=words.profiles)
@click.option("--no-tui", is_flag=True, help="Plain prefixed lines instead of the screen.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout; implies --no-tui.")
@click.option("-d", "--detach", is_flag=True, help="Run in the background.")
@click.option(
    "--wait", "wait_s", type=DURATION, metavar="[=60s]",
    help="With -d: return when every service is ready.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would start, in which order, and what would be blocked.")
@click.option("--yes", "-y", is_flag=True, help="Where devgate runs another profile here: switch it to this one.")
@start_options
@click.option("--exit-code-from", metavar="SVC", help="Stop everything when this service ends, with its exit code.")
@click.option("--watch-stdin", is_flag=True, help="Stop at the end of stdin, or at a line `shutdown`.")
@click.option("--parent-pid", type=click.IntRange(min=1), metavar="N", help="Stop when this process has ended.")
def command(
    profile: str | None,
    detach: bool,
    wait_s: float | None,
    dry_run: bool,
    yes: bool,
    no_tui: bool,
    as_json: bool,
    watch_stdin: bool,
    parent_pid: int | None,
    exit_code_from: str | None,
    **start: Any,
) -> int:
    """Start the services of PROFILE and one gateway in front of them.

    PROFILE is a name (demo), a set and a name (fechatter/development) or a path. Without it devgate takes $DEVGATE_PROFILE,
    devgate.yaml here or in a parent folder, ./profiles, or else the demo. Where that profile runs here already, its screen is
    shown.
    """
    import sys

    hold_collector()
    from devgate.cli.launch import Request, launch

    if wait_s is not None and not detach:
        raise click.UsageError("--wait goes with -d; use `devgate wait` for a devgate that runs already")
    if detach and (watch_stdin or exit_code_from):
        raise click.UsageError(
            "--watch-stdin and --exit-code-from do not go with -d: nobody stays to give or take them"
        )
    plain = no_tui or as_json or detach or watch_stdin
    request = Request(
        ref=profile,
        screen=not plain and all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)),
        as_json=as_json,
        switch=yes,
        exit_code_from=exit_code_from,
        watch_stdin=watch_stdin,
        parent_pid=parent_pid,
        **chosen(**start),
    )
    if dry_run:
        from devgate.cli.rehearsal import rehearse

        return rehearse(request)
    if detach:
        from devgate.cli.detach import launch_detached

        return launch_detached(request, wait_s)
    return launch(request)


def hold_collector() -> None:
    """Until the engine runs. What is imported meanwhile is no garbage, and to look for some in it again and again is a tenth of
    the start."""
    import gc

    gc.disable()


def chosen(
    *,
    project: str,
    only: tuple[str, ...],
    without: tuple[str, ...],
    env: tuple[tuple[str, str], ...],
    **plain: Any,
) -> dict[str, Any]:
    """`start_options` as fields of a `launch.Request`."""
    from pathlib import Path

    if plain["auto_ports"] and plain["take_port"]:
        raise click.UsageError("--auto-ports gives way where a port is taken, --take-port does not: choose one")
    return {
        **plain,
        "folder": Path(project).absolute(),
        "only": frozenset(only),
        "without": frozenset(without),
        "env": {**_handed_over(), **dict(env)},
    }


def _handed_over() -> dict[str, str]:
    """`-e` of the `up -d` that has started this one."""
    import json
    import os

    from devgate.frozen import VARIABLES

    return dict(json.loads(os.environ.get(VARIABLES, "{}")))
