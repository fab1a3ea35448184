"""Which route wins, and why: SEMANTICS 3.5 as a table, and a naive oracle that must agree."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.gateway.table import Match, NoMatch, RoutingTable
from devgate.gateway.target import BadTarget
from devgate.model.expression import PathExpression
from devgate.model.route import RouteSpec


def table(*routes: dict[str, object] | str) -> RoutingTable:
    specs = [{"path": route} if isinstance(route, str) else route for route in routes]
    return RoutingTable(RouteSpec.model_validate({"service": "s", **spec}) for spec in specs)


def winner(
    subject: RoutingTable, path: bytes, method: str = "GET", host: bytes = b"localhost", **headers: str
) -> int | None:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    found = subject.match(method, path, host, sent)
    return found.route.index if isinstance(found, Match) else None


@pytest.mark.parametrize(
    ("pattern", "matching", "missing"),
    [
        ("/abc", [b"/abc", b"/abc/", b"//abc", b"/%61bc"], [b"/abcd", b"/abc/d", b"/", b"/ABC", b"/abc%2F"]),
        ("/abc/*", [b"/abc", b"/abc/", b"/abc/d", b"/abc/d/e/"], [b"/abcd", b"/x/abc", b"/"]),
        ("/*", [b"/", b"/a", b"/a/b"], []),
        ("/", [b"/", b"//"], [b"/a"]),
        ("/chat/{id}", [b"/chat/7", b"/chat/a%2Fb", b"/chat/7/"], [b"/chat", b"/chat/7/messages", b"/chat//"]),
        ("/chat/{id}/messages", [b"/chat/7/messages"], [b"/chat/messages", b"/chat/7/8/messages"]),
        ("/a/{x}/c", [b"/a/b/c"], [b"/a/c", b"/a/b/b/c", b"/a/b/c/d"]),
        ("/a/{x}/c/*", [b"/a/b/c", b"/a/b/c/d/e"], [b"/a/c"]),
        ("/a/*/c", [b"/a/b/c", b"/a/%2F/c/"], [b"/a/c", b"/a/b/b/c", b"/a/b/c/d", b"/a//c"]),
        ("/*/c/*", [b"/a/c", b"/a/c/d/e"], [b"/c", b"/a/b/c"]),
        (
            "~/v[0-9]+/(users|groups)",
            [b"/v1/users", b"/v20/groups/", b"//v1/%75sers", b"/v1;x/users"],
            [b"/v1", b"/v1/users/7"],
        ),
        ("~/v1/.*", [b"/v1", b"/v1/", b"/v1/a/b", b"/v1/a%0Ab"], [b"/v1x", b"/V1/a", b"/x/v1/a"]),
        ("~/files/[^/]+", [b"/files/a%2Fb", b"/files/\xff", b"/files/%C3%BC"], [b"/files", b"/files/a/b"]),
        ("~/ü.", [b"/%C3%BCx", b"/\xc3\xbc%FF"], [b"/%FCx"]),
        ("~/a%2Fb/.*", [b"/a%2fb/c"], [b"/a/b/c"]),
        ("/a b".replace(" ", "%20"), [b"/a%20b"], [b"/a+b"]),
        ("/ü", [b"/%C3%BC", b"/\xc3\xbc"], [b"/%FC"]),
    ],
)
def test_patterns(pattern: str, matching: list[bytes], missing: list[bytes]):
    subject = table(pattern)
    assert [path for path in matching if winner(subject, path) is None] == []
    assert [path for path in missing if winner(subject, path) is not None] == []


@pytest.mark.parametrize(
    ("routes", "path", "index", "why"),
    [
        (["/a/b", {"path": "/*", "priority": 1}], b"/a/b", 1, "its priority is lower"),
        (["/a/{x}", "/a/b"], b"/a/b", 1, "the winner is exact"),
        (["~/a/b", "/*"], b"/a/b", 1, "it is a regular expression"),
        (["/*", {"path": "~/a/b", "priority": 1}], b"/a/b", 1, "its priority is lower"),
        (["~/.*", "~/a/.*"], b"/a/b", 1, "fewer of its characters are literal"),
        (["~/a/.*", "~/a/b*"], b"/a/b", 0, "it stands later in the profile"),
        (["/a/*/c", "/a/{x}/c"], b"/a/b/c", 0, "it stands later in the profile"),
        (["/a/b/*", "/a/b"], b"/a/b", 1, "the winner is exact"),
        (["/a/*", "/a/b/*"], b"/a/b/c", 1, "fewer of its characters are literal"),
        (["/a/{x}/long", "/a/{x}/*"], b"/a/b/long", 0, "fewer of its characters are literal"),
        (["/a/*", "/a/{x}"], b"/a/b", 1, "it is open at the end"),
        (["/a", {"path": "/a", "hosts": ["localhost"]}], b"/a", 1, "it names no host"),
        (["/a", {"path": "/a", "methods": ["GET"]}], b"/a", 1, "it names no method"),
        (["/a", {"path": "/a", "headers": {"X-A": "*"}}], b"/a", 1, "it has fewer header conditions"),
        (["/a", "/a/"], b"/a", 0, "it stands later in the profile"),
    ],
)
def test_order(routes: list[dict[str, object] | str], path: bytes, index: int, why: str):
    subject = table(*routes)
    assert winner(subject, path, x_a="1", **{"X-A": "1"}) == index
    explanation = subject.explain("GET", path, b"localhost", [(b"x-a", b"1")])
    assert [candidate.why for candidate in explanation.candidates if not candidate.wins] == [why]


def test_a_get_route_serves_head():
    subject = table({"path": "/a", "methods": ["GET"]})
    assert winner(subject, b"/a", "HEAD") == 0
    assert winner(table({"path": "/a", "methods": ["POST"]}), b"/a", "HEAD") is None


def test_only_the_method_misses():
    subject = table({"path": "/a", "methods": ["GET"]}, {"path": "/a", "methods": ["POST", "PUT"]}, {"path": "/b"})
    assert subject.match("DELETE", b"/a", b"", []) == NoMatch(("GET", "HEAD", "POST", "PUT"))
    assert subject.match("DELETE", b"/c", b"", []) == NoMatch()


def test_a_route_for_another_host_does_not_tell_its_methods():
    subject = table({"path": "/a", "methods": ["GET"], "hosts": ["a.localhost"]})
    assert subject.match("POST", b"/a", b"b.localhost", []) == NoMatch()


@pytest.mark.parametrize(
    ("hosts", "host", "fits"),
    [
        (["a.test"], b"a.test", True),
        (["A.test"], b"a.TEST.:8080", True),
        (["a.test"], b"b.a.test", False),
        (["*.a.test"], b"b.a.test:1", True),
        (["*.a.test"], b"c.b.a.test", True),
        (["*.a.test"], b"a.test", False),
        (["*.a.test"], b".a.test", False),
        (["*.a.test"], b"not-a.test", False),
        (["[::1]"], b"[::1]:8080", True),
        (["[::1]"], b"[::1]", True),
    ],
)
def test_hosts(hosts: list[str], host: bytes, fits: bool):
    assert (winner(table({"path": "/", "hosts": hosts}), b"/", host=host) == 0) is fits


def test_headers_match_exactly_or_by_being_there():
    subject = table({"path": "/", "headers": {"X-Version": "2", "x-flag": "*"}})
    assert winner(subject, b"/", **{"x-version": "2", "X-Flag": ""}) == 0
    assert winner(subject, b"/", **{"x-version": "2"}) is None
    assert winner(subject, b"/", **{"x-version": "22", "x-flag": "1"}) is None
    assert isinstance(
        subject.match("GET", b"/", b"", [(b"x-version", b"1"), (b"x-version", b"2"), (b"x-flag", b"")]), Match
    )


@pytest.mark.parametrize(
    ("pattern", "path", "forwarded"),
    [
        ("/meili", b"/meili/indexes", b"/indexes"),
        ("/meili", b"/meili", b"/"),
        ("/meili/*", b"/meili/a%2Fb/", b"/a%2Fb/"),
        ("/v1/{x}/y", b"/v1/7/y/z", b"/7/y/z"),
        ("/*", b"/a//b", b"/a//b"),
        ("/a/*/c", b"/a/b/c/d", b"/b/c/d"),
        ("/v1/auth", b"/v1/auth/x", b"/x"),
        ("/v1/auth", b"/v1/auth", b"/"),
        ("/v1/auth", b"/v1/auth/", b"/"),
        ("/v1/auth", b"/v1/auth/x/", b"/x/"),
        ("/v1/auth", b"/v1/auth//x", b"/x"),
        ("/v1/auth", b"//v1//auth////x//y", b"/x//y"),
        ("/v1/auth", b"/v1/%61uth;a=1/x;b=2", b"/x;b=2"),
        ("~/meili/(indexes|stats)/?", b"/meili/stats/", b"/stats/"),
        ("~/v[0-9]/.*", b"/v1/x", b"/v1/x"),
    ],
)
def test_strip_prefix_takes_the_literal_beginning(pattern: str, path: bytes, forwarded: bytes):
    found = table({"path": pattern, "strip_prefix": True}).match("GET", path, b"", [])
    assert isinstance(found, Match)
    assert found.path == forwarded


def test_without_strip_the_path_goes_on_as_it_came():
    found = table("/a/*").match("GET", b"//a/./%62//", b"", [])
    assert isinstance(found, Match)
    assert found.path == b"//a/./%62//"


def test_a_refused_path_is_refused_before_routes_are_asked():
    for ask in (table("/*").match, table("/*").explain):
        with pytest.raises(BadTarget):
            ask("GET", b"/a/../b", b"", [])


def test_explain_lists_candidates_and_their_reasons():
    subject = table(
        {"path": "/api/*", "service": "rest"},
        {"path": "/api/users", "service": "users", "methods": ["GET"]},
        {"path": "/api/users", "methods": ["POST"]},
        {"path": "/api/users", "hosts": ["x.test"]},
        {"path": "/api/users", "headers": {"X-A": "1"}},
        "/other",
    )
    explanation = subject.explain("GET", b"/api/users", b"localhost:8080")
    assert explanation.winner is subject.routes[1]
    assert explanation.forwarded == b"/api/users"
    said = {candidate.route: candidate.why for candidate in explanation.candidates}
    assert said == {
        "x.test /api/users": "the host is not x.test",
        "GET /api/users": "first in the order of priority, exactness and length",
        "POST /api/users": "the method is not POST",
        "/api/users X-A=1": "the header x-a is not as it asks",
        "/api/*": "the winner is exact",
    }
    assert [candidate.service for candidate in explanation.candidates if candidate.wins] == ["users"]


def test_explain_without_a_winner_names_what_is_near():
    subject = table({"path": "/api/users", "methods": ["GET"]}, "/api/orders", "/other")
    assert subject.explain("GET", b"/api/user").nearest[0] == "GET /api/users"
    assert subject.explain("PUT", b"/api/users").allow == ("GET", "HEAD")


def test_what_neither_host_nor_headers_can_change_is_settled():
    subject = table(
        "/a",
        {"path": "/b", "hosts": ["x.test"]},
        {"path": "/c", "headers": {"X": "*"}},
        {"path": "/*", "methods": ["GET"]},
    )
    settled = subject.settled("GET", b"/a")
    assert settled == subject.match("GET", b"/a", b"", [])
    assert subject.settled("GET", b"/d") is not None
    for method, path in (("GET", b"/b"), ("GET", b"/c"), ("PUT", b"/d")):
        assert subject.settled(method, path) is None


def test_expressions_do_not_ask_of_paths_that_begin_otherwise(monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(PathExpression, "fits", lambda _, path: not asked.append(path))
    subject = table("~/api/v[0-9]+/.*", "/b")
    assert [winner(subject, path) for path in (b"/b", b"/c", b"/", b"/api/v1/x")] == [1, None, None, 0]
    assert asked == ["/api/v1/x"]


NAMES = st.sampled_from(["a", "b", "ab", "c"])
PATTERNS = st.builds(
    lambda parts, rest: "/" + "/".join([*parts, *(["*"] if rest else [])]),
    st.lists(NAMES | st.sampled_from(["{x}", "*"]), max_size=4),
    st.booleans(),
)


def oracle(pattern: str, path: str) -> bool:
    """The meaning of a pattern said once more, as a regular expression."""
    parts = [part for part in pattern.split("/") if part]
    rest = parts[-1:] == ["*"]
    body = "".join("/[^/]+" if part in ("{x}", "*") else f"/{part}" for part in (parts[:-1] if rest else parts))
    return re.fullmatch(body + ("(/.*)?" if rest else "/?"), path if path != "/" else "") is not None or (
        path == "/" and re.fullmatch(body + ("(/.*)?" if rest else "/?"), "/") is not None
    )


@given(st.lists(PATTERNS, min_size=1, max_size=6), st.lists(NAMES, max_size=5))
def test_a_table_agrees_with_an_oracle_and_with_its_explanation(patterns: list[str], names: list[str]):
    path = "/" + "/".join(names)
    subject = table(*patterns)
    fitting = [index for index, pattern in enumerate(patterns) if oracle(pattern, path)]
    found = subject.match("GET", path.encode(), b"", [])
    assert (subject.settled("GET", path.encode()) or NoMatch()) == found
    explanation = subject.explain("GET", path.encode())
    assert sorted(candidate.route for candidate in explanation.candidates) == sorted(
        subject.routes[i].id for i in fitting
    )
    if isinstance(found, Match):
        assert found.route.rank == min(subject.routes[index].rank for index in fitting)
        assert explanation.winner is found.route
    else:
        assert fitting == []


@pytest.mark.parametrize("path", [b"//admin", b"/admin//", b"//admin//x", b"///admin/x", b"/./admin//x"])
def test_doubled_slashes_lead_past_no_route(path: bytes) -> None:
    """Why they need not be refused: what `/admin` is guarded by is asked whatever stands between its segments."""
    found = table("/*", "/admin/*").match("GET", path, b"", [])
    assert not isinstance(found, NoMatch)
    assert found.route.spec.path == "/admin/*"
