"""`devgate logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from devgate.cli import words
from devgate.cli.client import check_names, converse, json_option, project_option
from devgate.cli.values import DURATION

if TYPE_CHECKING:
    from devgate.cli.loglines import Filter, Print
    from devgate.model.query import LogSlice
    from devgate.remote.control import RemoteControl

MOST: Final = 10_000
AGAIN_S: Final = 0.2


@click.command("logs")
@click.argument("services", nargs=-1, metavar="[SVC]...", shell_complete=words.services)
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines until Ctrl-C.")
@click.option(
    "-n", "--lines", "count", type=click.IntRange(0, MOST), help="At most so many of the newest lines that match."
)
@click.option(
    "--run", type=int, metavar="N", help="Only one run: its number, or 0 for the last, -1 for the one before it."
)
@click.option("--since", type=DURATION, help="Not older than this: 30s, 10m.")
@click.option("--grep", metavar="REGEX", help="Only lines that match; ignores case unless it has capital letters.")
@click.option("--level", type=click.Choice(["info", "warning", "error"]), help="Only this level and worse.")
@click.option("-t", "--timestamps", is_flag=True, help="Begin each line with its time.")
@json_option
@project_option
def command(
    services: tuple[str, ...],
    follow: bool,
    count: int | None,
    run: int | None,
    since: float | None,
    grep: str | None,
    level: str | None,
    timestamps: bool,
    as_json: bool,
    project: str,
) -> None:
    """Show what services print: the lines in memory, of all services or of those named. Whole logs are in .devgate/logs."""
    wanted = _filter(grep, level, since)
    wanted.run = run
    if follow and run is not None and run < 0:
        raise click.UsageError("--run with a number below 0 means a run that is over; there is nothing to follow")

    async def show(control: RemoteControl) -> None:
        import asyncio

        known = [row.name for row in (await control.pull()).services]
        check_names(services, known)
        out = _print(known, services, timestamps=timestamps)
        piece = await control.services.logs(services, limit=MOST)
        after = _show(piece, wanted, out, count=count, as_json=as_json)
        if run is not None and not follow and not any(wanted.of_run(piece.lines)):
            click.echo(f"devgate: no line of run {run} is in memory; whole logs are in .devgate/logs", err=True)
        while follow:
            await asyncio.sleep(AGAIN_S)
            piece = await control.services.logs(services, after=after, limit=MOST)
            if piece.dropped:
                click.echo(f"devgate: {piece.dropped} lines skipped here; whole logs are in .devgate/logs", err=True)
            after = _show(piece, wanted, out, count=None, as_json=as_json)

    converse(project, show)


def _filter(grep: str | None, level: str | None, since: float | None) -> Filter:
    from devgate.cli.loglines import Filter
    from devgate.clock import SystemClock

    wanted = Filter()
    if grep is not None:
        from devgate.policy.pattern import compile_pattern

        try:
            wanted.pattern = compile_pattern(grep)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--grep") from None
    if level is not None:
        from devgate.tui.log_buffer import LEVELS

        wanted.least = LEVELS.index(level)
    if since is not None:
        wanted.since = SystemClock().wall() - since
    return wanted


def _print(known: list[str], services: tuple[str, ...], *, timestamps: bool) -> Print:
    import sys

    from devgate.cli.loglines import Print
    from devgate.cli.table import wants_colour

    names = dict.fromkeys(services) if services else known
    width = max(map(len, names), default=0) if len(names) > 1 else 0
    return Print(terminal=sys.stdout.isatty(), colour=wants_colour(), names=width, times=timestamps)


def _show(piece: LogSlice, wanted: Filter, out: Print, *, count: int | None, as_json: bool) -> int:
    """Prints; returns the number to go on after."""
    from devgate.model.wire import encode

    lines = list(wanted.wanted(piece.lines))
    if count is not None:
        lines = lines[len(lines) - min(count, len(lines)) :]
    if lines:
        print("\n".join(encode(line) if as_json else out.line(line) for line in lines), flush=True)
    return piece.next
