"""Our three themes: dark, light, and blue with orange for eyes that do not tell red from green. Textual's own stay available.

Colours live here and nowhere else; `app.tcss` gives them to ink names. The `text-…` colours are named one by one, because those
that Textual derives are so pale that states no longer differ at a glance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.theme import Theme

if TYPE_CHECKING:
    from collections.abc import Mapping

DARK: Final = Theme(
    name="devgate-dark",
    dark=True,
    primary="#5aa9f0",
    secondary="#8ab6d6",
    accent="#c79bf2",
    success="#5fd08a",
    warning="#e8b84a",
    error="#ff7b7b",
    foreground="#d5dbe3",
    background="#10141a",
    surface="#161b23",
    panel="#1e2530",
    variables={
        "text-primary": "#7dbdf5",
        "text-accent": "#cda6f5",
        "text-success": "#6fdc9a",
        "text-warning": "#edc25e",
        "text-error": "#ff8a8a",
    },
)
LIGHT: Final = Theme(
    name="devgate-light",
    dark=False,
    primary="#0a58b5",
    secondary="#3b6b94",
    accent="#7a3fb0",
    success="#13692f",
    warning="#855400",
    error="#b3161f",
    foreground="#1d232b",
    background="#fcfcfb",
    surface="#f3f4f5",
    panel="#e6e9ed",
    variables={
        "text-primary": "#0a4fa3",
        "text-accent": "#6f37a3",
        "text-success": "#11602b",
        "text-warning": "#754a00",
        "text-error": "#a5131c",
    },
)
COLOUR_BLIND: Final = Theme(
    name="devgate-blue-orange",
    dark=True,
    primary="#7794b0",
    secondary="#8ab6d6",
    accent="#d0b4e8",
    success="#56b4e9",
    warning="#f0e442",
    error="#ff9d45",
    foreground="#dde2e8",
    background="#10141a",
    surface="#161b23",
    panel="#1e2530",
    variables={
        "text-primary": "#a9c3db",
        "text-accent": "#d0b4e8",
        "text-success": "#6cc4f5",
        "text-warning": "#f2e66a",
        "text-error": "#ff8f33",
    },
)
"""After Okabe and Ito's palette."""

THEMES: Final = (DARK, LIGHT, COLOUR_BLIND)
NO_COLOUR: Final = "ansi-dark"
"""Textual's only kind of theme that sends no colour at all under NO_COLOR."""


def choose(environ: Mapping[str, str], wanted: str = "") -> str:
    """The theme to begin with: what was asked for; none under NO_COLOR, even an empty one, as Textual reads it; else dark."""
    if wanted:
        return wanted
    return NO_COLOUR if "NO_COLOR" in environ else DARK.name
