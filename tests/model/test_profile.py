import pytest
from pydantic import ValidationError

from devgate.model.plan import Plan, Reason, RouteChanges
from devgate.model.profile import Profile
from devgate.model.route import RouteSpec
from devgate.model.service import ServiceSpec


def test_short_forms_are_the_long_ones() -> None:
    short = ServiceSpec.model_validate({"command": "x", "depends_on": ["db"], "watch": ["src"], "env_file": ".env"})
    long = ServiceSpec.model_validate(
        {
            "command": "x",
            "depends_on": {"db": {"condition": "ready"}},
            "watch": {"paths": ["src"]},
            "env_file": [".env"],
        }
    )
    assert short == long


def test_equal_content_has_equal_digests_and_any_change_another() -> None:
    one = Profile.model_validate({"services": {"a": {"command": "x"}, "b": {"command": "y"}}})
    other_order = Profile.model_validate({"services": {"b": {"command": "y"}, "a": {"command": "x"}}})
    changed = Profile.model_validate({"services": {"a": {"command": "x"}, "b": {"command": "z"}}})
    assert one.digest == other_order.digest
    assert one.digest != changed.digest


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Profile.model_validate({"services": {"a": {"comand": "x"}}})


def test_a_probe_has_one_kind() -> None:
    with pytest.raises(ValidationError, match="choose one of http, log"):
        ServiceSpec.model_validate({"ready": {"http": "/x", "log": "up"}})


def test_a_route_is_called_by_its_name_or_by_what_it_matches() -> None:
    assert RouteSpec(path="/a", service="s", methods=("GET", "POST")).id == "GET|POST /a"
    assert RouteSpec(path="/a", service="s", name="x").id == "x"


def test_a_plan_says_itself_in_one_line() -> None:
    plan = Plan(
        source="x", name="x", old="1", new="2", keep=("a",), stop=("b",), restart=(Reason("c", ("port",)),), start=(), adopt=(),
        stale=(), routes=RouteChanges(added=("/x",), removed=("/y", "/z")), gateway=("cors",), rebind=(),
    )  # fmt: skip
    assert plan.summary == "keep 1 · restart 1 · stop 1 · routes +1 -2 · live cors"
