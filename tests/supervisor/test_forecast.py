"""What a plan comes to for services that stand still."""

from __future__ import annotations

from dataclasses import replace

from devgate.model.plan import Plan, Reason
from devgate.model.profile import Profile
from devgate.profile.diff import diff
from devgate.supervisor.forecast import forecast


def plan(*, start: tuple[str, ...] = (), restart: tuple[str, ...] = (), stale: tuple[str, ...] = ()) -> Plan:
    def reasons(names: tuple[str, ...]) -> tuple[Reason, ...]:
        return tuple(Reason(name, ("env",)) for name in names)

    bare = diff(Profile(), Profile(), source="x", switch=True)
    return replace(bare, start=start, restart=reasons(restart), stale=reasons(stale))


def names(reasons: tuple[Reason, ...]) -> list[str]:
    return [reason.service for reason in reasons]


NEEDS = {"db": [], "api": ["db"], "bot": ["api"], "other": []}


def test_what_stands_still_and_nobody_needs_stays_so() -> None:
    found = forecast(plan(restart=("other", "db")), NEEDS, up={"db"}, resting={"other"}, beginning=())
    assert (names(found.restart), names(found.rest), found.start) == (["db"], ["other"], ())


def test_what_is_needed_over_another_that_stands_still_is_started() -> None:
    found = forecast(plan(restart=("bot", "db")), NEEDS, up={"bot"}, resting={"api", "db"}, beginning=())
    assert (names(found.restart), found.start, found.rest) == (["bot"], ("db", "api"), ())


def test_who_stands_still_himself_needs_nothing() -> None:
    found = forecast(plan(restart=("bot", "api")), NEEDS, up=(), resting={"api", "bot"}, beginning=())
    assert (found.start, names(found.rest)) == ((), ["bot", "api"])


def test_a_new_service_brings_what_it_needs_if_it_starts_by_itself() -> None:
    found = forecast(plan(start=("api",), restart=("db",)), NEEDS, up=(), resting={"db"}, beginning=("api",))
    assert (found.start, found.rest) == (("api", "db"), ())
    found = forecast(plan(start=("api",), restart=("db",)), NEEDS, up=(), resting={"db"}, beginning=())
    assert (found.start, names(found.rest)) == (("api",), ["db"])


def test_without_needs_nothing_is_brought() -> None:
    found = forecast(plan(restart=("api", "db")), NEEDS, up={"api"}, resting={"db"}, beginning=(), alone=True)
    assert (names(found.restart), found.start, names(found.rest)) == (["api"], (), ["db"])


def test_what_stands_still_is_not_stale() -> None:
    found = forecast(plan(stale=("db", "other")), NEEDS, up={"db"}, resting={"other"}, beginning=())
    assert (names(found.stale), names(found.rest)) == (["db"], ["other"])
