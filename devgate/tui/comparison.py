"""Two finished requests line by line: what only the first has, what only the second, what both have. Pure."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from devgate.inspection.layout import pretty
from devgate.tui import format as fmt
from devgate.tui.folding import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devgate.model.detail import Body, Field, RequestDetail
    from devgate.tui.ink import Runs

MOST: Final = 500
"""Lines of a part that are compared: to compare takes time that grows with the square of them."""
_SIGNS: Final = {"delete": ("- ", "bad-soft"), "insert": ("+ ", "good"), "equal": ("  ", "muted")}


def compared(first: RequestDetail, second: RequestDetail, width: int) -> list[Runs]:
    """The second against the first, part by part."""
    lines: list[Runs] = []
    for (title, before), (_, after) in zip(_parts(first), _parts(second), strict=True):
        if before or after:
            same = before == after
            lines += [()] if lines else []
            lines.append(((title, "title"), (" the same" if same else "", "muted")))
            lines += _changes(before, after, width)
    return lines


def _parts(detail: RequestDetail) -> Iterable[tuple[str, Sequence[str]]]:
    row = detail.row
    yield (
        "Outcome",
        [
            f"{row.method} {row.path}",
            f"{row.status} {row.error}".rstrip(),
            f"{row.route or 'no route'} → {row.service or 'nobody'}",
            f"took {fmt.milliseconds(row.duration_ms)}",
        ],
    )
    yield "Decisions", [f"{one.step}: {one.text}" for one in detail.decisions]
    yield "Request headers", _fields(detail.request)
    yield "Request body", _body(detail.request_body)
    yield "Response headers", _fields(detail.response)
    yield "Response body", _body(detail.response_body)
    yield "Messages", [f"{one.sender} {one.name or one.kind}: {one.text}" for one in detail.messages[:MOST]]


def _fields(fields: Iterable[Field]) -> list[str]:
    """By name, so that another order is no difference."""
    return sorted((f"{field.name}: {field.value}" for field in fields), key=str.lower)


def _body(body: Body) -> list[str]:
    lines = pretty(body.text, 0).splitlines()[:MOST]
    return lines or ([f"{body.type or 'no type'}, {body.size:,} bytes"] if body.size else [])


def _changes(before: Sequence[str], after: Sequence[str], width: int) -> list[Runs]:
    lines: list[Runs] = []
    for kind, begin, end, start, stop in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            lines += _marked("equal", before[begin:end], width)
        else:
            lines += _marked("delete", before[begin:end], width)
            lines += _marked("insert", after[start:stop], width)
    return lines


def _marked(kind: str, texts: Sequence[str], width: int) -> list[Runs]:
    sign, ink = _SIGNS[kind]
    return [line for text in texts for line in wrapped(((sign, ink), (text, ink)), width, indent=4)]
