"""Run-time state: counters, switches, and which requests fail."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.stub.behaviour import Behaviour, Verdict, fails
from devgate.stub.config import ConfigError, StubConfig


def behaviour(**settings: object) -> Behaviour:
    return Behaviour(StubConfig.from_document({"name": "demo", **settings}), port=1, pid=2, now=100.0, wall=5000.0)


@given(st.integers(1, 2000), st.floats(0, 1))
def test_failures_are_spread_evenly(requests: int, ratio: float):
    failed = [fails(number, ratio) for number in range(1, requests + 1)]
    for upto in range(requests + 1):
        assert sum(failed[:upto]) == math.floor(upto * ratio + 1e-9)


def test_a_tenth_is_every_tenth():
    assert [number for number in range(1, 101) if fails(number, 0.1)] == list(range(10, 101, 10))


def test_a_switch_starts_the_count_again():
    stub = behaviour()
    stub.admit()
    stub.switch({"fail": 0.5}, now=101.0)
    assert [stub.admit() for _ in range(4)] == [Verdict.PASS, Verdict.FAIL, Verdict.PASS, Verdict.FAIL]


def test_crashes_in_place_of_the_answer_after_the_last_one():
    stub = behaviour(crash_after_requests=2)
    assert [stub.admit() for _ in range(3)] == [Verdict.PASS, Verdict.PASS, Verdict.CRASH]
    assert stub.requests == 2


def test_is_ready_after_its_time():
    stub = behaviour(ready_after=1.5)
    assert not stub.is_ready(101.4)
    assert stub.is_ready(101.5)


def test_a_switch_changes_all_or_nothing():
    stub = behaviour(version="1.0.0")
    before = stub.switches
    with pytest.raises(ConfigError, match=r"^fail: "):
        stub.switch({"version": "2.0.0", "fail": 2}, now=101.0)
    with pytest.raises(ConfigError, match=r"^crash: "):
        stub.switch({"version": "2.0.0", "crash": "yes"}, now=101.0)
    assert stub.switches is before
    assert stub.switch({"version": "2.0.0"}, now=101.0) is False
    assert stub.switch({"crash": True, "exit_code": 9}, now=101.0) is True
    assert (stub.switches.version, stub.switches.exit_code) == ("2.0.0", 9)


@pytest.mark.parametrize("key", ["name", "port", "ready_after", "responses", "lateny"])
def test_only_switches_can_be_changed(key: str):
    with pytest.raises(ConfigError, match=rf"^{key}: unknown"):
        behaviour().switch({key: 1}, now=101.0)


def test_the_version_has_a_date_of_its_own():
    stub = behaviour()
    assert stub.version_set() == 5000.0
    stub.switch({"latency": 1}, now=110.0)
    assert stub.version_set() == 5000.0
    stub.switch({"version": "1.1.0"}, now=120.0)
    assert stub.version_set() == 5020.0
