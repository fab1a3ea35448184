"""A plan as lines to read before it is applied: pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devgate.escape import cells, visible
from devgate.tui import folding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devgate.errors import DevgateError
    from devgate.model.plan import Plan, Reason
    from devgate.tui.ink import Run, Runs


def lines(plan: Plan) -> list[Runs]:
    """What stays, what changes and why, service by service."""
    if plan.empty:
        return [(("This is what runs: nothing to do.", "good"),)]
    out: list[Runs] = [((plan.summary, "title"),), (), *unapproved(plan)]
    out += _names("○", "stop", plan.stop, "bad-soft")
    out += _reasons("◐", "restart", plan.restart, "warn")
    out += _names("●", "start", plan.start, "good")
    out += _reasons("○", "stopped", plan.rest, "muted")
    out += _reasons("▲", "stale", plan.stale, "info")
    out += _reasons("●", "adopt", plan.adopt, "info")
    out += _names("●", "keep", plan.keep, "muted")
    routes = plan.routes
    out += _list("routes", [(f"+ {route}", "good") for route in routes.added])
    out += _list("", [(f"- {route}", "bad-soft") for route in routes.removed])
    out += _list("", [(f"~ {route}", "warn") for route in routes.changed])
    out += _list("live", [(key, "info") for key in plan.gateway])
    out += _list("rebind", [(key, "warn") for key in plan.rebind])
    out += _list("noted", [(key, "muted") for key in plan.noted])
    return out


def unapproved(plan: Plan, width: int | None = None) -> list[Runs]:
    """The commands that somebody has to agree to first; with `width` folded, as nobody can agree to what is cut off."""
    if not plan.unapproved:
        return []
    out: list[Runs] = [(("It would do what nobody has agreed to yet:", "warn"),)]
    for line in map(visible, plan.unapproved):
        pieces = _folded(line, width) if width else [line]
        out += [((f"{'    ' if number else '  '}{piece}", "strong"),) for number, piece in enumerate(pieces)]
    return [*out, ()]


def _folded(text: str, width: int) -> list[str]:
    """In pieces of so many cells, not characters: a wide one takes two."""
    pieces, left = [""], width
    for char in text:
        if (size := cells(char)) > left:
            pieces.append("")
            left = width
        pieces[-1] += char
        left -= size
    return pieces


def folded(line: Runs, width: int) -> list[Runs]:
    """What does not fit stands under what it belongs to."""
    return folding.folded(line, width, indent=INDENT if line and line[0][1] == "heading" else 2)


def refusal(error: DevgateError) -> list[Runs]:
    """Why there is no plan: every problem of the profile, or the one reason."""
    out: list[Runs] = [((error.message, "bad"),)]
    problems: Iterable[object] = getattr(error, "problems", ())
    for problem in problems:
        out.append(())
        out += [((text, "plain"),) for text in str(problem).splitlines()]
    if error.hint:
        out += [(), ((error.hint, "info"),)]
    return out


def place(error: DevgateError) -> tuple[str, int, int]:
    """File, line and column of the first problem that has them; an empty file if none has.

    A problem of a devgate in another process arrives as the text that it is shown as.
    """
    for problem in getattr(error, "problems", ()):
        if file := getattr(problem, "file", ""):
            return file, problem.line, max(problem.column, 1)
        if found := _PLACE.match(str(problem)):
            return found["file"], int(found["line"]), int(found["column"] or 1)
    return "", 0, 1


_PLACE: Final = re.compile(r"(?P<file>[^\n]+?):(?P<line>\d{1,9})(?::(?P<column>\d{1,9}))?: ")


_LABEL: Final = 9
INDENT: Final = _LABEL + 2
"""Cells of a label and a sign."""


def _label(text: str) -> Run:
    return f"{text:<{_LABEL}}", "heading"


def _names(sign: str, label: str, names: Iterable[str], ink: str) -> list[Runs]:
    return [(_label(label if not number else ""), (f"{sign} {name}", ink)) for number, name in enumerate(names)]


def _reasons(sign: str, label: str, reasons: Iterable[Reason], ink: str) -> list[Runs]:
    return [
        (
            _label(label if not number else ""),
            (f"{sign} {reason.service}", ink),
            (f"  {', '.join(reason.keys)}", "muted"),
        )
        for number, reason in enumerate(reasons)
    ]


def _list(label: str, entries: list[Run]) -> list[Runs]:
    return [(_label(label if not number else ""), entry) for number, entry in enumerate(entries)]
