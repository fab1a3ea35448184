import os
from pathlib import Path

import pytest

from devgate.errors import Exit, ProfileError
from devgate.profile.loading import load
from devgate.profile.problems import faults_of
from tests.profile.conftest import Project


def test_what_is_loaded_says_where_it_is_from(project: Project) -> None:
    base = project.write("base.yaml", "gateway: {port: 1}\n")
    env = project.write(".env", "A=1\n")
    loaded = project.load("extends: base.yaml\nenv_file: .env\n")
    assert (loaded.ref, loaded.path, loaded.folder) == ("devgate.yaml", project.folder / "devgate.yaml", project.folder)
    assert loaded.files == (project.folder / "devgate.yaml", base, env)
    assert not loaded.bundled
    assert not loaded.is_fallback
    assert loaded.profile.name == project.folder.name


def test_a_name_of_its_own(project: Project) -> None:
    assert project.load("name: shop\n").profile.name == "shop"


def test_it_is_complete_by_itself(project: Project) -> None:
    """Paths are absolute, so that a profile means the same wherever it is used."""
    project.write("sub/.env", "")
    loaded = project.load(
        """
        env_file: sub/.env
        services:
          api: {command: x, cwd: ../api, env_file: [a.env, /abs/b.env], watch: [src, ../shared, /abs/c]}
          web: {command: y, watch: {paths: src, include: "*.ts"}}
        """
    )
    folder = project.folder
    api, web = loaded.profile.services["api"], loaded.profile.services["web"]
    assert loaded.profile.env_file == (str(folder / "sub/.env"),)
    assert api.cwd == str(folder.parent / "api")
    assert api.env_file == (str(folder / "a.env"), "/abs/b.env")
    assert api.watch is not None
    assert api.watch.paths == (f"{folder.parent}/api/src", f"{folder.parent}/shared", "/abs/c")
    assert web.watch is not None
    assert (web.cwd, web.watch.paths, web.watch.include) == (str(folder), (str(folder / "src"),), ("*.ts",))


def test_the_user_s_folder(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert project.load("services: {api: {command: x, cwd: ~/api}}\n").profile.services["api"].cwd == "/somewhere/api"


def test_a_folder_with_a_dollar_in_its_name(tmp_path: Path) -> None:
    project = Project(tmp_path / "a${B}c")
    project.write(".env", "A=1\n")
    profile = project.load("env_file: .env\nservices: {api: {command: x, watch: src}}\n").profile
    assert profile.services["api"].cwd == str(tmp_path / "a${B}c")
    assert profile.env_file == (str(tmp_path / "a${B}c" / ".env"),)


def test_a_shipped_profile_is_about_the_project_it_is_used_in(project: Project) -> None:
    loaded = load("fechatter", cwd=project.folder, environ={})
    assert (loaded.ref, loaded.bundled, loaded.folder) == ("fechatter/development", True, project.folder)
    assert loaded.profile.services["fechatter-server"].cwd == str(project.folder)


def test_the_demo_where_there_is_nothing(project: Project) -> None:
    loaded = load(None, cwd=project.folder, environ={})
    assert (loaded.ref, loaded.is_fallback) == ("demo", True)


def test_the_same_file_gives_the_same_digest_and_another_content_another(project: Project) -> None:
    text = "services: {api: {command: x, port: 1}}\n"
    first = project.load(text).profile.digest
    assert project.load(f"# a comment\n{text}").profile.digest == first
    assert project.load("services: {api: {command: x, port: 2}}\n").profile.digest != first


def test_origins(project: Project) -> None:
    project.write(".env", "FROM_FILE=a\n")
    project.environ = {"FROM_ENV": "b"}
    loaded = project.load(
        """
        env_file: .env
        gateway:
          port: 1
        env:
          A: ${FROM_FILE}
          B: "${FROM_ENV}-${FROM_FILE}"
          C: ${NOT_SET:-c}
        services:
          api: {command: x, depends_on: [db], watch: src}
          db: {stub: true}
        """
    )
    origins = loaded.origins(project.folder)
    assert origins["gateway.port"] == "devgate.yaml:4"
    assert origins["env.A"] == ".env:1"
    assert origins["env.B"] == "env FROM_ENV, .env:1"
    assert origins["env.C"] == "devgate.yaml:8"
    assert origins["services.api.cwd"] == "default"
    assert origins["services.api.depends_on.db"] == "devgate.yaml:10"
    assert origins["services.api.watch.paths"] == "devgate.yaml:10"
    assert "gateway.host" not in origins


def test_with_profile_changes_nothing_else(project: Project) -> None:
    loaded = project.load("name: a\n")
    other = loaded.with_profile(loaded.profile.model_copy(update={"name": "b"}))
    assert (other.profile.name, other.path, other.ref) == ("b", loaded.path, loaded.ref)
    assert loaded.profile.name == "a"


def test_a_refusal_is_an_answer_to_the_user(project: Project) -> None:
    project.write("devgate.yaml", "gatewy: {}\n")
    with pytest.raises(ProfileError) as caught:
        load(None, cwd=project.folder, environ={})
    assert caught.value.exit_code == Exit.USAGE
    assert caught.value.message == "devgate.yaml cannot be used: 1 problem"
    assert [problem.message for problem in faults_of(caught.value)] == ["unknown key 'gatewy'"]


def test_warnings_do_not_stop_it_and_come_along_with_errors(project: Project) -> None:
    warned = "services: {api: {command: x, idle_stop: 5m}}\n"
    assert [warning.severity for warning in project.load(warned).warnings] == ["warning"]
    problems = project.faults(warned + "gatewy: {}\n")
    assert [problem.severity for problem in problems] == ["warning", "error"]


def test_an_attempt_that_fails_says_what_to_watch(project: Project) -> None:
    project.write(".env", "A=1\n")
    project.write("devgate.yaml", "env_file: .env\ngatewy: {}\n")
    attempt = project.attempt()
    assert attempt.loaded is None
    assert [path.name for path in attempt.files] == ["devgate.yaml", ".env"]
    missing = project.attempt("nope")
    assert missing.files == ()


def test_the_process_environment_is_neither_read_nor_changed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVGATE_TEST_ONLY", "1")
    before = dict(os.environ)
    project.write(".env", "DEVGATE_FROM_FILE=1\n")
    project.write("devgate.yaml", "env_file: .env\nenv: {A: '${DEVGATE_TEST_ONLY:-not seen}'}\n")
    attempt = project.attempt()
    assert attempt.loaded is not None
    assert attempt.loaded.profile.env == {"A": "not seen"}
    assert dict(os.environ) == before
