"""Which services start, and in which order."""

from __future__ import annotations

import pytest

from devgate.cli.selection import selection, start_order
from devgate.errors import CommandError
from devgate.model.profile import Profile

PROFILE = Profile.model_validate(
    {
        "services": {
            "db": {"stub": True, "port": "auto"},
            "api": {"stub": True, "port": "auto", "depends_on": {"db": {}}},
            "web": {"stub": True, "port": "auto", "depends_on": {"api": {}, "mail": {"required": False}}},
            "mail": {"stub": True, "port": "auto"},
            "spare": {"stub": True, "port": "auto", "autostart": False},
        }
    }
)
NONE: frozenset[str] = frozenset()


def order(*, only: set[str] | None = None, without: set[str] | None = None, no_deps: bool = False) -> list[list[str]]:
    chosen = selection(PROFILE, frozenset(only or ()), frozenset(without or ()), no_deps=no_deps)
    return [list(names) for names in start_order(PROFILE, chosen, no_deps=no_deps)]


def test_all_that_start_by_themselves() -> None:
    assert selection(PROFILE, NONE, NONE, no_deps=False) is None
    assert order() == [["db", "mail"], ["api"], ["web"]]


@pytest.mark.parametrize(
    ("only", "without", "no_deps", "expected"),
    [
        ({"web"}, set(), False, [["db"], ["api"], ["web"]]),
        ({"web"}, set(), True, [["web"]]),
        ({"spare"}, set(), False, [["spare"]]),
        (set(), {"mail"}, False, [["db"], ["api"], ["web"]]),
        (set(), {"web", "api"}, False, [["db", "mail"]]),
        (set(), {"db"}, True, [["api", "mail"], ["web"]]),
        ({"api", "mail"}, {"mail"}, False, [["db"], ["api"]]),
    ],
)
def test_chosen(only: set[str], without: set[str], no_deps: bool, expected: list[list[str]]) -> None:
    assert order(only=only, without=without, no_deps=no_deps) == expected


def test_what_is_needed_cannot_be_left_out() -> None:
    with pytest.raises(CommandError, match="db is left out, and needed by api"):
        order(without={"db"})


@pytest.mark.parametrize("option", ["only", "without"])
def test_unknown_names_are_refused(option: str) -> None:
    with pytest.raises(CommandError) as refused:
        order(**{option: {"wep"}})  # type: ignore[arg-type]
    assert "'web'" in refused.value.hint
