"""`devgate routes`: of the running devgate or of a file; and which one a request takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl

PROFILE = """
gateway: {port: 8080, hosts: [beta.example]}
services: {api: {stub: true, port: auto}, files: {stub: true, port: auto}, beta: {stub: true, port: auto}}
routes:
  - {path: "/api/chat/{id}", service: api, methods: [GET]}
  - {path: /api/*, service: api}
  - {path: /files, service: files, strip_prefix: true, methods: [GET]}
  - {path: /api/chat/1, service: beta, headers: {X-Beta: "1"}}
  - {path: /only, service: beta, hosts: [beta.example]}
"""


@pytest.fixture
def offline(cli: Cli, tmp_path: Path) -> Cli:
    (tmp_path / "devgate.yaml").write_text(PROFILE)
    return cli


def test_routes_of_the_running_one_with_the_state_of_their_service(cli: Cli, running: FakeControl) -> None:
    out = cli("routes").out
    for row in running.now.routes:
        line = next(line for line in out.splitlines() if row.path in line or row.id in line)
        assert row.service in line
    assert "✖" in out


def test_routes_of_a_file_where_nothing_runs(offline: Cli) -> None:
    result = offline("routes")
    assert result.code == 0
    assert [line.split()[0] for line in result.out.splitlines()[1:]] == [
        "/api/chat/{id}", "/api/*", "/files", "/api/chat/1", "/only",
    ]  # fmt: skip


def test_as_json(offline: Cli) -> None:
    document = offline("routes", "--json").json()
    assert document[0] == {"id": "GET /api/chat/{id}", "path": "/api/chat/{id}", "methods": ["GET"], "service": "api"}


def test_the_winner_and_why_the_others_lose(offline: Cli) -> None:
    result = offline("routes", "explain", "GET", "/api/chat/1")
    assert result.code == 0
    way, _, candidates = (part.splitlines() for part in result.out.partition("\n\n"))
    first, sees, *_ = way
    del candidates[0]  # the heading
    assert first == "GET /api/chat/{id} -> api"
    assert sees == "the service sees /api/chat/1"
    assert len(candidates) == 3
    assert any("/api/chat/1" in line and "X-Beta" in line.title() for line in candidates)


def test_headers_decide(offline: Cli) -> None:
    assert "-> beta" in offline("routes", "explain", "get", "/api/chat/1", "-H", "x-beta: 1").out
    assert offline("routes", "explain", "GET", "/only").code == 1
    assert "-> beta" in offline("routes", "explain", "GET", "/only", "-H", "Host: BETA.example:8080").out
    assert "-> beta" in offline("routes", "explain", "GET", "http://beta.example/only?x=1").out


def test_what_is_taken_away(offline: Cli) -> None:
    assert "the service sees /a%2Fb" in offline("routes", "explain", "GET", "/files/a%2Fb?q").out


def test_a_regular_expression_is_the_last_to_be_asked(offline: Cli, tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text(PROFILE + "  - {path: '~/(api|v[0-9]+)/chat/.*', service: beta}\n")
    assert "~/(api|v[0-9]+)/chat/.* " in offline("routes").out
    assert offline("routes", "explain", "GET", "/v2/chat/7?q").out.startswith("~/(api|v[0-9]+)/chat/.* -> beta\n")
    out = offline("routes", "explain", "GET", "/api/chat/7").out
    assert out.startswith("GET /api/chat/{id} -> api\n")
    assert "it is a regular expression" in out


def test_what_never_comes_to_a_route(offline: Cli) -> None:
    for args, code, said in (
        (("GET", "/only", "-H", "Host: evil.test"), 1, "403: host-not-allowed, The gateway is not called 'evil.test'"),
        (("TRACE", "/api/x"), 1, "405: method-not-allowed, TRACE is not forwarded."),
        (("GET", "/health"), 0, "200: devgate answers this itself: it is one of its own paths"),
        (("GET", "/_devgate/x"), 1, "404: no-route, There is nothing of this name under /_devgate."),
        (("POST", "/api/x", "-H", "Origin: https://evil.test"), 1, "403: origin-not-allowed, "),
        (
            ("OPTIONS", "/api/x", "-H", "Origin: tauri://localhost", "-H", "Access-Control-Request-Method: GET"),
            0,
            "204: ",
        ),
    ):
        result = offline("routes", "explain", *args)
        assert (result.code, result.out[: len(said)]) == (code, said)
        document = offline("routes", "explain", *args, "--json").json()
        assert (document["route"], document["status"]) == (None, int(said[:3]))
    allowed = offline("routes", "explain", "POST", "/api/x", "-H", "Origin: tauri://localhost").out
    assert "on the way  cors: tauri://localhost is allowed\n" in allowed


def test_no_route(offline: Cli) -> None:
    result = offline("routes", "explain", "GET", "/aip/chat")
    assert result.code == 1
    assert "404: no route matches" in result.out
    assert "near: " in result.out
    wrong_method = offline("routes", "explain", "POST", "/files/x")
    assert wrong_method.code == 1
    assert "405: the path matches, with GET, HEAD" in wrong_method.out


def test_an_explanation_as_json(offline: Cli) -> None:
    found = offline("routes", "explain", "GET", "/files/x", "--json").json()
    assert (found["route"], found["service"], found["forwarded"], found["status"]) == (
        "GET /files",
        "files",
        "/x",
        None,
    )
    assert found["candidates"][0]["wins"] is True
    missing = offline("routes", "explain", "GET", "/nope", "--json")
    assert missing.code == 1
    assert missing.json()["status"] == 404


@pytest.mark.parametrize("args", [("GET", "nopath"), ("GET", "/a#b"), ("GET", "/x", "-H", "nocolon"), ("GET",)])
def test_nonsense_is_refused(offline: Cli, args: tuple[str, ...]) -> None:
    assert offline("routes", "explain", *args).code == 2


def test_hostile_paths_are_shown_harmless(offline: Cli) -> None:
    for path in ("no\x1b[2J", "/\x1b[2J", "/api/\u202ex", "/api/%1b[2J", "/\udcff"):
        result = offline("routes", "explain", "GET", path)
        assert result.code in (0, 1, 2)
        assert not any(sign in result.out + result.err for sign in "\x1b\u202e")


def test_another_profile_is_explained_without_running_it(offline: Cli, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(PROFILE.replace("/only", "/else"))
    assert "/else" in offline("routes", "--profile", "other.yaml").out
    assert (
        "-> beta"
        in offline("routes", "explain", "GET", "/else", "-H", "Host: beta.example", "--profile", "other.yaml").out
    )


def test_a_profile_that_does_not_load(offline: Cli, tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text("routes: [")
    result = offline("routes")
    assert result.code == 2
    assert "devgate.yaml:" in result.err


def test_every_route_of_a_good_profile_can_win(offline: Cli) -> None:
    result = offline("routes", "verify")
    assert result.code == 0
    assert len(result.out.splitlines()) == 6
    assert [one["verdict"] for one in offline("routes", "verify", "--json").json()] == ["good"] * 5


@pytest.mark.parametrize(
    ("routes", "dead"),
    [
        ("[{path: /a, service: api}, {path: /a, service: api, methods: [GET]}]", []),
        ("[{path: '/a/{x}', service: api, priority: 9}, {path: /a/b, service: api}]", ["/a/b"]),
        ("[{path: /*, service: api, priority: 1}, {path: /x, service: api, hosts: [h.example]}]", ["h.example /x"]),
        ("[{path: /*, service: api, priority: 1, methods: [GET]}, {path: /x, service: api}]", []),
        (
            "[{path: /*, service: api, priority: 1, methods: [GET]}, {path: /x, service: api, methods: [GET]}]",
            ["GET /x"],
        ),
        ("[{path: /*, service: api, priority: 1, headers: {X-A: '1'}}, {path: /x, service: api}]", []),
        ("[{path: /*, service: api, priority: 1, hosts: ['*.example']}, {path: /x, service: api}]", []),
        ("[{path: '/*', service: api}, {path: '~/a/v[0-9]+', service: api}]", ["~/a/v[0-9]+"]),
        ("[{path: '/a/v1', service: api}, {path: '~/a/v[0-9]+', service: api}]", []),
        ("[{path: '/', service: api}, {path: '~/.*', service: api}]", []),
        ("[{path: '/a/*', service: api}, {path: '/a/*/c', service: api}]", []),
        ("[{path: '/a/*', service: api}, {path: '/a/{x}/c', service: api}, {path: '/a', service: api}]", []),
    ],
)
def test_a_route_that_never_wins_is_named(cli: Cli, tmp_path: Path, routes: str, dead: list[str]) -> None:
    (tmp_path / "devgate.yaml").write_text(f"services: {{api: {{stub: true, port: auto}}}}\nroutes: {routes}\n")
    result = cli("routes", "verify", "--json")
    found = [one for one in result.json() if one["verdict"] == "bad"]
    assert [one["route"] for one in found] == dead
    assert all("never wins: " in one["detail"] for one in found)
    assert result.code == (1 if dead else 0)


def test_the_state_of_the_service_counts_where_devgate_runs(cli: Cli, running: FakeControl, tmp_path: Path) -> None:
    names = ("fechatter-server", "bot-server", "presence-server", "billing-server", "stranger")
    services = ", ".join(f"{name}: {{stub: true, port: auto}}" for name in names)
    routes = ", ".join(f"{{path: /{name}, service: {name}}}" for name in names)
    (tmp_path / "devgate.yaml").write_text(f"services: {{{services}}}\nroutes: [{routes}]\n")
    running.change(profile_source="devgate.yaml")
    result = cli("routes", "verify", "--json")
    assert {one["service"]: one["verdict"] for one in result.json()} == {
        "fechatter-server": "good", "bot-server": "bad", "presence-server": "warning", "billing-server": "warning",
        "stranger": "bad",
    }  # fmt: skip
    assert result.code == 1
    assert "bot-server is crashed: exit 1 after 12 s" in cli("routes", "verify").out


def test_what_is_done_on_the_way(offline: Cli, tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text(
        "services: {api: {stub: true, port: auto}}\n"
        "routes: [{path: /x, service: api, compress: {codings: gzip}, fault: {latency: 1s}}]\n"
    )
    lines = offline("routes", "explain", "GET", "/x").out.splitlines()
    assert [line for line in lines if line.startswith("on the way")] == [
        "on the way  fault: 1s late",
        "on the way  held for up to 30s while api is coming back",
        "on the way  breaker: 5 failures in a row open it for 10s",
        "on the way  timeouts: connect 2s here and 10s elsewhere, response 30s, idle 1m, total off",
        "on the way  answers of 1KiB and more are compressed, where the client takes gzip",
    ]
    assert offline("routes", "explain", "GET", "/x", "--json").json()["on_the_way"][0] == "fault: 1s late"
