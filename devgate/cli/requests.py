"""`devgate requests`: the list, one in detail, and both as HAR or curl."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from devgate.cli.client import converse, json_option, project_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devgate.model.detail import RequestDetail
    from devgate.model.query import RequestRow
    from devgate.remote.control import RemoteControl

MOST: Final = 10_000
AGAIN_S: Final = 0.25
WIDTH: Final = 120
"""Cells of a line where nobody counts them."""


@click.command("requests")
@click.argument("words", nargs=-1, metavar="[show ID | replay ID | FILTER...]")
@click.option("-f", "--follow", is_flag=True, help="Go on with new requests until Ctrl-C.")
@click.option(
    "-n", "count", type=click.IntRange(0, MOST), default=50, show_default=True, help="At most so many of the newest."
)
@click.option(
    "--har", "file", metavar="FILE", help="Write them with headers and bodies to an HTTP archive; - is stdout."
)
@click.option("--curl", "as_curl", is_flag=True, help="Print them as curl commands.")
@json_option
@project_option
def command(
    words: tuple[str, ...], follow: bool, count: int, file: str | None, as_curl: bool, as_json: bool, project: str
) -> None:
    """List requests, newest last; show one, with its decisions, headers, bodies and times; send a finished one again.

    ID is a request's number, or its X-Request-ID or the beginning of it. FILTER is what the traffic view takes: service:auth
    status:5xx path:/api method:POST took:>500ms state:open, or any text. To turn a word round, put -- before the filter and -
    before the word.

    Those that are under way stand at the end: held until their service is ready, queued for a connection to it, waiting for its
    answer or answering; --json has that as "state". --follow prints each when it has ended.

    Secrets are masked, also in what --har and --curl write; a request that is sent again carries its own.
    """
    verb = words[0] if words[:1] in (("show",), ("replay",)) else ""
    if follow and (file or as_curl or verb):
        raise click.UsageError("--follow goes with the list alone")
    if verb and len(words) != 2:
        raise click.UsageError(f"{verb} takes one ID: a number, or the beginning of an X-Request-ID")
    wanted = _named(words[1]) if verb else _filter(words)

    async def work(control: RemoteControl) -> None:
        import asyncio

        finished = follow or file or verb == "replay" or (as_curl and not verb)
        page = await control.gateway.requests(limit=MOST, under_way=not finished)
        rows = [row for row in (*page.rows, *page.under_way) if wanted(row)]
        rows = rows[len(rows) - min(count, len(rows)) :]
        if verb:
            rows = rows[-1:]
            if not rows:
                raise _unknown(words[1], finished=bool(finished))
        names = [row.name for row in rows]
        if verb == "replay":
            names = [(await control.gateway.replay(rows[0].seq)).seq]
        if file or as_curl or verb:
            details = [await control.gateway.request(name) for name in names]
            _tell(details, file=file, as_curl=as_curl, as_json=as_json)
            return
        _print(rows, as_json=as_json, is_first=True, is_last=not follow)
        while follow:
            await asyncio.sleep(AGAIN_S)
            page = await control.gateway.requests(after=page.next, limit=MOST)
            _print([row for row in page.rows if wanted(row)], as_json=as_json, is_first=False, is_last=False)

    converse(project, work)


def _named(name: str) -> Callable[[RequestRow], bool]:
    if name.isascii() and name.isdecimal() and len(name) < 10:
        return lambda row: row.seq == int(name)
    return lambda row: row.request_id.startswith(name)


def _unknown(name: str, *, finished: bool) -> Exception:
    from devgate.errors import CommandError, Exit

    return CommandError(
        f"no {'finished ' if finished else ''}request is called {name!r}",
        hint="`devgate requests --json` shows numbers and ids",
        code="unknown-request",
        status=404,
        exit_code=Exit.USAGE,
    )


def _filter(words: Sequence[str]) -> Callable[[RequestRow], bool]:
    if not words:
        return lambda row: True
    from devgate.tui.traffic_filter import parse

    try:
        return parse(" ".join(words))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="FILTER") from None


def _tell(details: Sequence[RequestDetail], *, file: str | None, as_curl: bool, as_json: bool) -> None:
    from pathlib import Path

    from devgate.cli.table import painted, room, wants_colour
    from devgate.inspection.curl import curl
    from devgate.model.wire import encode
    from devgate.tui import archive
    from devgate.tui.request_text import flat, sections

    if file == "-":
        print(archive.har(details), end="")
    elif file:
        archive.save(Path(file), details)
        print(f"{len(details)} written to {file}")
    elif as_curl:
        print("\n\n".join(map(curl, details)))
    elif as_json:
        print("\n".join(map(encode, details)))
    else:
        width = room()
        for detail in details:
            for line in flat(sections(detail, width or WIDTH)):
                print(painted(line, colour=wants_colour()).rstrip())


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
