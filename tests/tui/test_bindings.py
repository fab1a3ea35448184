"""One table of keys: each once, none that a terminal or tmux needs for itself."""

from collections import Counter

import pytest

from devgate.tui import bindings

FORBIDDEN = {"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+q", "ctrl+z"}
ALL = [binding for keys in bindings.ALL for binding in keys.table]


def test_every_key_has_one_name():
    assert [id for id, count in Counter(binding.id for binding in ALL).items() if count > 1 or not id] == []


@pytest.mark.parametrize("keys", bindings.ALL, ids=lambda keys: keys.title)
def test_a_key_does_one_thing_in_one_place(keys: bindings.Keys):
    pressed = Counter(key for binding in keys.table for key in binding.key.split(","))
    assert [key for key, count in pressed.items() if count > 1] == []


def test_no_key_is_taken_from_the_terminal():
    pressed = {key for binding in ALL for key in binding.key.split(",")}
    assert not pressed & FORBIDDEN
    assert not {key for key in pressed if key.startswith("ctrl+") and key[5:6].isupper()}


def test_no_f_key_is_the_only_way():
    for binding in ALL:
        assert any(not (key[0] == "f" and key[1:].isdigit()) for key in binding.key.split(",")), binding.id


def test_every_key_is_explained():
    for binding in ALL:
        assert binding.description, binding.id
        assert binding.tooltip.endswith("."), binding.id


@pytest.mark.parametrize(
    ("id", "key"),
    [
        ("service.start", "s"),
        ("service.stop", "x"),
        ("service.kill", "X"),
        ("service.restart", "r"),
        ("service.cascade", "R"),
        ("service.red", "a"),
        ("log.merged", "t"),
        ("log.wrap", "w"),
        ("breaker.reset", "b"),
        ("log.search", "slash"),
        ("log.next", "n"),
        ("log.previous", "N"),
        ("log.filter", "f"),
        ("log.level", "F"),
        ("log.next_error", "e"),
        ("log.previous_error", "E"),
        ("log.search_all", "alt+slash"),
        ("log.open", "v"),
        ("profile.reload", "c"),
        ("overview.open", "o"),
        ("log.type", "i"),
        ("typing.leave", "ctrl+right_square_bracket"),
        ("screen.detach", "d"),
        ("log.copy", "y"),
        ("log.copy_run", "Y"),
        ("screen.mouse", "m"),
        ("profile.switch", "p"),
        ("sync.check", "S"),
        ("screen.quit", "q"),
        ("screen.palette", "colon"),
        ("screen.palette", "ctrl+p"),
        ("screen.help", "question_mark"),
        ("log.top", "g"),
        ("log.follow", "G"),
        ("view.back", "escape"),
        ("table.choose", "enter"),
    ],
)
def test_the_documented_keys(id: str, key: str):
    """SUPERVISION.md 1.3."""
    assert key in next(binding.key for binding in ALL if binding.id == id).split(",")
