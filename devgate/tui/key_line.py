"""The last line: what can be pressed now, as far as it makes sense and fits, and the views. Pure.

Which keys there are `bindings` says; here is which of them are worth a place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.tui.bindings import VIEWS
from devgate.tui.widgets.line import Part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.binding import Binding

    from devgate.tui.ink import Run

TYPING: Final = (
    Part((("⏎", "key"), (" done", "plain")), key="enter"),
    Part((("esc", "key"), (" clear", "plain")), key="escape"),
)
"""The keys that mean anything while something is typed."""
PALETTE: Final = (
    Part((("↑↓", "key"), (" choose", "plain"))),
    Part((("⏎", "key"), (" run", "plain"))),
    Part((("esc", "key"), (" back", "plain"))),
)
"""The keys of the palette, which is Textual's own."""
_KEYS: Final = 200
"""From here on the keys of the last line are dropped."""
EVERY_KEY: Final = Part((("every other key is the service's", "muted"),), drop=1)
"""Said while one types into a service."""
_OF_VIEWS: Final[Mapping[str, tuple[str, ...]]] = {
    "overview": (
        "service.adopt",
        "service.take",
        "log.type",
        "service.start",
        "service.restart",
        "service.stop",
        "table.choose",
        "log.search",
        "breaker.reset",
        "route.fault",
    ),
    "traffic": ("traffic.filter", "traffic.errors", "table.choose", "traffic.pause", "traffic.copy", "view.back"),
    "request": (
        "request.copy",
        "request.replay",
        "request.edit",
        "request.save",
        "request.older",
        "request.part",
        "request.pin",
        "request.compare",
        "view.back",
    ),
    "logs": (
        "log.type",
        "log.search",
        "log.filter",
        "log.next_error",
        "log.merged",
        "log.follow",
        "logs.next",
        "view.back",
    ),
    "health": ("sync.check", "service.restart", "service.stop", "breaker.reset", "table.choose", "view.back"),
    "profiles": ("table.choose", "profiles.edit", "profiles.again", "view.back"),
}
"""The most wanted first; all are in the help."""
_SWITCH: Final = "profile.switch"
_COMMON: Final = (_SWITCH, "screen.quit", "screen.help")
"""Shown after them. The first where the line does not name the views, one of which it is."""


def of_view(view: str, active: Mapping[str, tuple[str, Binding]], *, wide: bool) -> list[Part]:
    """The line of a view.

    Args:
        active: what can be pressed now: how a key is shown and its binding, by id.
        wide: whether there is room to name the views.
    """
    own = [id for id in _OF_VIEWS[view] if id in active]
    needless = wide or view in ("profiles", "request")
    common = [id for id in _COMMON if id in active and not (id == _SWITCH and needless)]
    first = ["screen.help", "screen.quit", "view.back", *own[:3], *common]
    return [*keys(active, [*own, *common], first), _views(view, whole=wide)]


def _views(current: str, *, whole: bool = True) -> Part:
    """The views and their keys, the current one marked; not `whole`: only that there are some, where there is room."""
    if not whole:
        return Part(((f"1-{len(VIEWS)}", "key"), (" views", "plain")), drop=_KEYS, right=True)
    runs: list[Run] = []
    for view, number in VIEWS.items():
        if runs:
            runs.append(("  ", "plain"))
        runs += [(f"{number} ", "key" if view == current else "muted"), (view, "title" if view == current else "muted")]
    return Part(tuple(runs), right=True)


def keys(active: Mapping[str, tuple[str, Binding]], ids: Sequence[str], first: Sequence[str] = ()) -> list[Part]:
    """Keys as `s start`; clicking one presses it.

    Args:
        active: what can be pressed now: how a key is shown and its binding, by id.
        ids: which of them, in order; where there is no room the last one is dropped first.
        first: those that are dropped after all others, the last one first.
    """
    wanted = list(dict.fromkeys((*first, *ids)))
    return [
        Part(
            ((active[id][0], "key"), (f" {active[id][1].description}", "plain")),
            drop=_KEYS + wanted.index(id) - (100 if id in first else 0),
            key=active[id][1].key,
        )
        for id in ids
        if id in active
    ]
