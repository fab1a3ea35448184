"""Every word can be read on what lies under it."""

import itertools

import pytest
from textual.app import App
from textual.color import Color
from textual.theme import Theme

from devgate.tui.theme import COLOUR_BLIND, DARK, NO_COLOUR, THEMES, choose


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_contrast(theme: Theme):
    """WCAG's 4.5:1 for text, on every background that text stands on."""
    colors = theme.to_color_system().generate() | theme.variables
    grounds = [Color.parse(colors[name]) for name in ("background", "surface", "panel")]
    grounds.append(grounds[0].blend(Color.parse(colors["primary"]), 0.30))
    for name in ("foreground", "text-success", "text-warning", "text-error", "text-primary", "text-accent"):
        for ground in grounds:
            found = Color.parse(colors[name])
            ratio = ratio_of(found, ground)
            assert ratio >= 4.5, (name, ground.hex, ratio)


def ratio_of(one: Color, other: Color) -> float:
    """Contrast as WCAG defines it."""

    def luminance(color: Color) -> float:
        parts = [value / 255 for value in color.rgb]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_colour_blind_theme_does_not_rest_on_red_and_green():
    """Good, warning and error differ in lightness or in blue, which every eye sees."""
    colors = COLOUR_BLIND.to_color_system().generate() | COLOUR_BLIND.variables
    inks = [Color.parse(colors[name]) for name in ("text-success", "text-warning", "text-error")]
    for one, other in itertools.combinations(inks, 2):
        assert abs(one.b - other.b) > 60 or abs(one.brightness - other.brightness) > 0.2


def test_choice():
    assert choose({}) == DARK.name
    assert choose({"NO_COLOR": "1"}) == NO_COLOUR
    assert choose({"NO_COLOR": ""}) == NO_COLOUR
    assert choose({"NO_COLOR": "1"}, "nord") == "nord"


def test_the_theme_without_colour_exists():
    assert NO_COLOUR in App().available_themes
