"""What one service was told, as lines to read: pure."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from devgate.model.anatomy import Anatomy
    from devgate.tui.ink import Runs

_NAME: Final = 24
_LINE: Final = 56
"""Cells of a line of names: what half of a usual terminal shows."""


def config(found: Anatomy) -> list[Runs]:
    """Its part of the profile; where a value was written recedes."""
    lines: list[Runs] = []
    for line in found.config:
        text, mark, origin = line.rpartition("  # ")
        lines.append(((text.rstrip(), "plain"), (f"  {origin}", "muted")) if mark else ((line, "plain"),))
    return lines or [(("nothing is written about it", "muted"),)]


def env(found: Anatomy) -> list[Runs]:
    """Its variables, and the names of those that it has from outside."""
    if not found.env and not found.inherited:
        return [(("it has not been started here", "muted"),)]
    lines: list[Runs] = [
        ((f"{each.name:<{_NAME}} ", "strong"), (each.value, "plain"), (f"  {each.origin}", "muted"))
        for each in found.env
    ]
    if found.inherited:
        lines += [(), ((f"{len(found.inherited)} inherited", "heading"),)]
        lines += [((part, "muted"),) for part in wrap(" ".join(found.inherited), _LINE)]
    return lines
