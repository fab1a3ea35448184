"""What goes over the wire comes back equal, and what does not fit is refused with its place."""

import dataclasses
import json
import types
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devgate.model import events, wire
from devgate.model.fault import Fault
from devgate.model.plan import Plan, Reason, RouteChanges
from devgate.model.query import LogLine, LogSlice, RequestPage, RequestRow
from devgate.model.snapshot import Snapshot
from devgate.model.status import ServiceState
from tests.tui.fake_control import PLAN, sample

KINDS = [Snapshot, Plan, LogSlice, RequestPage, RequestRow, *typing.get_args(events.Event)]


def values(kind: type) -> st.SearchStrategy:
    return st.builds(kind, **{name: _of(hint) for name, hint in typing.get_type_hints(kind).items()})


def _of(hint: typing.Any) -> st.SearchStrategy:
    if hint is Fault:  # refuses what means nothing, which is most of what could be made up
        return st.sampled_from([Fault(latency_s=0.3, share=0.5), Fault(status=503, count=False), Fault(cut_bytes=0)])
    if typing.get_origin(hint) is tuple:
        return st.lists(_of(typing.get_args(hint)[0]), max_size=2).map(tuple)
    if dataclasses.is_dataclass(hint):
        return st.deferred(lambda: values(hint))
    if typing.get_origin(hint) is types.UnionType:
        return st.one_of(*map(_of, typing.get_args(hint)))
    if hint is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    return st.from_type(hint)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_comes_back_equal(kind: type) -> None:
    @settings(max_examples=25)
    @given(values(kind))
    def check(value: object) -> None:
        text = wire.encode(value)
        assert text.isascii()
        assert wire.decode(kind, json.loads(text)) == value

    check()


def test_a_full_snapshot_comes_back_equal() -> None:
    snapshot = sample()
    assert wire.decode(Snapshot, json.loads(wire.encode(snapshot))) == snapshot


def test_text_that_is_no_unicode_survives() -> None:
    line = LogLine(1, 2.0, "a", 0, "out", "bad \udcff byte \x1b[31m", 1)
    assert wire.decode(LogLine, json.loads(wire.encode(line))) == line


def test_neighbouring_versions_understand_each_other() -> None:
    data = json.loads(wire.encode(PLAN))
    data["invented_later"] = 1
    assert wire.decode(Plan, data) == PLAN
    del data["routes"]["added"]  # has a default
    assert wire.decode(Plan, data).routes == RouteChanges((), PLAN.routes.removed, PLAN.routes.changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 5}, "name: expected text, got 5"),
        ({"keep": "abc"}, "keep: expected a list, got 'abc'"),
        ({"keep": [None]}, "keep: 0: expected text, got None"),
        ({"restart": [{"service": "a"}]}, "restart: 0: keys: is missing"),
        ({"restart": [[]]}, "restart: 0: expected an object, got []"),
        ({"old": {"a": "b" * 1000}}, "old: expected text, got {'a': 'bbb"),
    ],
)
def test_a_misfit_is_named_with_its_place(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=r"expected|missing") as refused:
        wire.decode(Plan, {**json.loads(wire.encode(PLAN)), **change})
    assert str(refused.value).startswith(message)
    assert len(str(refused.value)) < 100


@pytest.mark.parametrize("data", [None, [], "x", 1, True])
def test_what_is_no_object_is_no_record(data: object) -> None:
    with pytest.raises(ValueError, match="an object"):
        wire.decode(Reason, data)


def test_numbers_are_not_taken_for_each_other() -> None:
    line = json.loads(wire.encode(LogLine(1, 2.0, "a", 0, "out", "t", 1)))
    assert wire.decode(LogLine, {**line, "at": 3}).at == 3.0
    for wrong in ({"seq": True}, {"seq": 1.0}, {"at": True}, {"at": 10**400}, {"stream": "in"}, {"stream": []}):
        with pytest.raises(ValueError, match="expected"):
            wire.decode(LogLine, {**line, **wrong})


def test_a_state_is_one_of_the_known_ones() -> None:
    data = json.loads(wire.encode(sample()))
    data["services"][0]["state"] = "melted"
    with pytest.raises(ValueError, match=r"services: 0: state: expected one of stopped, "):
        wire.decode(Snapshot, data)


def test_only_what_is_known_travels() -> None:
    with pytest.raises(TypeError, match="set does not travel"):
        wire.encode({1})
    with pytest.raises(TypeError, match="does not travel"):
        wire.decode(set, [])


def test_an_event_says_what_it_is() -> None:
    event = events.ServiceChanged("api", 0, ServiceState.STARTING, ServiceState.READY, "probe passed", 1, 5.0)
    assert json.loads(wire.encode(wire.event_document(event))) == {
        "event": "service_changed", "service": "api", "replica": 0, "old": "starting", "new": "ready",
        "cause": "probe passed", "run": 1, "at": 5.0, "dependents": [],
    }  # fmt: skip
