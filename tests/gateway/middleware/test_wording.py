"""What is done to a route's requests, in words."""

from devgate.gateway.middleware.wording import told
from devgate.model.fault import Fault
from devgate.model.profile import Profile
from devgate.model.snapshot import FaultRow

PROFILE = Profile.model_validate(
    {
        "name": "dev",
        "gateway": {
            "limits": {
                "rules": [
                    {"by": "ip", "limit": 500, "window": "1h"},
                    {"by": "endpoint", "limit": 5, "path": "/api/login", "name": "logins"},
                ]
            }
        },
        "routes": [
            {
                "path": "/api/*",
                "service": "a",
                "limits": [{"by": "user", "limit": 10}],
                "request_headers": {"set": {"X-Env": "dev"}, "remove": ["Cookie"]},
                "response_headers": {"add": {"X-A": ["1", "2"]}},
                "cookies": {"domain": "", "path": "/v1", "secure": False, "same_site": "Lax"},
                "security_headers": False,
                "compress": {"codings": "gzip"},
                "fault": {"latency": "300ms"},
            },
            {"path": "/plain", "service": "a"},
        ],
    }
)


WAITS = ("held for up to 30s while a is coming back", "breaker: 5 failures in a row open it for 10s")


def test_everything() -> None:
    assert told(PROFILE.routes[0], b"/api/login", PROFILE) == (
        "limit per_ip: 500 in 1h, only told of",
        "limit logins: 5 in 1m, only told of",
        "limit per_user: 10 in 1m, only told of",
        "the service is told X-Env: dev, nothing of Cookie",
        "fault: 300ms late",
        *WAITS,
        "timeouts: connect 2s here and 10s elsewhere, response 30s, idle 1m, total off",
        "answers of 1KiB and more are compressed, where the client takes gzip",
        "cookies of the service get no Domain, Path=/v1, no Secure, SameSite=Lax",
        "the client is told X-A: 1 as well, X-A: 2 as well",
        "no security headers are added",
    )


def test_of_a_running_one_the_faults_that_are_on() -> None:
    fault = Fault(status=503)
    rows = (FaultRow("/plain", fault, fault.words, 90.2, "operator"),)
    assert "limit logins: 5 in 1m, only told of" not in told(PROFILE.routes[0], b"/api/x", PROFILE, rows)
    assert not any(line.startswith("fault") for line in told(PROFILE.routes[0], b"/api/x", PROFILE, rows))
    assert "fault: 503, for 1m30s more" in told(PROFILE.routes[1], b"/plain", PROFILE, rows)


def test_time_limits_and_who_says_so() -> None:
    profile = Profile.model_validate(
        {
            "gateway": {"timeouts": {"connect": "1s", "idle": "5m"}},
            "services": {"a": {"command": "x", "timeout": {"connect": "3s", "response": "10s"}}},
            "routes": [
                {"path": "/a", "service": "a", "timeout": {"response": "off", "total": "2m"}},
                {"path": "/b", "service": "b", "stream": True},
            ],
        }
    )
    assert told(profile.routes[0], b"/a", profile) == (
        *WAITS,
        "timeouts: connect 3s (service), response off (route), idle 5m, total 2m (route)",
    )
    assert told(profile.routes[1], b"/b", profile)[2:] == ("timeouts: connect 1s, none after that: it is a stream",)


def test_who_waits_for_whom_and_what_opens_a_breaker() -> None:
    profile = Profile.model_validate(
        {
            "services": {
                "a": {"command": "x", "autostart": "on_request", "start_timeout": "2m", "breaker": {"mode": "rate"}},
                "b": {"url": "http://127.0.0.1:1", "breaker": {"enabled": False}},
            },
            "routes": [
                {"path": "/a", "service": "a"},
                {"path": "/b", "service": "b"},
                {"path": "/c", "service": "a", "hold": "1s"},
            ],
        }
    )
    first, second, third = (told(route, b"/", profile) for route in profile.routes)
    assert first[:2] == (
        "held for up to 2m while a is coming back",
        "breaker: 50 % of 20 and more calls in 10s that fail open it for 10s",
    )
    assert second[0].startswith("timeouts: ")
    assert third[0] == "held for up to 1s while a is coming back"
