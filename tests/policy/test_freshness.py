"""What may be kept and for how long, with the clock given."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.model.caching import CacheSpec
from devgate.policy.cache_control import directives
from devgate.policy.freshness import Freshness, judge, why_not

WALL = 1_800_000_000.0
NOW = 1000.0


def date(at: float) -> bytes:
    return formatdate(at, usegmt=True).encode()


def fields(**given: bytes | str) -> list[tuple[bytes, bytes]]:
    return [
        (name.replace("_", "-").title().encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in given.items()
    ]


def spec(**given: object) -> CacheSpec:
    return CacheSpec.model_validate(given)


CREDENTIALS = "the request carries credentials"


@pytest.mark.parametrize(
    ("request_fields", "status", "answer", "settings", "why"),
    [
        ({}, 200, {}, {}, ""),
        ({}, 404, {}, {}, ""),
        ({}, 206, {}, {}, "status 206"),
        ({}, 304, {}, {}, "status 304"),
        ({}, 500, {}, {}, "status 500"),
        ({"cache_control": "no-store"}, 200, {}, {}, "no-store"),
        ({}, 200, {"cache_control": "No-Store, max-age=9"}, {"force_ttl": "9s"}, "no-store"),
        ({}, 200, {"cache_control": "private"}, {}, "private"),
        ({}, 200, {"cache_control": "private"}, {"authorized": "per-user"}, ""),
        ({}, 200, {"set_cookie": "a=b"}, {"authorized": "per-user"}, "it sets a cookie"),
        ({}, 200, {"vary": "accept, *"}, {}, "it varies with everything"),
        ({"authorization": "x"}, 200, {"cache_control": "max-age=9"}, {}, CREDENTIALS),
        ({"cookie": "a=b"}, 200, {}, {}, CREDENTIALS),
        ({"x_api_key": "a"}, 200, {}, {}, CREDENTIALS),
        ({"authorization": "x"}, 200, {}, {"authorized": "per-user"}, ""),
        ({"authorization": "x"}, 200, {"cache_control": "public"}, {}, ""),
        ({"authorization": "x"}, 200, {"cache_control": "s-maxage=1"}, {}, ""),
        ({"authorization": "x"}, 200, {"cache_control": "must-revalidate"}, {}, ""),
        ({}, 200, {"cache_control": "no-store", "cdn_cache_control": "max-age=9"}, {}, ""),
        ({}, 200, {"cache_control": "max-age=9", "cdn_cache_control": "no-store"}, {}, "no-store"),
        ({"cookie": "a=b"}, 200, {"cache_control": "public", "cdn_cache_control": "max-age=9"}, {}, CREDENTIALS),
    ],
)
def test_what_may_be_kept(request_fields: dict, status: int, answer: dict, settings: dict, why: str):
    request = fields(**request_fields)
    asked = directives(value for name, value in request if name == b"Cache-Control")
    assert why_not(asked, request, status, fields(**answer), spec(**settings)) == why


def test_the_statuses_that_may_be_kept():
    kept = [status for status in range(100, 600) if not why_not({}, [], status, [], spec())]
    assert kept == [200, 203, 204, 300, 301, 308, 404, 410]


@pytest.mark.parametrize(
    ("answer", "settings", "lifetime"),
    [
        ({}, {}, 0.0),
        ({}, {"ttl": "5m"}, 300.0),
        ({"cache_control": "max-age=7"}, {"ttl": "5m"}, 7.0),
        ({"cache_control": "max-age=7, s-maxage=9"}, {}, 9.0),
        ({"cache_control": "max-age=7", "expires": date(WALL + 99)}, {}, 7.0),
        ({"expires": date(WALL + 99), "date": date(WALL)}, {}, 99.0),
        ({"expires": date(WALL + 99)}, {}, 99.0),
        ({"expires": date(WALL - 99)}, {"ttl": "5m"}, 0.0),
        ({"expires": "0"}, {"ttl": "5m"}, 0.0),
        ({"cache_control": "max-age=oops"}, {"ttl": "5m"}, 0.0),
        ({"cache_control": "max-age=7"}, {"force_ttl": "1h"}, 3600.0),
        ({"cache_control": "max-age=7", "cdn_cache_control": "max-age=9"}, {}, 9.0),
        ({"cdn_cache_control": "max-age=9", "expires": "0"}, {}, 9.0),
        ({"cdn_cache_control": "public", "expires": "0"}, {"ttl": "5m"}, 300.0),
    ],
)
def test_how_long(answer: dict, settings: dict, lifetime: float):
    judged = judge(fields(**answer), spec(**settings), asked_at=NOW, now=NOW, wall=WALL)
    assert judged.lifetime_s == lifetime
    assert judged.forced == ("force_ttl" in settings)


@pytest.mark.parametrize(
    ("answer", "age"),
    [
        ({}, 2.0),  # the time it took
        ({"age": "30"}, 32.0),
        ({"age": "30, 0"}, 32.0),
        ({"age": "0, 30"}, 2.0),
        ({"age": "x"}, 2.0),
        ({"date": date(WALL - 10)}, 10.0),
        ({"date": date(WALL + 10)}, 2.0),
        ({"date": "yesterday"}, 2.0),
        ({"date": date(WALL - 10), "age": "30"}, 32.0),
    ],
)
def test_how_old_it_is_when_it_comes(answer: dict, age: float):
    judged = judge(fields(**answer), spec(), asked_at=NOW - 2, now=NOW, wall=WALL)
    assert judged.age_s(NOW) == age
    assert judged.age_s(NOW + 5) == age + 5


@pytest.mark.parametrize(
    ("told", "settings", "asks", "age"),
    [
        ("max-age=9", {}, False, 2.0),
        ("no-cache, max-age=9", {}, True, 2.0),
        ("no-cache, max-age=9", {"force_ttl": "1h"}, False, 0.0),
    ],
)
def test_no_cache_is_asked_for_before_each_use_unless_the_route_overrules_it(
    told: str, settings: dict, asks: bool, age: float
):
    judged = judge(fields(cache_control=told), spec(**settings), asked_at=NOW - 2, now=NOW, wall=WALL)
    assert (judged.revalidate, judged.age_s(NOW)) == (asks, age)


def kept(lifetime_s: float = 60.0, *, stale_s: float = 0.0, revalidate: bool = False) -> Freshness:
    return Freshness(NOW, 0.0, lifetime_s, stale_s, revalidate)


@pytest.mark.parametrize(
    ("freshness", "asked", "after_s", "fresh"),
    [
        (kept(), b"", 59, True),
        (kept(), b"", 60, False),
        (kept(), b"no-cache", 0, False),
        (kept(revalidate=True), b"", 0, False),
        (kept(), b"max-age=0", 1, False),
        (kept(), b"max-age=10", 10, True),
        (kept(), b"max-age=10", 11, False),
        (kept(), b"min-fresh=20", 39, True),
        (kept(), b"min-fresh=20", 40, True),
        (kept(), b"min-fresh=20", 41, False),
        (kept(stale_s=30), b"", 61, False),
        (kept(stale_s=30), b"max-stale", 89, True),
        (kept(stale_s=30), b"max-stale", 90, False),
        (kept(stale_s=30), b"max-stale=10", 69, True),
        (kept(stale_s=30), b"max-stale=10", 71, False),
        (kept(stale_s=30), b"max-stale=soon", 60.5, False),
        (kept(), b"max-stale", 61, False),
    ],
)
def test_whether_it_is_served_without_asking(freshness: Freshness, asked: bytes, after_s: float, fresh: bool):
    assert freshness.fresh(directives([asked]), NOW + after_s) is fresh


@pytest.mark.parametrize(
    ("told", "window"),
    [
        ("max-age=1", 60.0),
        ("max-age=1, stale-if-error=90", 90.0),
        ("max-age=1, must-revalidate", 0.0),
        ("max-age=1, proxy-revalidate, stale-if-error=90", 0.0),
        ("s-maxage=1", 0.0),
        ("no-cache", 0.0),
    ],
)
def test_how_long_it_may_stand_in_for_an_error(told: str, window: float):
    judged = judge(fields(cache_control=told), spec(stale_if_error="60s"), asked_at=NOW, now=NOW, wall=WALL)
    edge = NOW + judged.lifetime_s + window
    assert judged.stands_in(edge - 0.5) is (window > 0 or judged.lifetime_s > 0.5)
    assert not judged.stands_in(edge + 0.5)


@given(st.lists(st.tuples(st.sampled_from([b"Date", b"Age", b"Expires", b"Cache-Control"]), st.binary(max_size=30))))
def test_no_answer_upsets_it(answer: list[tuple[bytes, bytes]]):
    judged = judge(answer, spec(ttl="1m"), asked_at=NOW, now=NOW, wall=WALL)
    assert judged.lifetime_s >= 0
    assert judged.age_s(NOW) >= 0
