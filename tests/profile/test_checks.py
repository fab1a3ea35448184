"""The rules, each with a profile that breaks it; `rules_gateway`, `rules_services` and `rules_routes` are tested here as one."""
# ruff: noqa: E501 - tables, one case a line

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devgate.gateway.table import Match, RoutingTable
from devgate.model.profile import Profile
from devgate.model.route import RouteSpec
from devgate.profile.checks import RULES
from devgate.profile.findings import Subject
from devgate.profile.rules_routes import _covers, _rank, _signature, unreachable
from devgate.profile.rules_services import _cycles
from tests.profile.conftest import Project, pointed

# Written as YAML; what is said; what is pointed at; severity.
SERVICES = {
    "nothing to run": ("api: {port: 1}", "api has nothing to run", "api"),
    "missing: stub is no command": ("api: {port: 1, missing: stub}", "api has nothing to run", "api"),
    "an empty command": ('api: {command: ""}', "the command is empty", '""'),
    "an empty list": ("api: {command: []}", "the command is empty", "command"),
    "command and url": ("api: {command: x, url: 'http://127.0.0.1:1'}", "api has both a command and a url", "url"),
    "url and stub": ("api: {stub: true, url: 'http://127.0.0.1:1'}", "api has a url and is a stand-in", "stub"),
    "on_request without port": ("api: {command: x, autostart: on_request}", "on_request needs a port that requests can go to", "on_request"),
    "on_request of a task": ("api: {command: x, port: 1, kind: task, autostart: on_request}", "a task answers no requests", "on_request"),
    "replicas without port": ("api: {command: x, replicas: 2}", "replicas need ports to tell them apart", "2"),
    "a terminal for several": ("api: {command: x, port: 1, replicas: 2, tty: true}", "of several replicas nobody could say which one is typed into", "true"),
    "replicas of a task": ("api: {command: x, replicas: 2, kind: task}", "a task runs once", "2"),
    "weights of others": ("api: {command: x, port: 1, replicas: 2, weights: [1, 2, 3]}", "3 weights for 2 replicas", "weights"),
    "weights of nothing": ("api: {command: x, port: 1, replicas: 2, weights: [0, 0]}", "no replica has a weight above 0", "weights"),
    "replicas of a url": ("api: {url: 'http://127.0.0.1:1', replicas: 2}", "replicas of a service that somebody else runs are not ours to start", "2"),
    "replicas beyond the last port": ("api: {command: x, port: 65535, replicas: 2}", "2 replicas from port 65535 on end beyond 65535", "65535"),
    "a variable's name": ("api: {command: x, env: {A=B: 1}}", "'A=B' cannot be the name of a variable", "A=B"),
    "probe path": ("api: {command: x, port: 1, ready: {http: health}}", "'health' is no path", "health"),
    "probe without port": ("api: {command: x, ready: {http: /h}}", "api has no port to ask", "/h"),
    "tcp without port": ("api: {command: x, ready: {tcp: true}}", "api has no port to connect to", "true"),
    "log of somebody else's": ("api: {url: 'http://127.0.0.1:1', ready: {log: up}}", "the output of a service that somebody else runs is not seen here", "up"),
    "a ratio in percent": ("api: {command: x, breaker: {mode: rate, ratio: 50}}", "ratio must be a share above 0 and up to 1, such as 0.5, not 50", "50"),
    "no window": ("api: {command: x, breaker: {mode: rate, window: 0s}}", "window must be a duration such as 300ms, 5s or 1h30m, not 0s", "0s"),
    "a regular expression": ('api: {command: x, ready: {log: "a(b"}}', "no regular expression for this: missing ), unterminated subpattern at position 1", '"a(b"'),
    "a deep regular expression": (f'api: {{command: x, ready: {{log: "{"(" * 20_000}"}}}}', "no regular expression for this: longer than 200 characters", f'"{"(" * 20_000}"'),
    "an endless regular expression": ('api: {command: x, ready: {log: "(a+)+$"}}', "no regular expression for this: a repetition inside a repetition could match for ever", '"(a+)+$"'),
    "a huge regular expression": ('api: {command: x, ready: {log: "a{99999999999999999999}"}}', "no regular expression for this: the repetition number is too large", '"a{99999999999999999999}"'),
    "a probe of two lines": ('api: {command: x, port: 1, ready: {http: "/h\\r\\nX: 1"}}', "'/h\\r\\nX: 1' is no path", '"/h\\r\\nX: 1"'),
    "a probe with a blank": ("api: {command: x, port: 1, ready: {http: /h HTTP/1.1}}", "'/h HTTP/1.1' is no path", "/h HTTP/1.1"),
    "a version's path of two lines": ('api: {command: x, port: 1, sync: {path: "/v\\nX: 1"}}', "'/v\\nX: 1' is no path", '"/v\\nX: 1"'),
    "canned path": ("api: {stub: {responses: [{path: a}]}}", "'a' is no path", "a"),
    "canned header": ('api: {stub: {responses: [{path: /a, headers: {"a b": c}}]}}', "'a b' cannot be sent as a header", '"a b"'),
    "canned header value": ('api: {stub: {responses: [{path: /a, headers: {a: "b\\nc"}}]}}', "'a' cannot be sent as a header", "a"),
    "unknown need": ("api: {command: x, depends_on: [databse]}\n  database: {command: y}", "there is no service 'databse'", "databse"),
    "unknown need, long form": ("api: {command: x, depends_on: {db: {restart: true}}}", "there is no service 'db'", "db"),
    "completed of a service": ("api: {command: x, depends_on: {db: {condition: completed}}}\n  db: {command: y}", "db never completes: it is no task", "db"),
    "ready of a task": ("api: {command: x, depends_on: [db]}\n  db: {command: y, kind: task}", "db is a task, which completes", "db"),
    "needs itself": ("api: {command: x, depends_on: [api]}", "these services wait for each other: api -> api", "api"),
    "a circle": ("a: {command: x, depends_on: [b]}\n  b: {command: x, depends_on: [c]}\n  c: {command: x, depends_on: [a]}", "these services wait for each other: a -> b -> c -> a", "b"),
    "one port twice": ("a: {command: x, port: 1}\n  b: {command: x, port: 1}", "b cannot have port 1: it is that of a", "1"),
    "a replica's port": ("a: {command: x, port: 1, replicas: 3}\n  b: {command: x, port: 3}", "b cannot have port 3: it is that of a", "3"),
    "the gateway's port": ("a: {command: x, port: 8079, replicas: 2}", "a (replica 2) cannot have port 8080: it is that of the gateway", "8079"),
}  # fmt: skip


@pytest.mark.parametrize(("written", "message", "mark"), SERVICES.values(), ids=SERVICES.keys())
def test_services(project: Project, written: str, message: str, mark: str) -> None:
    problem = project.fault(f"services:\n  {written}\n")
    assert (problem.message, pointed(problem), problem.severity) == (message, mark, "error")


WARNINGS = {
    "idle_stop": ("api: {command: x, idle_stop: 5m}", "idle_stop has no effect without autostart: on_request", "idle_stop"),
    "port beside url": ("api: {url: 'http://127.0.0.1:1', port: 2}", "port has no effect beside url: devgate does not start this service", "port"),
    "watch beside url": ("api: {url: 'http://127.0.0.1:1', watch: src}", "watch has no effect beside url: devgate does not start this service", "watch"),
    "a task's probe": ("api: {command: x, kind: task, ready: {log: up}}", "a task is done when it ends; ready has no effect", "ready"),
    "a rate's window": ("api: {command: x, breaker: {window: 5s}}", "window has no effect without mode: rate", "window"),
    "one of two": ("a: {command: x, port: 1}\n  b: {command: x, port: 1, autostart: false}", "b cannot have port 1: it is that of a", "1"),
    "the port of ours": ("a: {command: x, port: 1}\n  b: {url: 'http://localhost:1'}", "this is the port of a, which devgate starts itself", "url"),
}  # fmt: skip


@pytest.mark.parametrize(("written", "message", "mark"), WARNINGS.values(), ids=WARNINGS.keys())
def test_suspicious_services_are_warned_about(project: Project, written: str, message: str, mark: str) -> None:
    problem = project.fault(f"services:\n  {written}\n")
    assert (problem.message, pointed(problem), problem.severity) == (message, mark, "warning")


def test_a_variable_s_name_at_the_top(project: Project) -> None:
    assert project.fault("env: {'': 1}\n").message == "'' cannot be the name of a variable"


def test_good_services_are_good(project: Project) -> None:
    loaded = project.load(
        """
        services:
          db: {url: "http://127.0.0.1:5432"}
          migrate: {command: m, kind: task, depends_on: {db: }}
          api: {command: x, port: auto, replicas: 3, autostart: on_request, idle_stop: 5m, depends_on: {migrate: {condition: completed}}}
          old: {command: y, port: 1, breaker: {failures: 3, mode: rate, window: 5s, min_calls: 5, ratio: 0.25}, missing: stub, stub: {latency: 1s}}
          web: {stub: true, port: 2, ready: {log: "ready in \\\\d+ ms"}}
          remote: {url: "https://api.example.com", allow_remote: true}
        """
    )
    assert loaded.warnings == ()


URLS = {
    "http://8.8.8.8": "8.8.8.8 is outside of this machine and its private networks",
    "https://api.example.com:8443": "api.example.com is outside of this machine and its private networks",
    "http://169.254.169.254": "169.254.169.254 is never called",
    "http://metadata.google.internal": "metadata.google.internal is never called",
    "http://[fe80::1]": "fe80::1 is never called",
    "http://[::ffff:169.254.169.254]": "::ffff:169.254.169.254 is never called",
    "http://0.0.0.0:1": "0.0.0.0 is never called",
    "http://2130706433:1": "'2130706433' is neither a name nor a plain address",
    "http://0x7f.1:1": "'0x7f.1' is neither a name nor a plain address",
    "file:///etc/passwd": "'file:///etc/passwd' is not an address of http or https",
    "127.0.0.1:7700": "'127.0.0.1:7700' is not an address of http or https",
    "http://": "'http://' is not an address of http or https",
    "http://127.0.0.1:99999": "not an address: Port out of range 0-65535",
    "http://127.0.0.1:0": "port 0 cannot be connected to",
    "http://[::1": "not an address: Invalid IPv6 URL",
    "http://user:pw@127.0.0.1:1": "an address holds no credentials here",
    "http://127.0.0.1:1/base": "an address ends with host and port",
    "http://127.0.0.1:6379\\r\\nFLUSHALL": "an address holds no blanks and no control characters",
    "http://127.0.0.1\\t:6379": "an address holds no blanks and no control characters",
    "http://127.0.0.1:1?a=b": "an address ends with host and port",
    "http://127.0.0.1:8080": "this is the gateway itself",
    "http://localhost:8080/": "this is the gateway itself",
}


@pytest.mark.parametrize(("url", "message"), URLS.items())
def test_addresses_that_must_not_be_called(project: Project, url: str, message: str) -> None:
    problem = project.fault(f'services: {{api: {{url: "{url}"}}}}\n')
    assert problem.message.startswith(message)
    assert problem.severity == "error"
    assert "pw@" not in str(problem)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:7700", "http://[::1]:7700/", "https://10.0.0.5", "http://db:1", "http://a.localhost:1"]
)
def test_addresses_that_may_be_called(project: Project, url: str) -> None:
    assert project.load(f'services: {{api: {{url: "{url}"}}}}\n').warnings == ()


@pytest.mark.parametrize("key", ["headers", "expose"])
@pytest.mark.parametrize("name", ["a\\r\\nSet-Cookie: b", "a b", "", "a,b"])
def test_cors_lists_names_of_headers(project: Project, key: str, name: str) -> None:
    """Written into every answer as they are."""
    problem = project.fault(f'gateway: {{cors: {{{key}: [X-A, "{name}"]}}}}\n')
    assert problem.message.endswith("is not the name of a header")
    assert problem.path == f"gateway.cors.{key}[1]"


def test_the_users_word_opens_the_world_but_not_the_cloud_s_metadata(project: Project) -> None:
    project.load("services: {api: {url: 'https://api.example.com', allow_remote: true}}\n")
    problem = project.fault("services: {api: {url: 'http://169.254.169.254', allow_remote: true}}\n")
    assert "never called" in problem.message


def test_a_probe_s_address_is_looked_at_too(project: Project) -> None:
    problem = project.fault("services: {api: {command: x, ready: {http: 'http://169.254.169.254/latest'}}}\n")
    assert "never called" in problem.message
    project.load("services: {api: {command: x, ready: {http: 'http://127.0.0.1:9/deep?a=b'}}}\n")


def test_the_environment_cannot_point_outside(project: Project) -> None:
    """SEMANTICS 4, threat 23."""
    project.environ = {"AUTH_SERVICE_URL": "https://evil.example.com"}
    problem = project.fault("services: {auth: {url: '${AUTH_SERVICE_URL:-http://127.0.0.1:1}'}}\n")
    assert problem.message == "evil.example.com is outside of this machine and its private networks"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "2606:4700::1"])
def test_listening_beyond_loopback_needs_a_word(project: Project, host: str) -> None:
    problem = project.fault(f'gateway: {{host: "{host}"}}\n')
    assert problem.message == f"{host} can be reached from other machines"
    assert "--expose" in problem.hint
    assert project.load(f'gateway: {{host: "{host}"}}\n', expose=True).profile.gateway.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_does_not(project: Project, host: str) -> None:
    project.load(f'gateway: {{host: "{host}"}}\n')


@pytest.mark.parametrize("host", ["example.com", "lo", "", "127.1", "1", "999.1.1.1", "[::1]", "a b"])
def test_a_host_is_an_address(project: Project, host: str) -> None:
    assert "address" in project.fault(f'gateway: {{host: "{host}"}}\n', expose=True).message


ORIGINS = {
    "http://localhost:1420/": ("an origin has no path, not even a slash at its end", "write http://localhost:1420"),
    "http://a.test/b": ("an origin has no path, not even a slash at its end", "write http://a.test"),
    "localhost:1420": ("'localhost:1420' is not an origin", None),
    "http:/a": ("'http:/a' is not an origin", None),
    "HTTP://A.test": ("browsers write origins in lower case", "write http://a.test"),
    "http://a.test:80": ("browsers leave out port 80 of http", "write http://a.test"),
    "https://a.test:443": ("browsers leave out port 443 of https", "write https://a.test"),
    "http://a.test:": ("'' is not a port", None),
    "http://a.test:99999": ("'99999' is not a port", None),
    "http://a.test:080": ("'080' is not a port", None),
    "http://*a.test": ("* stands for one whole label at the beginning", None),
    "http://a.*.test": ("* stands for one whole label at the beginning", None),
    "http://*": ("* stands for one whole label at the beginning", None),
    "http://bücher.test": ("browsers write such a host in its ASCII form", "write http://xn--bcher-kva.test"),
    "http://user@a.test": ("'http://user@a.test' is not an origin", None),
    "null": ("null is refused: any page can have it", None),
    "*": ("* cannot be combined with credentials", "name the origins, or set credentials: false"),
}


@pytest.mark.parametrize(("origin", "expected"), ORIGINS.items())
def test_origins_that_no_browser_sends(project: Project, origin: str, expected: tuple[str, str | None]) -> None:
    problem = project.fault(f'gateway: {{cors: {{origins: [http://ok.test, "{origin}"]}}}}\n')
    assert problem.message == expected[0]
    assert expected[1] is None or problem.hint == expected[1]
    assert pointed(problem) == f'"{origin}"'


def test_good_origins(project: Project) -> None:
    origins = [
        "http://localhost:1420",
        "tauri://localhost",
        "https://*.example.test",
        "http://[::1]:1420",
        "http://xn--bcher-kva.test",
    ]
    project.load(f"gateway: {{cors: {{origins: {origins!r}}}}}\n")
    project.load("gateway: {cors: {origins: ['*'], credentials: no}}\n")


def test_methods_and_hosts_of_the_gateway(project: Project) -> None:
    assert project.fault("gateway: {cors: {methods: [get]}}\n").hint == "browsers compare exactly; write GET"
    assert project.fault("gateway: {hosts: ['http://a.test']}\n").message == "'http://a.test' is not a host name"
    project.load("gateway: {hosts: [dev.example.test, 'a.test:8443', '[::1]:80']}\n")


def test_critical_comes_after_warning(project: Project) -> None:
    problem = project.fault("sync: {warning: 5m, critical: 1m}\n")
    assert problem.message == "critical (1m) must come after warning (5m)"
    project.load("sync: {enabled: false, warning: 5m, critical: 1m}\n")


ROUTES = {
    "unknown service": ("{path: /a, service: apy}", "there is no service 'apy'", "apy", "error"),
    "a task": ("{path: /a, service: job}", "job is a task, which answers no requests", "job", "error"),
    "no port": ("{path: /a, service: mute}", "mute has no port that requests could go to", "mute", "error"),
    "ours": ("{path: /_devgate, service: api}", "/_devgate is the gateway's: everything below /_devgate is", "/_devgate", "error"),
    "below ours": ("{path: '/_devgate/{x}', service: api}", "/_devgate/{x} is the gateway's: everything below /_devgate is", "'/_devgate/{x}'", "error"),
    "health": ("{path: /health, service: api}", "/health is the gateway's, which answers /health and /health/* itself", "/health", "error"),
    "below health": ("{path: /health/*, service: api}", "/health/* is the gateway's, which answers /health and /health/* itself", "/health/*", "error"),
    "the same": ("{path: /ok, service: api}", "/ok is taken by route 1 already", "/ok", "error"),
    "the same with a slash": ("{path: /ok/, service: api}", "/ok/ is taken by route 1 already", "/ok/", "error"),
    "the same methods": ("{path: /m, service: api, methods: [post, get]}", "GET /m is taken by route 2 already", "/m", "error"),
    "HEAD behind GET": ("{path: /m, service: api, methods: [HEAD, put]}", "HEAD /m is taken by route 2 already", "/m", "error"),
    "the same parameter": ("{path: '/p/{other}', service: api}", "/p/{other} is taken by route 3 already", "'/p/{other}'", "error"),
    "the same name": ("{path: /n, service: api, name: named}", "route 4 is called 'named', too", "named", "error"),
    "covered": ("{path: /top/below, service: api}", "no request gets here: route 5, /top/*, takes them all", "/top/below", "warning"),
    "below health, as an expression": ("{path: '~/health/.*', service: api}", "~/health/.* is the gateway's, which answers /health and /health/* itself", "'~/health/.*'", "error"),
    "the same expression": ("{path: '~/e[0-9]', service: api}", "~/e[0-9] is taken by route 6 already", "'~/e[0-9]'", "error"),
    "an expression behind a path": ("{path: '~/top/.+', service: api}", "no request gets here: route 5, /top/*, takes them all", "'~/top/.+'", "warning"),
    "an expression with nothing to strip": ("{path: '~/a.*', service: api, strip_prefix: true}", "the path begins with nothing that could be taken away", "strip_prefix", "warning"),
    "a broken expression": ("{path: '~/a(b', service: api}", "path: the regular expression is refused: missing ): /a(b", "'~/a(b'", "error"),
    "a control in a path": ('{path: "/a\\x01", service: api}', "path must be a path that starts with / and has no space, ? or #; or a regular expression that starts with ~/, not \"/a\\x01\"", '"/a\\x01"', "error"),
    "nginx's habit": ("{path: '~ /a', service: api}", "path must be a path that starts with / and has no space, ? or #; or a regular expression that starts with ~/, not \"~ /a\"", "'~ /a'", "error"),
    "a star among letters": ("{path: /a*, service: api}", "path: * stands alone: for one segment, as in /api/*/files, or at the end for everything below", "/a*", "error"),
    "a slash behind the star": ("{path: /a/*/, service: api}", "path: a slash after the last * says nothing; write /* for everything below, {name} for one segment", "/a/*/", "error"),
    "the same star": ("{path: '/p/*/x', service: api}", "/p/*/x is taken by route 7 already", "'/p/*/x'", "error"),
    "covered by priority": ("{path: '/top/{x}', service: api, methods: GET}", "no request gets here: route 5, /top/*, takes them all", "'/top/{x}'", "warning"),
    "a host": ("{path: /h, service: api, hosts: ['http://a.test']}", "'http://a.test' is not a host name", "'http://a.test'", "error"),
    "a host that is nobody's": ("{path: /h, service: api, hosts: [app.test]}", "no request gets here: the gateway is not called app.test", "app.test", "warning"),
    "hosts that are nobody's": ("{path: /h, service: api, hosts: ['*.app.test']}", "no request gets here: the gateway is not called *.app.test", "'*.app.test'", "warning"),
    "a stream's timeout": ("{path: /s, service: api, stream: true, timeout: 5s}", "timeout has no effect on a stream", "timeout", "warning"),
    "unknown side of a split": ("{path: /a, service: api, split: {apy: 10}}", "there is no service 'apy'", "10", "error"),
    "a split with itself": ("{path: /a, service: api, split: {api: 10}}", "api is the route's own service", "10", "error"),
    "a split beyond the whole": ("{path: /a, service: api, split: {b1: 60, b2: 41}}", "the shares are 101 % together", "split", "error"),
    "unknown fallback": ("{path: /a, service: api, fallback: {services: [b1, apy]}}", "there is no service 'apy'", "apy", "error"),
    "fallback without port": ("{path: /a, service: api, fallback: {services: mute}}", "mute has no port that requests could go to", "mute", "error"),
    "fallback to nothing": ("{path: /a, service: api, fallback: {statuses: [503]}}", "fallback has no effect without services or an answer", "fallback", "warning"),
    "an answer's header": ('{path: /a, service: api, fallback: {answer: {headers: {"a b": c}}}}', "'a b' is not the name of a header", '"a b"', "error"),
    "an answer of two": ('{path: /a, service: api, fallback: {answer: {headers: {a: "b\\r\\nc: d"}}}}', "the value of a cannot be sent: it holds a control character, or a blank at one end", "a", "error"),
    "an answer's framing": ("{path: /a, service: api, fallback: {answer: {headers: {Transfer-Encoding: chunked}}}}", "Transfer-Encoding is the gateway's own business", "Transfer-Encoding", "error"),
    "nothing to keep to": ("{path: /a, service: api, sticky: true}", "sticky has no effect: api has one instance", "sticky", "warning"),
    "cache of nothing": ("{path: /a, service: api, methods: POST, cache: 5m}", "cache has no effect on a route without GET", "cache", "warning"),
    "hedge of a stream": ("{path: /a, service: api, stream: true, hedge: 1s}", "hedge has no effect on a stream", "hedge", "warning"),
    "nothing to strip": ("{path: '/{x}/y', service: api, strip_prefix: true}", "the path begins with nothing that could be taken away", "strip_prefix", "warning"),
}  # fmt: skip

BASE = """
services:
  api: {command: x, port: 1}
  b1: {command: x, port: 2}
  b2: {command: x, port: 3}
  job: {command: x, kind: task}
  mute: {command: x}
routes:
  - {path: /ok, service: api}
  - {path: /m, service: api, methods: [GET]}
  - {path: "/p/{id}", service: api}
  - {path: /named, service: api, name: named}
  - {path: /top/*, service: api, priority: 9}
  - {path: "~/e[0-9]", service: api}
  - {path: "/p/{id}/x", service: api}
"""


@pytest.mark.parametrize(("written", "message", "mark", "severity"), ROUTES.values(), ids=ROUTES.keys())
def test_routes(project: Project, written: str, message: str, mark: str, severity: str) -> None:
    problem = project.fault(f"{BASE}  - {written}\n")
    assert (problem.message, pointed(problem), problem.severity) == (message, mark, severity)
    assert problem.line == 16


def test_good_routes(project: Project) -> None:
    loaded = project.load(
        BASE
        + """
  - {path: /ok, service: api, methods: [GET]}
  - {path: /ok, service: api, hosts: [a.localhost, "*.x.localhost", 127.0.0.1]}
  - {path: /ok, service: api, headers: {x-variant: a}}
  - {path: /ok, service: api, priority: 1, methods: [DELETE]}
  - {path: /ok/*, service: api}
  - {path: /health-check, service: api}
  - {path: "/{anything}", service: api}
  - {path: /m, service: api, methods: POST}
  - {path: /h, service: api, methods: HEAD}
  - {path: /h, service: api, methods: GET}
  - {path: "~/v[0-9]{1,3}/.*$", service: api, strip_prefix: false}
  - {path: "~/ok/v[0-9]+/.*", service: api, priority: 1, strip_prefix: true}
"""
    )
    assert loaded.warnings == ()


def test_hosts_of_routes_that_the_gateway_is_called(project: Project) -> None:
    hosts = "[dev.app.test, 'Other.test:8443']"
    text = f"gateway: {{hosts: {hosts}}}\nservices: {{api: {{command: x, port: 1}}}}\n"
    loaded = project.load(
        text + "routes: [{path: /a, service: api, hosts: [dev.app.test, '*.app.test', OTHER.test]}]\n"
    )
    assert loaded.warnings == ()
    # Which addresses it has, only the machine knows.
    text = "services: {api: {command: x, port: 1}}\n"
    assert project.load(text + "routes: [{path: /a, service: api, hosts: [10.0.0.7]}]\n").warnings == ()


def test_health_is_free_where_the_gateway_does_not_take_it(project: Project) -> None:
    project.load(
        "gateway: {health: false}\nservices: {api: {command: x, port: 1}}\nroutes: [{path: /health, service: api}]\n"
    )


def test_a_broken_route_does_not_shift_what_is_said_of_others(project: Project) -> None:
    text = f"{BASE}  - {{service: api}}\n  - {{path: /gone, service: apy}}\n"
    assert [(problem.line, problem.message) for problem in project.faults(text)] == [
        (16, "route 8 has no path"),
        (17, "there is no service 'apy'"),
    ]


def test_every_rule_has_its_words() -> None:
    assert all(rule.__module__.startswith("devgate.profile.rules_") for rule in RULES)
    assert len(set(RULES)) == len(RULES)


# Properties

names = st.sampled_from("abcdef")


@given(st.dictionaries(names, st.lists(names, unique=True)))
def test_cycles_are_real_and_leave_nothing_circular(graph: dict[str, list[str]]) -> None:
    found = list(_cycles(graph))
    left = {node: {other for other in others if other in graph} for node, others in graph.items()}
    for cycle in found:
        for node, following in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            assert following in graph[node]
            left[node].discard(following)
    while free := [node for node, others in left.items() if not others]:
        for node in free:
            del left[node]
        for others in left.values():
            others.difference_update(free)
    assert not left


segments = st.sampled_from(["a", "b", "{x}", "*"])
paths = st.builds(
    lambda parts, rest: "/" + "/".join([*parts, *(["*"] if rest else [])]),
    st.lists(segments, max_size=3),
    st.booleans(),
)
routes = st.builds(
    RouteSpec,
    path=paths | st.sampled_from(["~/a/.*", "~/a/b", "~/.*", "~/[ab]/a"]),
    service=st.just("s"),
    methods=st.lists(st.sampled_from(["GET", "POST", "HEAD"]), max_size=2, unique=True).map(tuple),
    hosts=st.sampled_from([(), ("a.test",), ("a.test", "b.test")]),
    headers=st.sampled_from([{}, {"x-v": "1"}, {"x-v": "*"}]),
    priority=st.integers(0, 1),
    strip_prefix=st.booleans(),
)


@given(st.lists(routes, min_size=1, max_size=5))
def test_what_is_called_unreachable_is_never_chosen(specs: list[RouteSpec]) -> None:
    """The rule repeats the table's order; here the table itself is asked, with every request that tells routes apart."""
    subject = Subject(Profile(routes=tuple(specs)), frozenset("s"), frozenset(), expose=False)
    dead = {finding.path[1] for finding in unreachable(subject)}
    table = RoutingTable(specs)
    for path in ("/", "/a", "/b", "/c", "/a/a", "/a/b", "/b/c", "/c/a", "/a/b/a", "/c/c/c", "/a/b/c/d", "/a/"):
        for method in ("GET", "HEAD", "POST", "PUT"):
            for host in (b"a.test", b"b.test", b"c.test"):
                for headers in ((), ((b"x-v", b"1"),), ((b"x-v", b"2"),)):
                    found = table.match(method, path.encode(), host, headers)
                    assert not (isinstance(found, Match) and found.route.index in dead)


@given(st.lists(routes, min_size=1, max_size=8))
@example([RouteSpec(path="/a/*", service="s"), RouteSpec(path="/a/{x}/*", service="s")])
def test_nothing_is_missed_for_the_sake_of_speed(specs: list[RouteSpec]) -> None:
    subject = Subject(Profile(routes=tuple(specs)), frozenset("s"), frozenset(), expose=False)
    ranks = [_rank(spec, index) for index, spec in enumerate(specs)]
    every = {
        index
        for index, spec in enumerate(specs)
        for at, other in enumerate(specs)
        if ranks[at] < ranks[index] and _signature(other) != _signature(spec) and _covers(other, spec)
    }
    assert {finding.path[1] for finding in unreachable(subject)} == every
