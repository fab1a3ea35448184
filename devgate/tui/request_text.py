"""A request as text: facts, where the time went, what was decided, headers, bodies, messages. Pure.

The screen shows it in one column or two, `devgate requests show` prints it. Everything in it is redacted already; making it
harmless to the terminal is left to whoever draws it, as with every run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.inspection.layout import LINE, pretty
from devgate.tui import format as fmt
from devgate.tui.folding import folded, wrapped
from devgate.tui.requests import details

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devgate.model.detail import Body, Decision, Field, Message, RequestDetail
    from devgate.model.query import LogLine
    from devgate.tui.ink import Runs

MOST: Final = 2_000
"""Lines of one body; of messages there are no more anyway."""
_BAR: Final = "█"
_MOODS: Final = {"plain": "plain", "warn": "warn", "bad": "bad"}
_WORDS: Final = {
    "held": "waiting for the service",
    "retried": "attempts that failed",
    "connected": "until it was sent",
    "waited": "until the first byte",
    "answered": "until the last byte",
}


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    lines: Sequence[Runs]
    side: bool = False
    """About the request's way rather than its content: at the left, where there is room for two columns."""


def sections(detail: RequestDetail, width: int) -> list[Section]:
    """All there is to say, none of it wider than `width` cells."""
    found = [
        Section("", [part for line in details(detail.row) for part in folded(line, width, indent=9)], side=True),
        Section("Time", _waterfall(detail, width), side=True),
        Section("Decisions", _decisions(detail.decisions, width), side=True),
    ]
    if detail.row.kind == "websocket":
        found.append(Section("Request", list(_fields(detail.request, width))))
    else:
        found.append(Section("Request", _half(detail.request, detail.request_body, width)))
    if detail.row.kind == "http":
        found.append(Section("Response", _half(detail.response, detail.response_body, width)))
    else:
        found.append(Section("Response", list(_fields(detail.response, width))))
        found.append(Section(_count(detail), _messages(detail.messages, width)))
    if detail.sent_line:
        line: Runs = ((detail.sent_line, "plain"),)
        found.append(
            Section("As the service got it, beside its own Host", [*wrapped(line, width), *_fields(detail.sent, width)])
        )
    if detail.note:
        found.insert(3, Section("", [((detail.note, "warn"),)], side=True))
    return [section for section in found if section.lines]


def meanwhile(service: str, lines: Sequence[LogLine], texts: Iterable[str]) -> Section:
    """What the service wrote while it worked on the request."""
    said = [((f"{fmt.clock(line.at)} ", "muted"), (text, "plain")) for line, text in zip(lines, texts, strict=True)]
    return Section(f"{service} meanwhile", said, side=True)


def flat(found: Iterable[Section]) -> list[Runs]:
    """Sections one under the other, each under its title."""
    lines: list[Runs] = []
    for section in found:
        if lines:
            lines.append(())
        if section.title:
            lines.append(((section.title, "title"),))
        lines += section.lines
    return lines


def _waterfall(detail: RequestDetail, width: int) -> list[Runs]:
    total = sum(phase.took_ms for phase in detail.phases)
    room = max(min(width - 34, 60), 8)
    end = "until the client left" if detail.row.error == "client-left" else ""
    if detail.row.state != "done":
        end = "so far"
    lines: list[Runs] = []
    for phase in detail.phases if total > 0 else ():
        begin = min(round(phase.at_ms / total * room), room - 1)
        size = max(min(round(phase.took_ms / total * room), room - begin), 1)
        bar = " " * begin + _BAR * size + " " * (room - begin - size)
        ink = "warn" if phase.name in ("held", "retried") else "spark"
        took = fmt.milliseconds(phase.took_ms).rjust(fmt.MILLISECONDS)
        said = end if end and phase is detail.phases[-1] else _WORDS[phase.name]
        lines.append(((bar, ink), (f" {took} ", "plain"), (said, "muted")))
    return lines


def _decisions(decisions: Iterable[Decision], width: int) -> list[Runs]:
    lines: list[Runs] = []
    for one in decisions:
        lines += folded(((f"{one.step:<10}", "muted"), (one.text, _MOODS[one.mood])), width, indent=10)
    return lines


def _half(fields: Sequence[Field], body: Body, width: int) -> list[Runs]:
    lines = list(_fields(fields, width))
    return [*lines, *([()] if lines and (body.size or body.text) else []), *_body(body, width)]


def _fields(fields: Iterable[Field], width: int) -> Iterable[Runs]:
    for field in fields:
        yield from wrapped(((f"{field.name}: ", "muted"), (field.value, "plain")), width, indent=2)


def _body(body: Body, width: int) -> list[Runs]:
    if not body.size and not body.text:
        return []
    if not body.text:
        what = body.note or ("a picture" if body.type.startswith("image/") else "binary")
        size = f"{body.size:,} bytes" if body.size >= 1000 else fmt.plural(body.size, "byte")
        return wrapped(((f"{body.type or 'no type'}, {size}: {what}", "muted"),), width)
    texts = pretty(body.text, min(width, LINE)).splitlines()[:MOST]
    lines = [line for text in texts for line in wrapped(((text, "plain"),), width)]
    if len(lines) > MOST or body.cut:
        lines[MOST:] = [((f"only the beginning of {body.size:,} bytes", "warn"),)]
    return lines


def _count(detail: RequestDetail) -> str:
    number = len(detail.messages)
    more = ", and more that were not kept" if detail.messages_cut else ""
    return f"{fmt.plural(number, 'message')}{more}"


def _messages(messages: Iterable[Message], width: int) -> list[Runs]:
    lines: list[Runs] = []
    for one in messages:
        sign = "→" if one.sender == "client" else "←"
        ink = "info" if one.sender == "client" else "good"
        name = " ".join(filter(None, [one.name or one.kind, one.id and f"#{one.id}"]))
        text = one.text if one.text or one.kind != "binary" else fmt.size(one.size)
        first, *rest = pretty(text, min(width - 12, LINE)).splitlines() or [""]
        head: Runs = ((f"{sign} ", ink), (f"{name} ", "muted"), (first, "plain"))
        lines += wrapped(head, width, indent=2)
        for line in rest:
            lines += wrapped((("  ", "plain"), (line, "plain")), width, indent=2)
        if len(lines) > MOST:
            return [*lines[:MOST], (("more than can be listed", "warn"),)]
    return lines
