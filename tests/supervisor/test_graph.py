"""Order of starting and stopping, and who still waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.model.service import DependencySpec
from devgate.model.status import ServiceState
from devgate.supervisor.graph import dependents, levels, pulled, waiting_for

S = ServiceState
NEEDS = {"web": ["users", "chat"], "users": ["db"], "chat": ["db", "cache"], "db": [], "cache": [], "lone": []}


def test_each_level_needs_only_earlier_ones() -> None:
    assert levels(NEEDS) == [["db", "cache", "lone"], ["users", "chat"], ["web"]]


def test_nothing_has_no_levels() -> None:
    assert levels({}) == []


def test_unknown_names_and_cycles_do_not_hang() -> None:
    assert [set(level) for level in levels({"a": ["gone"], "b": ["b"]})] == [{"a", "b"}]
    assert {name for level in levels({"a": ["b"], "b": ["a"]}) for name in level} == {"a", "b"}


@given(st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 12), max_size=4), max_size=12))
def test_every_service_starts_once_and_after_what_it_needs(graph: dict[int, list[int]]) -> None:
    needs = {f"s{name}": [f"s{need}" for need in wanted if need < name] for name, wanted in graph.items()}
    order = [name for level in levels(needs) for name in level]
    assert sorted(order) == sorted(needs)
    for name, wanted in needs.items():
        assert all(order.index(need) < order.index(name) for need in wanted if need in needs)


def test_a_start_pulls_what_is_needed() -> None:
    assert pulled(["chat"], NEEDS) == {"chat", "db", "cache"}
    assert pulled(["gone"], NEEDS) == set()


def test_dependents_come_in_the_order_of_their_start() -> None:
    assert dependents("db", NEEDS) == ["users", "chat", "web"]
    assert dependents("web", NEEDS) == []


def missing(state: ServiceState, *, coming: bool = True, **need: object) -> bool:
    return bool(waiting_for({"db": DependencySpec.model_validate(need)}, lambda _: (state, coming)))


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("started", {S.STARTING, S.SLOW, S.READY, S.EXITED, S.COMPLETED}),
        ("ready", {S.READY, S.COMPLETED}),
        ("completed", {S.COMPLETED, S.EXITED}),
    ],
)
def test_conditions(condition: str, met: set[ServiceState]) -> None:
    assert {state for state in S if not missing(state, condition=condition)} == met


def test_an_optional_need_is_not_waited_for_once_it_is_gone() -> None:
    assert {state for state in S if not missing(state, required=False)} == {
        S.READY,
        S.COMPLETED,
        S.CRASHED,
        S.BLOCKED,
        S.EXITED,
    }
    assert not missing(S.STOPPED, coming=False, required=False)
    assert missing(S.STOPPED, coming=False, required=True)
