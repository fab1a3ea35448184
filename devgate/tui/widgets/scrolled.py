"""Scrolled areas that grow several times a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widget import Widget

if TYPE_CHECKING:
    from textual.geometry import Size
    from textual.scroll_view import ScrollView


def resize(view: ScrollView, size: Size) -> None:
    """Give what is scrolled another size.

    To Textual a new `virtual_size` is a reason to lay the whole screen out anew, which costs as much as painting it. Where the
    view has its scroll bar and keeps it, nothing on the screen moves but the bar's thumb.
    """
    old = view.virtual_size
    if size == old:
        return
    room = view.size.height
    keeps_its_bar = view.show_vertical_scrollbar and min(old.height, size.height) > room
    if keeps_its_bar and not view.styles.auto_dimensions:
        view.set_reactive(Widget.virtual_size, size)
        view.vertical_scrollbar.window_virtual_size = size.height
    else:
        view.virtual_size = size
