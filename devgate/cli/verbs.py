"""All verbs with their one-line help, so that `devgate --help` imports none of them."""

from __future__ import annotations

from importlib import import_module

import click

from devgate import __version__

VERBS = {
    "up": "Start the services and the gateway, and show them.",
    "down": "Stop a running devgate and everything it runs.",
    "run": "Start everything, run a command, stop everything.",
    "attach": "Open the screen of a devgate that runs in the background.",
    "status": "Show services, health and traffic.",
    "health": "Say how everything is, with an exit code.",
    "start": "Start services.",
    "stop": "Stop services.",
    "restart": "Restart services.",
    "adopt": "Take who runs on a service's port for the service.",
    "take-port": "End who holds a service's port, and start it.",
    "logs": "Show what services print.",
    "wait": "Wait until services are in a state.",
    "switch": "Switch to another profile, with a plan.",
    "reload": "Read the profile again, with a plan.",
    "routes": "List routes, or explain which one a request takes.",
    "open": "Open a route in the browser.",
    "hits": "Show requests and errors of each route.",
    "requests": "List requests, or show one; HAR, curl.",
    "faults": "Have requests of a route come late, fail, break off or crawl.",
    "breakers": "Show the services' circuit breakers, close one, or overrule it.",
    "cache": "Show how many answers are kept, or drop them.",
    "sync": "Check shared-knowledge versions.",
    "init": "Write a devgate.yaml to begin with.",
    "check": "Validate a profile.",
    "config": "Print a resolved profile with the origin of each value.",
    "doctor": "Look for what stands in the way of a start.",
    "prune": "End what killed devgates have left behind.",
    "schema": "Print the JSON Schema of profiles.",
    "stub": "Run a stand-in service.",
    "completion": "Print the completion script of a shell.",
}
"""Verb to one line of help, in the order in which people meet them; the module has the verb's name,
with `_` for `-`."""


class LazyGroup(click.Group):
    """Imports a verb's module when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS or cmd_name == "stub":  # main() has taken `stub` before click was loaded
            return None
        command = import_module(f"devgate.cli.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], VERBS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "; see devgate --help"
            raise click.UsageError(f"unknown command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(__version__, "-V", "--version", prog_name="devgate", message="%(prog)s %(version)s")
def cli() -> None:
    """devgate runs your local services, stands in front of them, and shows what happens.

    Begin with `devgate up demo`.
    """
