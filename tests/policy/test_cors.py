"""The cross-origin matrix: Fetch standard, SEMANTICS 3.4, and what the engines were measured to refuse (DESKTOP.md 2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.model.gateway import DEFAULT_ORIGINS, CorsSpec
from devgate.policy.cors import CorsPolicy, explain_refusal

HOST = b"127.0.0.1:8080"
PAGE = b"http://localhost:1420"


def policy(**fields: object) -> CorsPolicy:
    return CorsPolicy(CorsSpec.model_validate(fields))


def fields(lines: bytes) -> dict[bytes, bytes]:
    assert lines == b"" or lines.endswith(b"\r\n")
    pairs = [line.split(b": ", 1) for line in lines.split(b"\r\n")[:-1]]
    assert len({name for name, _ in pairs}) == len(pairs), "a header stands twice"
    return {name.lower(): value for name, value in pairs}


# which origins


@pytest.mark.parametrize("origin", DEFAULT_ORIGINS)
def test_the_front_ends_of_a_tauri_app_are_allowed(origin: str):
    verdict = policy().judge(origin.encode(), HOST)
    assert verdict.allowed
    sent = fields(verdict.lines)
    assert sent[b"access-control-allow-origin"] == origin.encode()
    assert sent[b"access-control-allow-credentials"] == b"true"
    assert sent[b"vary"] == b"Origin"
    assert b"*" not in sent[b"access-control-expose-headers"]
    assert b"X-Request-ID" in sent[b"access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin",
    [
        b"null",
        b"",
        b"http://localhost:14200",
        b"http://localhost:1420/",
        b"http://localhost",
        b"https://localhost:1420",
        b"HTTP://localhost:1420",
        b"tauri://localhost.evil.example",
        b"http://eviltauri.localhost",
        b"tauri://evil",
        b"http://localhost:1420, http://localhost:1420",
        b"http://localhost:1420\xff",
        b"*",
    ],
)
def test_a_foreign_origin_reads_nothing(origin: bytes):
    verdict = policy().judge(origin, HOST)
    assert not verdict.allowed
    assert fields(verdict.lines) == {b"vary": b"Origin"}


@pytest.mark.parametrize(
    ("method", "upgrade", "refused"),
    [
        ("GET", False, False),
        ("HEAD", False, False),
        ("OPTIONS", False, False),
        ("POST", False, True),
        ("PUT", False, True),
        ("DELETE", False, True),
        ("PROPFIND", False, True),
        ("GET", True, True),
    ],
)
def test_what_a_foreign_origin_may_send(method: str, upgrade: bool, refused: bool):
    rules = policy()
    assert rules.judge(b"http://evil.test", HOST).refuses(method, upgrade=upgrade) is refused
    assert not rules.judge(PAGE, HOST).refuses(method, upgrade=upgrade)
    assert not rules.judge(None, HOST).refuses(method, upgrade=upgrade)


def test_no_origin_is_no_page_and_still_varies():
    verdict = policy().judge(None, HOST)
    assert verdict.allowed
    assert fields(verdict.lines) == {b"vary": b"Origin"}


@pytest.mark.parametrize("host", [b"127.0.0.1:8080", b"LOCALHOST:8080"])
def test_a_page_served_through_the_gateway_is_of_the_same_origin(host: bytes):
    rules = policy()
    assert rules.judge(b"http://" + host.lower(), host).allowed
    assert not rules.judge(b"https://" + host.lower(), host).allowed
    assert not rules.judge(b"http://" + host.lower(), b"127.0.0.1:9999").allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (b"http://app.example.test", True),
        (b"http://a-1.example.test", True),
        (b"http://example.test", False),
        (b"http://a.b.example.test", False),
        (b"http://.example.test", False),
        (b"https://app.example.test", False),
        (b"http://app.example.test:80", False),
        (b"http://app.exampleXtest", False),
        (b"http://evil.test/.example.test", False),
        (b"http://app.example.test.evil.test", False),
    ],
)
def test_a_star_is_one_whole_label(origin: bytes, allowed: bool):
    assert policy(origins=["http://*.example.test"]).judge(origin, HOST).allowed is allowed


@pytest.mark.parametrize("entry", ["http://a*.example.test", "http://a.*.test", "*://a.test", "http://*", "http://*."])
def test_a_star_elsewhere_matches_nothing(entry: str):
    rules = policy(origins=[entry])
    for origin in (b"http://ab.example.test", b"http://a.b.test", b"http://a.test", b"http://x", entry.encode()):
        assert not rules.judge(origin, HOST).allowed


def test_a_star_alone_is_for_everybody_but_null_and_only_without_credentials():
    rules = policy(origins=["*"], credentials=False)
    verdict = rules.judge(b"http://any.test", HOST)
    assert fields(verdict.lines)[b"access-control-allow-origin"] == b"*"
    assert b"access-control-allow-credentials" not in fields(verdict.lines)
    assert not rules.judge(b"null", HOST).allowed
    assert not policy(origins=["*"]).judge(b"http://any.test", HOST).allowed


def test_null_is_refused_even_where_it_is_listed():
    assert not policy(origins=["null"]).judge(b"null", HOST).allowed


@given(st.binary(max_size=60))
def test_whatever_is_reflected_was_listed(origin: bytes):
    verdict = policy().judge(origin, HOST)
    assert verdict.allowed == (origin.decode("latin-1") in DEFAULT_ORIGINS or origin == b"http://" + HOST)
    assert b"\r\n\r\n" not in verdict.lines


def test_the_memo_is_bounded():
    rules = policy()
    for number in range(2000):
        rules.judge(b"http://h%d" % number, HOST)
    assert len(rules._memo) <= 256


# preflight


def asked(rules: CorsPolicy, method: bytes, headers: bytes | None = None, origin: bytes = PAGE, **more: bool):
    return rules.preflight(rules.judge(origin, HOST), method, headers, **more)


def test_a_good_preflight_is_told_just_what_it_asked():
    answer = asked(policy(), b"PATCH", b"content-type,x-trace, authorization")
    assert not answer.refusal
    assert fields(answer.lines) == {
        b"access-control-allow-origin": PAGE,
        b"access-control-allow-credentials": b"true",
        b"access-control-allow-methods": b"PATCH",
        b"access-control-allow-headers": b"content-type, x-trace, authorization",
        b"access-control-max-age": b"600",
        b"vary": b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    }


def test_private_network_is_granted_when_asked():
    sent = fields(asked(policy(), b"GET", private_network=True).lines)
    assert sent[b"access-control-allow-private-network"] == b"true"
    assert sent[b"vary"].endswith(b", Access-Control-Request-Private-Network")
    assert b"access-control-allow-private-network" not in fields(asked(policy(), b"GET").lines)


@pytest.mark.parametrize(
    ("arguments", "why", "hint"),
    [
        ({"method": b"GET", "origin": b"http://localhost:1421"}, "origin", "nearest entry is http://localhost:1420"),
        ({"method": b"GET", "origin": b"null"}, "origin", "so can any page"),
        ({"method": b"patch"}, "'patch'", "write the method as 'PATCH'"),
        ({"method": b"PROPFIND"}, "'PROPFIND'", "gateway.cors.methods"),
        ({"method": b"GET", "headers": b"x-a, b\xe4d"}, "request header", "gateway.cors.headers"),
        ({"method": b"GET", "headers": b"x y"}, "'x y'", ""),
    ],
)
def test_a_refusal_says_which_check_failed_and_gives_nothing_away(arguments: dict[str, bytes], why: str, hint: str):
    answer = asked(policy(), **arguments)
    assert why in answer.refusal
    assert hint in answer.hint
    assert answer.lines == b""


def test_authorization_must_be_named():
    answer = asked(policy(headers=["*"]), b"GET", b"Authorization")
    assert "does not cover it" in answer.hint
    assert not asked(policy(headers=["authorization"]), b"GET", b"Authorization").refusal


def test_without_a_star_headers_are_exact_and_the_nearest_is_named():
    rules = policy(headers=["X-Trace-Id"])
    assert not asked(rules, b"GET", b"x-trace-id").refusal
    assert "x-trace-id" in asked(rules, b"GET", b"x-trace-ids").hint


# a service's own headers


def test_override_replaces():
    assert not policy().keeps_upstream


def test_passthrough_adds_nothing_but_vary():
    rules = policy(upstream="passthrough")
    assert rules.keeps_upstream
    assert rules.complete(rules.judge(PAGE, HOST), []) == b"Vary: Origin\r\n"


def test_fill_adds_what_is_absent():
    rules = policy(upstream="fill")
    verdict = rules.judge(PAGE, HOST)
    assert rules.complete(verdict, []) == verdict.lines
    added = fields(rules.complete(verdict, [(b"access-control-allow-origin", PAGE)]))
    assert set(added) == {b"access-control-allow-credentials", b"access-control-expose-headers", b"vary"}


@pytest.mark.parametrize("theirs", [b"*", b"http://other.test"])
def test_fill_never_mixes_with_an_answer_to_another_origin(theirs: bytes):
    rules = policy(upstream="fill")
    verdict = rules.judge(PAGE, HOST)
    assert rules.complete(verdict, [(b"access-control-allow-origin", theirs)]) == b"Vary: Origin\r\n"


def test_fill_gives_a_foreign_origin_nothing():
    rules = policy(upstream="fill")
    assert rules.complete(rules.judge(b"http://evil.test", HOST), []) == b"Vary: Origin\r\n"


@pytest.mark.parametrize(
    "origin", [b"", b"localhost:1420", b"http://a.test, http://b.test", b"http://a.test/", b"\xff"]
)
def test_what_no_browser_sends_is_not_to_be_added(origin: bytes):
    _, hint = explain_refusal(origin, DEFAULT_ORIGINS)
    assert hint == "browsers send scheme and host, and the port if it is unusual, of one origin"


def test_grpc_web_can_read_how_a_call_ended():
    assert {"Grpc-Status", "Grpc-Message"} <= {*CorsSpec().expose}


def test_a_refused_origin_is_explained():
    sentence, hint = explain_refusal(b"http://localhost:1421", DEFAULT_ORIGINS)
    assert "http://localhost:1421" in sentence
    assert "http://localhost:1420" in hint
