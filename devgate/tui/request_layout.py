"""What the request view's two panes show: pure, and slow enough for a thread where bodies are long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devgate.tui.comparison import compared
from devgate.tui.dialogs import text_rows
from devgate.tui.request_text import flat, meanwhile, sections
from devgate.tui.sgr import strip_sgr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.model.detail import RequestDetail
    from devgate.model.query import LogLine
    from devgate.tui.columns import Row
    from devgate.tui.request_text import Section


@dataclass(frozen=True)
class Layout:
    way: Sequence[Row]
    """The request's way, if it has a pane of its own."""
    content: Sequence[Row]
    heads: Sequence[int]
    """Lines of the content where a part begins."""


def lay_out(
    detail: RequestDetail, other: RequestDetail | None, lines: Sequence[LogLine], width: int, *, wide: bool
) -> Layout:
    """All that is shown of a request, or what differs from the `other` one.

    Args:
        lines: what the service has logged meanwhile.
        width: cells of a pane.
        wide: whether there are two.
    """
    if other is not None:
        return Layout((), text_rows(compared(other, detail, width)), ())
    found = sections(detail, width)
    if lines:
        found.append(meanwhile(detail.row.service, lines, (strip_sgr(line.text) for line in lines)))
    way = [section for section in found if wide and section.side]
    content = [section for section in found if not (wide and section.side)]
    return Layout(text_rows(flat(way)), text_rows(flat(content)), _heads(content))


def _heads(found: Sequence[Section]) -> list[int]:
    """Lines where sections begin, as `flat` puts them."""
    heads: list[int] = []
    at = 0
    for section in found:
        at += bool(heads)
        heads.append(at)
        at += bool(section.title) + len(section.lines)
    return heads
