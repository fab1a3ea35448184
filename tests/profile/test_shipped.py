"""The shipped profiles against the documents they are made from, typed here by hand."""

import pytest

from devgate.profile.diff import diff
from devgate.profile.loading import Loaded, load
from tests.profile.conftest import Project

# fechatter-routing.md, "Actual vs Expected Routes" and "Missing Backend Routes Added".
FECHATTER_SERVER = [
    ("POST", "/api/signup"),
    ("POST", "/api/signin"),
    ("POST", "/api/refresh"),
    ("POST", "/api/logout"),
    ("POST", "/api/logout-all"),
    ("GET", "/api/workspace/chats"),
    ("POST", "/api/workspace/chats"),
    ("GET", "/api/chat/{id}"),
    ("GET", "/api/chat/{id}/messages"),
    ("POST", "/api/chat/{id}/messages"),
    ("POST", "/api/upload"),
    ("GET", "/api/files/*"),
    ("GET", "/api/search"),
    ("POST", "/api/search"),
    ("", "/api/cache/*"),
    ("", "/api/users"),
    ("", "/api/realtime/*"),
]
NOTIFY_SERVER = [("GET", "/events"), ("GET", "/online-users"), ("GET", "/sse/health")]
ANALYTICS_SERVER = [
    ("POST", "/api/event"),
    ("POST", "/api/batch"),
    ("GET", "/analytics/health"),
    ("GET", "/analytics/metrics"),
]
BOT_SERVER = [("GET", "/bot/health"), ("", "/api/bot/*")]
SEARCH_SERVICE = [("", "/meilisearch/*")]

ROUTES = {
    "fechatter-server": FECHATTER_SERVER,
    "notify-server": NOTIFY_SERVER,
    "analytics-server": ANALYTICS_SERVER,
    "bot-server": BOT_SERVER,
    "search-service": SEARCH_SERVICE,
}
PORTS = {
    "fechatter-server": 6688,
    "notify-server": 6687,
    "analytics-server": 6690,
    "bot-server": 6686,
    "search-service": 7700,
}
HEALTH = {
    "fechatter-server": "/health",
    "notify-server": "/sse/health",
    "analytics-server": "/analytics/health",
    "bot-server": "/bot/health",
    "search-service": "/health",
}
ORIGINS = {
    "http://localhost:1420",
    "http://127.0.0.1:1420",
    "tauri://localhost",
    "http://tauri.localhost",
    "https://tauri.localhost",
}
ENVIRONMENTS = ["fechatter/development", "fechatter/production", "fechatter/ha"]


def shipped(project: Project, ref: str) -> Loaded:
    return load(ref, cwd=project.folder, environ={})


def test_the_document_counts_as_it_says() -> None:
    assert (len(FECHATTER_SERVER), len(NOTIFY_SERVER), len(BOT_SERVER), len(SEARCH_SERVICE)) == (17, 3, 2, 1)


@pytest.mark.parametrize("ref", ["demo", *ENVIRONMENTS])
def test_routes(project: Project, ref: str) -> None:
    found: dict[str, list[tuple[str, str]]] = {}
    for route in shipped(project, ref).profile.routes:
        assert len(route.methods) <= 1
        found.setdefault(route.service, []).append(("".join(route.methods), route.path))
    assert {name: sorted(routes) for name, routes in found.items()} == {
        name: sorted(routes) for name, routes in ROUTES.items()
    }


@pytest.mark.parametrize("ref", ["demo", *ENVIRONMENTS])
def test_the_search_engine_has_a_prefix_that_it_does_not_see_and_events_never_end(project: Project, ref: str) -> None:
    routes = shipped(project, ref).profile.routes
    assert [route.path for route in routes if route.strip_prefix] == ["/meilisearch/*"]
    assert [route.path for route in routes if route.stream] == ["/events"]


@pytest.mark.parametrize("ref", ENVIRONMENTS)
def test_ports_and_health(project: Project, ref: str) -> None:
    services = shipped(project, ref).profile.services
    assert {name: service.port for name, service in services.items()} == PORTS
    assert {name: service.ready.http for name, service in services.items()} == HEALTH


@pytest.mark.parametrize("ref", ["demo", *ENVIRONMENTS])
def test_cors(project: Project, ref: str) -> None:
    cors = shipped(project, ref).profile.gateway.cors
    assert set(cors.origins) == ORIGINS
    assert cors.credentials


@pytest.mark.parametrize("ref", ["demo", *ENVIRONMENTS])
def test_each_runs_on_a_machine_that_has_nothing(project: Project, ref: str) -> None:
    loaded = shipped(project, ref)
    assert loaded.warnings == ()
    assert all(service.stands_in or service.missing == "stub" for service in loaded.profile.services.values())
    assert loaded.profile.description


@pytest.mark.parametrize(
    ("ref", "open_s"), [("fechatter/development", 10), ("fechatter/production", 60), ("fechatter/ha", 60)]
)
def test_breakers(project: Project, ref: str, open_s: float) -> None:
    services = shipped(project, ref).profile.services.values()
    assert {(service.breaker.failures, service.breaker.open) for service in services} == {(5, open_s)}


def test_high_availability(project: Project) -> None:
    profile = shipped(project, "fechatter/ha").profile
    server = profile.services["fechatter-server"]
    assert (server.replicas, server.breaker.mode) == (2, "rate")
    assert all(service.restart == "always" for service in profile.services.values())


def test_switching_from_development_to_ha_leaves_alone_what_is_the_same(project: Project) -> None:
    old, new = shipped(project, "fechatter/development").profile, shipped(project, "fechatter/ha").profile
    plan = diff(old, new, source="fechatter/ha", switch=True)
    assert [reason.service for reason in plan.restart] == ["fechatter-server", "notify-server"]
    assert [reason.service for reason in plan.adopt] == ["bot-server", "analytics-server", "search-service"]
    assert (plan.stop, plan.start, plan.rebind) == ((), (), ())
    assert (plan.routes.added, plan.routes.removed, plan.routes.changed) == ((), (), ())


def test_the_demo_shows_a_service_that_is_out_of_sync(project: Project) -> None:
    profile = shipped(project, "demo").profile
    assert all(service.stands_in for service in profile.services.values())
    behind = [name for name, service in profile.services.items() if service.stub_spec.version != profile.sync.version]
    assert behind == ["analytics-server"]
    assert profile.sync.interval < profile.sync.warning < profile.sync.critical <= 60
