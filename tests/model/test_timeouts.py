"""Time limits by phase: how they are written and who has the nearest word."""

import math

import pytest
from pydantic import ValidationError

from devgate.model.profile import Profile
from devgate.model.timeouts import OwnTimeoutsSpec, TimeoutsSpec


def profile(gateway: object = None, service: object = None, **route: object) -> Profile:
    return Profile.model_validate(
        {
            "gateway": {} if gateway is None else {"timeouts": gateway},
            "services": {
                "a": {"command": "x"} | ({} if service is None else {"timeout": service}),
                "b": {"command": "x"},
            },
            "routes": [{"path": "/", "service": "a", **route}],
        }
    )


def held(given: Profile, service: str = "") -> tuple[object, ...]:
    times = given.timeouts(given.routes[0], service)
    limits = (times.connect, times.response, times.idle, times.total)
    return tuple((limit.seconds, limit.source) for limit in limits)


def test_what_holds_where_nobody_says_anything():
    assert held(profile()) == ((None, ""), (30.0, ""), (60.0, ""), (None, ""))


def test_the_nearest_word_counts_for_each_phase():
    given = profile(
        {"connect": "1s", "response": "2s", "idle": "3s", "total": "4s"},
        {"response": "20s", "idle": "off"},
        timeout={"response": "200s", "total": 0},
    )
    assert held(given) == ((1.0, "gateway"), (200.0, "route"), (None, "service"), (None, "route"))
    assert held(given, "b") == ((1.0, "gateway"), (200.0, "route"), (3.0, "gateway"), (None, "route"))


def test_a_duration_alone_is_until_the_response_head():
    given = profile(None, "5s", timeout="2m")
    assert given.services["a"].timeout == OwnTimeoutsSpec(response=5.0)
    assert given.routes[0].timeout == OwnTimeoutsSpec(response=120.0)
    assert held(profile(None, "5s"))[1] == (5.0, "service")
    assert held(profile(None, None, timeout="off"))[1] == (None, "route")


def test_a_stream_has_time_to_connect_and_then_all_the_time_there_is():
    given = profile({"total": "4s", "idle": "1s"}, stream=True, timeout={"connect": "1s"})
    assert held(given) == ((1.0, "route"), (None, "route"), (None, "route"), (None, "route"))


@pytest.mark.parametrize("written", ["off", "OFF", False, 0, "0", "0s", "0ms", 0.0])
def test_how_none_is_written(written: object):
    assert TimeoutsSpec.model_validate({"idle": written}).idle == 0.0


@pytest.mark.parametrize("written", ["5", 5, "on", True, "soon", "-1s", "", [], math.inf, math.nan])
def test_what_is_no_limit(written: object):
    with pytest.raises(ValidationError):
        TimeoutsSpec.model_validate({"idle": written})
