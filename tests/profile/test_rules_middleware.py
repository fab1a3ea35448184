"""Rules about limits, header fields and cookies, each with a profile that breaks it."""
# ruff: noqa: E501 - tables, one case a line

import pytest

from tests.profile.conftest import Project, pointed

SERVICE = "services:\n  api: {command: x, port: 1}\n"

# Written as a route's options; what is said; what is pointed at.
ROUTES = {
    "a protected field": ("request_headers: {remove: [Host]}", "Host is the gateway's own business", "Host"),
    "a field only gateways send": ("request_headers: {set: {X-Forwarded-For: 1.2.3.4}}", "X-Forwarded-For is the gateway's own business", "X-Forwarded-For"),
    "framing": ("response_headers: {add: {Content-Length: 5}}", "Content-Length is the gateway's own business", "Content-Length"),
    "no name": ("response_headers: {set: {'a b': c}}", "'a b' is not the name of a header", "'a b'"),
    "a line end": ('response_headers: {set: {X-A: "b\\r\\nc: d"}}', "the value of X-A cannot be sent: it holds a control character, or a blank at one end", "X-A"),
    "same_site": ("cookies: {same_site: None, secure: false}", "browsers refuse SameSite=None without Secure", "None"),
    "path and prefix": ("cookies: {path: /, prefix: /v1}", "path says what their Path is, so there is nothing to put before", "/v1"),
    "a prefix that ends in a slash": ("cookies: {prefix: /v1/}", "prefix must be a path without a slash at its end, not /v1/", "/v1/"),
    "a domain": ("cookies: {domain: 'a;b'}", "'a;b' is not a domain", "'a;b'"),
    "two limits of one name": ("limits: [{by: ip, limit: 1}, {by: ip, limit: 2}]", "limit 1 is called per_ip, too", "ip"),
    "an empty window": ("limits: [{by: ip, limit: 1, window: 0s}]", "a window is longer than nothing", "0s"),
    "a path": ("limits: [{by: ip, limit: 1, path: /a}]", "a route's limit counts the requests of that route", "/a"),
    "a fault that is none": ("fault: {share: 0.5}", "fault: a fault needs one of latency, status, cut and throttle", "fault"),
    "a status that is no error": ("fault: {status: 200}", "status must be a status from 400 to 599, not 200", "200"),
}  # fmt: skip


@pytest.mark.parametrize(("written", "message", "mark"), ROUTES.values(), ids=ROUTES.keys())
def test_routes(project: Project, written: str, message: str, mark: str) -> None:
    problem = project.fault(f"{SERVICE}routes:\n  - path: /a\n    service: api\n    {written}\n")
    assert (problem.message, pointed(problem), problem.severity) == (message, mark, "error")


GATEWAY = {
    "endpoint without a path": ("{by: endpoint, limit: 1}", "a limit by endpoint needs a path", "endpoint"),
    "a path that compiles not": ("{by: ip, limit: 1, path: '/a/b*'}", "'/a/b*' is not the path of a route: * stands alone: for one segment, as in /api/*/files, or at the end for everything below", "'/a/b*'"),
    "a name that is no token": ("{by: ip, limit: 1, name: 'a b'}", "name must be a short name, not \"a b\"", "'a b'"),
    "nothing": ("{by: ip, limit: 0}", "limit must be a whole number, at least 1, not 0", "0"),
}  # fmt: skip


@pytest.mark.parametrize(("written", "message", "mark"), GATEWAY.values(), ids=GATEWAY.keys())
def test_gateway(project: Project, written: str, message: str, mark: str) -> None:
    problem = project.fault(f"gateway: {{limits: {{rules: [{written}]}}}}\n")
    assert (problem.message, pointed(problem), problem.severity) == (message, mark, "error")


def test_a_profile_with_everything_is_fine(project: Project) -> None:
    written = """
gateway:
  limits:
    mode: enforce
    rules:
      - {by: global, limit: 100, window: 1s}
      - {by: endpoint, limit: 5, path: /api/login, name: logins}
services:
  api: {command: x, port: 1}
routes:
  - path: /api/*
    service: api
    limits: [{by: user, limit: 10}]
    compress: true
    security_headers: false
    request_headers: {set: {X-Env: dev}, remove: Cookie}
    response_headers: {add: {X-A: [a, b]}, remove: [Server]}
    cookies: {domain: "", path: /, secure: false, same_site: Lax}
    fault: {latency: 300ms, throttle: 64KiB, share: 0.5, count: false, lasts: 10m}
"""
    assert project.faults(written) == []
