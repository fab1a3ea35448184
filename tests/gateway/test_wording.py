"""What a route does beyond passing on, in words."""

from typing import Any

import pytest

from devgate.gateway.wording import recourse_told
from devgate.model.profile import Profile

CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, []),
    "cache": ({"cache": "true"}, ["cache: answers are kept as long as they say"]),
    "cache, more": (
        {"cache": {"ttl": "5m", "authorized": "per-user", "stale_if_error": "1h"}},
        [
            "cache: answers are kept as long as they say, else for 5m, for each user apart, and stand in for errors for 1h more"
        ],
    ),
    "cache, forced": (
        {"cache": {"force_ttl": "5m"}},
        ["cache: answers that may be kept are fresh for 5m, whatever they say of that"],
    ),
    "split": ({"split": {"b": 12.5}}, ["split: 87.5 % to a, 12.5 % to b"]),
    "sticky": ({"sticky": "v"}, ["sticky: the cookie v keeps a client where it is"]),
    "sticky by header": (
        {"sticky": {"header": "X-U"}},
        ["sticky: the header X-U or the cookie devgate_variant keeps a client where it is"],
    ),
    "retry": ({"retry": "1"}, ["retry: 1 more time, idempotent methods, on failures and 502, 503, 504"]),
    "retry, more": (
        {"retry": {"attempts": 3, "per_try": "2s", "statuses": [], "any_method": True}},
        ["retry: 3 more times, 2s each, any method, on failures"],
    ),
    "no retry": ({"retry": "0"}, []),
    "hedge": ({"hedge": "500ms"}, ["hedge: GET and HEAD are sent a second time after 500ms"]),
    "hedge by experience": (
        {"hedge": "p95"},
        ["hedge: GET and HEAD are sent a second time when slower than 95 % of the last minute"],
    ),
    "fallback": (
        {
            "fallback": {"services": ["b", "c"], "answer": {"status": 204}},
            "cache": {"ttl": "1s", "stale_if_error": "1s"},
        },
        [
            "cache: answers are kept as long as they say, else for 1s, and stand in for errors for 1s more",
            "fallback: b, then c, then a kept answer, then 204 as written in the profile",
        ],
    ),
    "weights": ({"service": "w"}, ["weights: #0 3, #1 1"]),
}


@pytest.mark.parametrize(("route", "lines"), CASES.values(), ids=CASES.keys())
def test_told(route: dict[str, Any], lines: list[str]):
    services = {"a": {"command": "x"}, "w": {"command": "x", "replicas": 2, "weights": [3, 1]}}
    profile = Profile.model_validate({"services": services, "routes": [{"path": "/", "service": "a", **route}]})
    assert list(recourse_told(profile.routes[0], profile)) == lines
