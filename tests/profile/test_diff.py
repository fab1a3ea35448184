from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from devgate.model.gateway import GatewaySpec
from devgate.model.plan import Plan
from devgate.model.profile import Profile
from devgate.model.route import RouteSpec
from devgate.model.service import ServiceSpec
from devgate.profile.diff import EFFECTS, Effect, changed_keys, diff, route_changes, unseen
from devgate.profile.expectation import Slot, models_in
from devgate.profile.reference import models


def profile(**keys: object) -> Profile:
    return Profile.model_validate(keys)


def plan(old: Profile | None, new: Profile, *, switch: bool = True) -> Plan:
    return diff(old, new, source="x", switch=switch)


def reasons(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {reason.service: reason.keys for reason in (*plan.restart, *plan.stale)}


def test_what_asks_for_nothing_is_named_all_the_same() -> None:
    """Else a file that was changed would come to a plan of nothing."""
    routes = [{"path": "/a", "service": "a"}, {"path": "/b", "service": "a"}]
    a = {"command": "x", "port": 1}
    old = profile(name="x", services={"a": a}, routes=routes)
    new = profile(name="y", description="d", services={"a": {**a, "allow_remote": True}}, routes=routes[::-1])
    assert plan(old, new).noted == ("name", "description", "services.a.allow_remote", "routes: order")
    assert plan(old, new).summary == "keep 1 · noted name, description, services.a.allow_remote, routes: order"
    assert plan(profile(name="x"), profile(name="y")).summary == "noted name"
    assert plan(None, new).noted == ()
    assert plan(old, old).summary == "nothing to do"
    assert (
        plan(old, profile(name="x", services={"a": a}, routes=[*routes[::-1], {"path": "/c", "service": "a"}])).noted
        == ()
    )


# The table


def test_every_field_has_its_effect() -> None:
    """A new field that is not in the table would change nothing when it is edited."""
    for model in (Profile, GatewaySpec, ServiceSpec, RouteSpec):
        assert set(EFFECTS[model]) == set(model.model_fields), model


def test_every_other_spec_lies_inside_a_field_of_the_table() -> None:
    def below(model: type[BaseModel]) -> set[type[BaseModel]]:
        found = {
            inner
            for field in model.model_fields.values()
            for inner, _ in models_in(Slot(field.annotation, field.metadata))
        }
        return found.union(*(below(inner) for inner in found))

    reached = {Profile, *below(Profile)}
    assert reached == set(models())


def test_only_what_is_looked_into_has_no_effect_of_its_own() -> None:
    within = {
        (model, name) for model, fields in EFFECTS.items() for name, effect in fields.items() if effect is Effect.WITHIN
    }
    assert within == {(Profile, "gateway"), (Profile, "services")}


# One change each

BEFORE: Mapping[str, object] = {
    "gateway": {"port": 8080},
    "env": {"LEVEL": "info"},
    "services": {
        "api": {"command": "run", "port": 1, "depends_on": ["db"], "env": {"A": "1"}},
        "db": {"command": "db", "port": 2},
        "stand-in": {"stub": True, "port": 3},
        "theirs": {"url": "http://127.0.0.1:9"},
    },
    "routes": [{"path": "/a", "service": "api"}, {"path": "/b", "service": "db"}],
}


def changed(path: str, value: object) -> Profile:
    """BEFORE with one key set; None takes it out."""
    data = Profile.model_validate(BEFORE).model_dump(exclude_unset=True)
    node = data
    *parents, last = path.split("/")
    for part in parents:
        node = node.setdefault(part, {})
    if value is None:
        del node[last]
    else:
        node[last] = value
    return Profile.model_validate(data)


RESTARTS = [
    ("services/db/command", "other", {"db": ("command",)}),
    ("services/db/cwd", "/x", {"db": ("cwd",)}),
    ("services/db/kind", "task", {"db": ("kind",)}),
    ("services/db/replicas", 2, {"db": ("replicas",)}),
    ("services/db/stub", True, {"db": ("stub",)}),
    ("services/db/env_file", ["/x/.env"], {"db": ("env_file",)}),
    ("services/api/env/A", "2", {"api": ("env.A",)}),
    ("services/api/env/B", "2", {"api": ("env.B",)}),
    ("services/api/env/A", None, {"api": ("env.A",)}),
    ("services/stand-in/port", 4, {"stand-in": ("port",)}),
    ("services/stand-in/stub", {"latency": "1s"}, {"stand-in": ("stub",)}),
    # api is told where db is
    ("services/db/port", 5, {"api": ("depends_on.db.address",), "db": ("port",)}),
    # not the stand-in, which does not look at it, nor what somebody else runs
    ("env/LEVEL", "debug", {"api": ("env.LEVEL",), "db": ("env.LEVEL",)}),
    ("env_file", ["/x/.env"], {"api": ("env_file",), "db": ("env_file",)}),
    # from somebody else's service to ours
    ("services/theirs", {"command": "mine"}, {"theirs": ("command", "url")}),
]


@pytest.mark.parametrize(("path", "value", "expected"), RESTARTS)
def test_what_needs_a_restart_and_why(path: str, value: object, expected: dict[str, tuple[str, ...]]) -> None:
    found = plan(Profile.model_validate(BEFORE), changed(path, value))
    assert reasons(found) == expected
    assert found.stale == ()


LIVE = [
    ("services/db/ready", {"http": "/h"}, "db", ("ready.http",)),
    ("services/db/restart", "always", "db", ("restart",)),
    ("services/db/breaker", {"failures": 9}, "db", ("breaker.failures",)),
    ("services/db/log", {"lines": 9}, "db", ("log.lines",)),
    ("services/db/watch", ["/x"], "db", ("watch",)),
    ("services/api/depends_on", {"db": {"restart": True}}, "api", ("depends_on.db",)),
    ("services/theirs/url", "http://127.0.0.1:10", "theirs", ("url",)),
    ("services/stand-in/env", {"X": "1"}, "stand-in", ("env.X",)),
    ("services/stand-in/cwd", "/y", "stand-in", ("cwd",)),
]


@pytest.mark.parametrize(("path", "value", "service", "keys"), LIVE)
def test_what_is_taken_live(path: str, value: object, service: str, keys: tuple[str, ...]) -> None:
    found = plan(Profile.model_validate(BEFORE), changed(path, value))
    assert [(reason.service, reason.keys) for reason in found.adopt] == [(service, keys)]
    assert reasons(found) == {}
    assert len(found.keep) == 3


def test_what_changes_nothing_that_runs() -> None:
    for path, value in (("services/theirs/allow_remote", True), ("description", "x"), ("name", "y")):
        found = plan(Profile.model_validate(BEFORE), changed(path, value))
        assert found.keep == ("api", "db", "stand-in", "theirs")
        assert not found.empty


def test_a_variable_that_the_service_sets_itself_does_not_reach_it() -> None:
    old, new = (profile(env={"A": value}, services={"api": {"command": "x", "env": {"A": "own"}}}) for value in "12")
    assert plan(old, new).keep == ("api",)


def test_to_unset_is_not_to_leave_out() -> None:
    old, new = (
        profile(services={"api": {"command": "x"}}),
        profile(services={"api": {"command": "x", "env": {"A": None}}}),
    )
    assert reasons(plan(old, new)) == {"api": ("env.A",)}


def test_an_edited_env_file_restarts_those_that_read_it() -> None:
    services = {"a": {"command": "x", "env_file": "/a.env"}, "b": {"command": "x"}, "c": {"stub": True}}
    old, new = (
        profile(services=services, env_digests={"/a.env": {"A": value, "B": "1"}, "/p.env": {"C": "1"}})
        for value in "12"
    )
    assert reasons(plan(old, new)) == {"a": ("env_file.A",)}
    old, new = (profile(services=services, env_file="/p.env", env_digests={"/p.env": {"A": value}}) for value in "12")
    assert reasons(plan(old, new)) == {"a": ("env_file.A",), "b": ("env_file.A",)}


def test_variables_that_came_and_went_are_named_and_those_that_come_out_the_same_are_not() -> None:
    services = {"a": {"command": "x", "env_file": ["/a.env", "/b.env"], "env": {"OWN": "1"}}}
    old = profile(
        services=services, env_digests={"/a.env": {"A": "1", "B": "1", "GONE": "1", "OWN": "1"}, "/b.env": {"B": "2"}}
    )
    new = profile(
        services=services, env_digests={"/a.env": {"A": "1", "B": "3", "NEW": "1", "OWN": "2"}, "/b.env": {"B": "2"}}
    )
    assert reasons(plan(old, new)) == {"a": ("env_file.GONE", "env_file.NEW")}


@pytest.mark.parametrize("there", [{}, {"A": "1"}])
def test_an_env_file_that_can_be_read_again_is_a_change(there: dict[str, str]) -> None:
    services = {"a": {"command": "x", "env_file": "/a.env"}}
    old, new = (profile(services=services, env_digests={"/a.env": found}) for found in (None, there))
    assert reasons(plan(old, new)) == {"a": ("env_file.A" if there else "env_file",)}


def test_another_file_with_the_same_variables_is_a_change() -> None:
    digests = {"/a.env": {"A": "1"}, "/b.env": {"A": "1"}}
    old, new = (
        profile(services={"a": {"command": "x"}}, env_file=file, env_digests=digests) for file in ("/a.env", "/b.env")
    )
    assert reasons(plan(old, new)) == {"a": ("env_file",)}


def test_services_that_come_and_go() -> None:
    old = profile(services={"a": {"command": "x"}, "b": {"command": "y"}})
    new = profile(services={"b": {"command": "y"}, "c": {"command": "z"}})
    found = plan(old, new)
    assert (found.stop, found.keep, found.start) == (("a",), ("b",), ("c",))


def test_from_nothing_everything_starts() -> None:
    found = plan(None, Profile.model_validate(BEFORE))
    assert found.old == ""
    assert found.start == ("api", "db", "stand-in", "theirs")
    assert found.routes.added == ("/a", "/b")
    assert (found.gateway, found.rebind) == ((), ())


def test_the_gateway_live_or_with_another_socket() -> None:
    found = plan(
        profile(gateway={"port": 1, "hold": "1s"}, sync={"interval": "5s"}),
        profile(
            gateway={"port": 2, "host": "::1", "hold": "2s", "cors": {"credentials": False}}, reload={"watch": False}
        ),
    )
    assert found.gateway == ("cors", "hold", "sync", "reload")
    assert found.rebind == ("127.0.0.1:1 -> ::1:2",)


def test_a_gateway_that_moves_makes_stale_and_restarts_nobody() -> None:
    services = {"a": {"command": "x"}, "b": {"stub": True}, "c": {"url": "http://127.0.0.1:9"}, "d": {"command": "y"}}
    old = profile(services=services, gateway={"port": 1})
    new = profile(services=services | {"d": {"command": "z"}}, gateway={"port": 2}, reload={"restart": "auto"})
    for switch in (True, False):
        found = plan(old, new, switch=switch)
        assert [(reason.service, reason.keys) for reason in found.stale] == [("a", ("gateway.port",))]
        assert [(reason.service, reason.keys) for reason in found.restart] == [("d", ("command", "gateway.port"))]
        assert found.keep == ("b", "c")


def test_a_reload_asks_where_a_switch_does_not() -> None:
    old, new = (
        profile(services={"a": {"command": "x"}}),
        profile(services={"a": {"command": "y"}, "b": {"command": "z"}}),
    )
    asked = plan(old, new, switch=False)
    assert ([reason.service for reason in asked.stale], asked.restart, asked.start) == (["a"], (), ("b",))
    auto = new.model_copy(update={"reload": new.reload.model_copy(update={"restart": "auto"})})
    assert [reason.service for reason in plan(old, auto, switch=False).restart] == ["a"]


def test_equal_profiles_need_nothing() -> None:
    found = plan(Profile.model_validate(BEFORE), Profile.model_validate(BEFORE))
    assert found.empty
    assert found.summary == "nothing to do"


# Routes


def routes(*items: Mapping[str, object]) -> list[RouteSpec]:
    return [RouteSpec.model_validate({"service": "s", **item}) for item in items]


def test_routes_by_what_they_match() -> None:
    found = route_changes(
        routes({"path": "/keep"}, {"path": "/gone"}, {"path": "/to"}, {"path": "/named", "name": "old"}),
        routes({"path": "/to", "service": "t"}, {"path": "/new"}, {"path": "/keep"}, {"path": "/named", "name": "new"}),
    )
    assert (found.added, found.removed, found.changed) == (("/new",), ("/gone",), ("/to", "new"))


def test_another_method_is_another_route() -> None:
    found = route_changes(routes({"path": "/a", "methods": "GET"}), routes({"path": "/a", "methods": ["GET", "POST"]}))
    assert (found.added, found.removed, found.changed) == (("GET|POST /a",), ("GET /a",), ())


def test_keys_one_level_deep() -> None:
    one = ServiceSpec.model_validate(
        {"stub": {"responses": [{"path": "/a"}]}, "ready": {"http": "/a"}, "env": {"A": "1"}}
    )
    two = ServiceSpec.model_validate(
        {"stub": {"responses": [{"path": "/b"}]}, "ready": {"http": "/b"}, "env": {"B": "1"}}
    )
    assert changed_keys(one, two) == ("stub.responses", "env.A", "env.B", "ready.http")
    assert changed_keys(one, one) == ()


# Property: a plan, carried out by the book, leads to the new profile

services = st.fixed_dictionaries(
    {},
    optional={
        "command": st.sampled_from(["x", "y"]),
        "url": st.sampled_from(["http://127.0.0.1:1", "http://127.0.0.1:2"]),
        "stub": st.sampled_from([True, False, {"latency": "1s"}]),
        "port": st.sampled_from([1, 2, "auto"]),
        "env": st.dictionaries(st.sampled_from("AB"), st.sampled_from(["1", None])),
        "restart": st.sampled_from(["no", "always"]),
        "depends_on": st.lists(st.sampled_from("abc"), unique=True),
        "allow_remote": st.booleans(),
        "missing": st.sampled_from(["stub", "block"]),
    },
)
profiles = st.builds(
    Profile.model_validate,
    st.fixed_dictionaries(
        {
            "services": st.dictionaries(st.sampled_from("abc"), services),
            "routes": st.lists(
                st.fixed_dictionaries({"path": st.sampled_from(["/a", "/b", "/c"]), "service": st.sampled_from("ab")}),
                unique_by=lambda route: route["path"],
            ),
            "env": st.dictionaries(st.sampled_from("AB"), st.sampled_from(["1", "2"])),
            "gateway": st.fixed_dictionaries({"port": st.sampled_from([1, 2]), "hold": st.sampled_from(["1s", "2s"])}),
            "sync": st.fixed_dictionaries({"enabled": st.booleans()}),
            "reload": st.fixed_dictionaries({"restart": st.sampled_from(["ask", "auto"])}),
        }
    ),
)


@given(profiles, profiles, st.booleans())
def test_carrying_out_the_plan_leads_to_the_new_profile(old: Profile, new: Profile, switch: bool) -> None:
    found = plan(old, new, switch=switch)
    touched = [
        *found.stop,
        *found.start,
        *found.keep,
        *(reason.service for reason in (*found.restart, *found.adopt, *found.stale)),
    ]
    assert sorted(touched) == sorted(old.services.keys() | new.services.keys())

    running = dict(old.services)
    for name in found.stop:
        del running[name]
    for name in (*found.start, *(reason.service for reason in (*found.restart, *found.adopt, *found.stale))):
        running[name] = new.services[name]
    for name in found.keep:  # what nobody touches must already be as it should, but for what has no effect
        assert set(changed_keys(running[name], new.services[name])) <= {"allow_remote"}
        running[name] = new.services[name]
    assert running == new.services

    table = {route.id: route for route in old.routes}
    for key in found.routes.removed:
        del table[key]
    for key in (*found.routes.added, *found.routes.changed):
        table[key] = next(route for route in new.routes if route.id == key)
    assert table == {route.id: route for route in new.routes}

    assert bool(found.rebind) == (old.gateway.port != new.gateway.port)
    assert ("hold" in found.gateway) == (old.gateway.hold != new.gateway.hold)
    assert ("sync" in found.gateway) == (old.sync != new.sync)
    assert found.empty == (old == new)


@given(profiles)
def test_a_plan_from_a_profile_to_itself_is_empty(same: Profile) -> None:
    assert plan(same, same).summary == "nothing to do"


def test_what_a_process_has_not_seen() -> None:
    old = profile(services={"a": {"command": "x", "env": {"LEVEL": "info"}}, "gone": {"command": "y"}})
    new = profile(
        services={"a": {"command": "x", "env": {"LEVEL": "debug"}, "log": {"lines": 9}}, "new": {"command": "z"}}
    )
    assert unseen(old, new, "a") == ("env.LEVEL",)
    assert unseen(old, old, "a") == ()
    assert unseen(old, new, "gone") == unseen(old, new, "new") == unseen(old, new, "never") == ()


@pytest.mark.parametrize(
    ("before", "after", "told"), [(True, True, False), (True, False, True), (False, True, True), (False, False, True)]
)
def test_only_a_stand_in_that_stays_one_does_not_care_where_the_gateway_is(
    before: bool, after: bool, told: bool
) -> None:
    def with_port(port: int, stub: bool) -> Profile:
        return profile(gateway={"port": port}, services={"a": {"command": "x", "stub": stub}})

    assert ("gateway.port" in unseen(with_port(1, before), with_port(2, after), "a")) is told
