import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.profile.loading import load
from devgate.profile.resolved import _scalar, as_data, as_yaml
from tests.profile.conftest import Project
from tests.profile.test_compose import read


def shown(project: Project, text: str, *, defaults: bool = False) -> str:
    loaded = project.load(text)
    origins = loaded.origins(project.folder)
    return as_yaml(as_data(loaded.profile, origins, loaded.secrets(), defaults=defaults), origins)


def lines(page: str) -> dict[str, str]:
    """Each line without its comment, with its origin."""
    return {line.partition("  #")[0].strip(): line.partition("# ")[2] for line in page.splitlines() if line}


def test_values_with_units_and_origins(project: Project) -> None:
    project.write(".env", "FROM_FILE=2\n")
    project.environ = {"FROM_ENV": "7000"}
    page = shown(
        project,
        """
        env_file: .env
        gateway: {port: "${FROM_ENV}", hold: 90s}
        services:
          api: {command: [run, --fast], port: 1, replicas: "${FROM_FILE}", log: {memory: 1MiB}, depends_on: [db]}
          db: {stub: true}
        routes:
          - {path: /a, service: api, methods: get}
        """,
    )
    found = lines(page)
    assert found["port: 7000"] == "env FROM_ENV"
    assert found["hold: 1m30s"] == "devgate.yaml:3"
    assert found["replicas: 2"] == ".env:1"
    assert found["memory: 1MiB"] == "devgate.yaml:5"
    assert found['command: [run, "--fast"]'] == "devgate.yaml:5"
    assert found["db: {}"] == "devgate.yaml:5"
    assert found["- {path: /a, service: api, methods: [GET]}"] == "devgate.yaml:8"
    assert not any("degraded_over" in line for line in found)


def test_a_short_form_is_written_out(project: Project) -> None:
    text = (
        "services: {a: {command: x, port: 7001, timeout: 5s}}\n"
        "routes: [{path: /a, service: a, timeout: off, max_body: 5KiB, retry: 2, compress: true}]\n"
    )
    found = lines(shown(project, text))
    assert found["response: 5s"] == "devgate.yaml:1"
    route = '- {path: /a, service: a, timeout: {response: "off"}, max_body: 5KiB, retry: {attempts: 2}, compress: {}}'
    assert found[route] == "devgate.yaml:2"


def test_defaults_on_request(project: Project) -> None:
    found = lines(shown(project, "services: {api: {command: x}}\n", defaults=True))
    assert found["degraded_over: 1s"] == "default"
    assert found["memory: 2MiB"] == "default"
    assert found["command: x"] == "devgate.yaml:1"
    assert not any("env_digests" in line for line in found)


@pytest.mark.parametrize("defaults", [False, True])
@pytest.mark.parametrize("ref", ["demo", "fechatter/development", "fechatter/production", "fechatter/ha"])
def test_what_is_printed_is_the_same_profile(project: Project, ref: str, defaults: bool) -> None:
    loaded = load(ref, cwd=project.folder, environ={})
    origins = loaded.origins(project.folder)
    page = as_yaml(as_data(loaded.profile, origins, loaded.secrets(), defaults=defaults), origins)
    again = project.load(page).profile
    assert again.model_copy(update={"name": loaded.profile.name}) == loaded.profile


def test_secrets_are_masked(project: Project) -> None:
    project.environ = {"JWT_SECRET": "from-the-environment-0123456789"}
    page = shown(
        project,
        """
        env: {JWT_SECRET: "${JWT_SECRET}", DB_URL: "postgres://app:hunter2@db/x", API_KEY: short}
        services:
          api:
            command: run --token=abcdefgh --password hunter3
            env: {SOME_PASSWORD: hunter4, HARMLESS: visible}
            stub: {responses: [{path: /a, headers: {Set-Cookie: "id=hunter5; Path=/"}, body: {access_token: hunter6}}]}
        """,
    )
    for secret in ("from-the-environment", "hunter2", "short", "abcdefgh", "hunter4", "hunter5", "hunter6"):
        assert secret not in page
    assert "***sha256:" in page
    assert "HARMLESS: visible" in page
    assert "id=***; Path=/" in page


def test_nothing_foreign_reaches_the_terminal(project: Project) -> None:
    page = shown(project, 'description: "\\e]52;c;eA==\\a \\u202e"\nenv: {"A\\e[31m": "\\r\\n"}\n')
    assert all(line.isprintable() for line in page.splitlines())
    assert project.load(page).profile.description == "\x1b]52;c;eA==\x07 \u202e"


def test_as_data_it_is_json(project: Project) -> None:
    loaded = project.load("name: a\nservices: {api: {command: x}}\n")
    data = as_data(loaded.profile, loaded.origins(project.folder), loaded.secrets(), defaults=True)
    assert json.loads(json.dumps(data))["name"] == "a"


@given(st.text())
def test_text_is_written_so_that_it_reads_back(text: str) -> None:
    if any(char == "\0" or ord(char) in range(0xD800, 0xE000) for char in text):  # which no profile can hold
        return
    assert read(f"a: {_scalar(text)}\nb: [{_scalar(text)}]\nc: {{{_scalar(text)}: 1}}") == {
        "a": text,
        "b": [text],
        "c": {text: "1"},
    }


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "null", "~", "1.10", "0755", "22:22", "2024-01-01", "1e3", ".inf", "", "0x1f", "TRUE"]
)
def test_what_other_readers_would_guess_at_is_quoted(text: str) -> None:
    assert _scalar(text) == f'"{text}"'


@pytest.mark.parametrize(
    "text", ["300ms", "1h30m", "1.4.0", "/api/*", "http://127.0.0.1:80", "./run", "two words", "2MiB"]
)
def test_what_needs_no_quotes_has_none(text: str) -> None:
    assert _scalar(text) == text
