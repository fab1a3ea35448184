"""`devgate up`: what may be asked; `launch` does it, `detach` does it in the background."""

from __future__ import annotations

import click

from devgate.cli.values import DURATION, VARIABLE


@click.command("up")
@click.argument("profile", required=False)
@click.option("--no-tui", is_flag=True, help="Plain prefixed lines instead of the screen.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout; implies --no-tui.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the gateway; 0 takes a free one.")
@click.option("--auto-ports", is_flag=True, help="Take a free port wherever one is taken.")
@click.option("--only", multiple=True, metavar="SVC", help="Start only these services and what they need.")
@click.option("--stub", "all_stubs", is_flag=True, help="Run every service as a stand-in.")
@click.option("-e", "--env", multiple=True, type=VARIABLE, metavar="K=V", help="Set a variable for every service.")
@click.option("--trust", is_flag=True, help="Run a profile that is new here without asking.")
@click.option("--expose", is_flag=True, help="Allow a profile that listens beyond loopback.")
@click.option("-d", "--detach", is_flag=True, help="Run in the background.")
@click.option(
    "--wait", "wait_s", is_flag=False, flag_value="60s", type=DURATION, metavar="[=60s]",
    help="With -d: return when every service is ready.",
)  # fmt: skip
@click.option(
    "--project", type=click.Path(exists=True, file_okay=False), default=".", help="Where to look; default: here."
)
def command(
    profile: str | None,
    no_tui: bool,
    as_json: bool,
    port: int | None,
    auto_ports: bool,
    only: tuple[str, ...],
    all_stubs: bool,
    env: tuple[tuple[str, str], ...],
    trust: bool,
    expose: bool,
    detach: bool,
    wait_s: float | None,
    project: str,
) -> int:
    """Start the services of PROFILE and one gateway in front of them.

    PROFILE is a name (demo), a set and a name (fechatter/development) or a path. Without it devgate takes $DEVGATE_PROFILE,
    devgate.yaml here or in a parent folder, ./profiles, or else the demo.
    """
    import sys
    from pathlib import Path

    from devgate.cli.launch import Request, launch

    if wait_s is not None and not detach:
        raise click.UsageError("--wait goes with -d; use `devgate wait` for a devgate that runs already")
    request = Request(
        ref=profile,
        folder=Path(project).absolute(),
        screen=not (no_tui or as_json or detach) and all(s.isatty() for s in (sys.stdin, sys.stdout, sys.stderr)),
        as_json=as_json,
        port=port,
        auto_ports=auto_ports,
        only=frozenset(only) or None,
        all_stubs=all_stubs,
        trust=trust,
        expose=expose,
        env=dict(env),
    )
    if detach:
        from devgate.cli.detach import launch_detached

        return launch_detached(request, wait_s)
    return launch(request)
