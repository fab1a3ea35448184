"""`devgate requests`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from devgate.cli.client import converse, json_option, project_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devgate.model.query import RequestRow
    from devgate.remote.control import RemoteControl

MOST: Final = 10_000
AGAIN_S: Final = 0.25


@click.command("requests")
@click.argument("words", nargs=-1, metavar="[FILTER]...")
@click.option("-f", "--follow", is_flag=True, help="Go on with new requests until Ctrl-C.")
@click.option(
    "-n", "count", type=click.IntRange(0, MOST), default=50, show_default=True, help="At most so many of the newest."
)
@json_option
@project_option
def command(words: tuple[str, ...], follow: bool, count: int, as_json: bool, project: str) -> None:
    """List finished requests, newest last.

    FILTER is what the traffic view takes: service:auth status:5xx path:/api method:POST took:>500ms, or any text. To turn a word
    round, put -- before the filter and - before the word.
    """
    wanted = _filter(words)

    async def work(control: RemoteControl) -> None:
        import asyncio

        page = await control.gateway.requests(limit=MOST)
        rows = [row for row in page.rows if wanted(row)]
        _print(rows[len(rows) - min(count, len(rows)) :], as_json=as_json, is_first=True, is_last=not follow)
        while follow:
            await asyncio.sleep(AGAIN_S)
            page = await control.gateway.requests(after=page.next, limit=MOST)
            _print([row for row in page.rows if wanted(row)], as_json=as_json, is_first=False, is_last=False)

    converse(project, work)


def _filter(words: Sequence[str]) -> Callable[[RequestRow], bool]:
    if not words:
        return lambda row: True
    from devgate.tui.traffic_filter import parse

    try:
        return parse(" ".join(words))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="FILTER") from None


def _print(requests: Sequence[RequestRow], *, as_json: bool, is_first: bool, is_last: bool) -> None:
    from devgate.cli.table import lines, natural, preset, room, wants_colour
    from devgate.model.wire import encode
    from devgate.tui.requests import COLUMNS, row

    if as_json:
        text = "\n".join(map(encode, requests))
    else:
        rows = [row(request) for request in requests]
        # More will follow: their widths are not known yet, so the columns have the screen's.
        placed = natural(COLUMNS, rows, room()) if is_last else preset(COLUMNS, room())
        text = "\n".join(lines(placed, rows, heading=is_first, cut=room() is not None, colour=wants_colour()))
    if text:
        print(text, flush=True)
