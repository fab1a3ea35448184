from pathlib import Path

import pytest

from devgate.errors import ProfileError
from devgate.profile.envfile import read_env_file
from devgate.profile.problems import faults_of
from tests.profile.conftest import Project, pointed


def test_what_the_usual_files_hold(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(
        "# words\n\nA=1\nexport B='two words'\nC=\"x\\ny\"\nD=${A}/${OUTER}/${GONE}\nE=\nF # no value\n\nG=last\n"
    )
    file = read_env_file(path, {"OUTER": "out", "A": "not this"})
    assert file.values == {"A": "1", "B": "two words", "C": "x\ny", "D": "1/out/", "E": "", "G": "last"}
    assert file.lines == {"A": 3, "B": 4, "C": 5, "D": 6, "E": 7, "G": 10}


def test_the_process_environment_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEVGATE_TEST_X", raising=False)
    (tmp_path / ".env").write_text("DEVGATE_TEST_X=1\nY=${DEVGATE_TEST_X}${HOME}")
    import os

    assert read_env_file(tmp_path / ".env", {}).values["Y"] == "1"
    assert "DEVGATE_TEST_X" not in os.environ


def test_a_line_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n\nnot a line = at all?\nB=2\n'odd\n")
    with pytest.raises(ProfileError) as caught:
        read_env_file(tmp_path / ".env", {})
    assert [(fault.line, fault.message) for fault in faults_of(caught.value)] == [
        (3, "not a line of the form NAME=value"),
        (5, "not a line of the form NAME=value"),
    ]


def test_variables_are_compared_without_being_told(tmp_path: Path) -> None:
    one, two = tmp_path / "a", tmp_path / "b"
    one.write_text("A=1")
    two.write_text("A=1")
    two.write_text("# said in words\nA='1'\n")
    assert read_env_file(one, {}).digests == read_env_file(two, {}).digests
    two.write_text("A=2")
    assert read_env_file(one, {}).digests.keys() == read_env_file(two, {}).digests.keys()
    assert read_env_file(one, {}).digests != read_env_file(two, {}).digests


# In a profile


def test_the_process_environment_wins_over_files_and_later_files_over_earlier(project: Project) -> None:
    project.write("one.env", "A=one\nB=one\nC=one\n")
    project.write("two.env", "B=two\nC=two\n")
    project.environ = {"C": "process"}
    loaded = project.load("env_file: [one.env, two.env]\nenv: {A: '${A}', B: '${B}', C: '${C}'}\n")
    assert loaded.profile.env == {"A": "one", "B": "two", "C": "process"}
    origins = loaded.origins(project.folder)
    assert [origins[f"env.{name}"] for name in "ABC"] == ["one.env:1", "two.env:1", "env C"]
    assert loaded.profile.env_file == (str(project.folder / "one.env"), str(project.folder / "two.env"))
    assert [path.name for path in loaded.files] == ["devgate.yaml", "one.env", "two.env"]


def test_the_environment_may_choose_the_file_but_not_the_file_itself(project: Project) -> None:
    project.write("test.env", "MODE=other\n")
    project.environ = {"MODE": "test"}
    assert project.load("env_file: '${MODE}.env'\n").profile.env_file == (str(project.folder / "test.env"),)


def test_a_missing_file_of_the_profile_is_an_error_at_its_entry(project: Project) -> None:
    problem = project.fault("env_file: [.env]\nenv: {A: '${A:-x}'}\n")
    assert problem.message == "env_file .env cannot be read: No such file or directory"
    assert (problem.severity, pointed(problem), problem.hint) == ("error", ".env", "create it, or remove this entry")


def test_a_missing_file_of_a_service_is_a_warning(project: Project) -> None:
    loaded = project.load("services: {api: {command: x, env_file: .env}}\n")
    (warning,) = loaded.warnings
    assert (warning.severity, pointed(warning)) == ("warning", ".env")
    assert loaded.files[-1] == project.folder / ".env"


def test_a_service_s_file_is_not_for_interpolation(project: Project) -> None:
    project.write("api.env", "A=1\n")
    assert (
        project.fault("services: {api: {command: x, env_file: api.env, env: {B: '${A}'}}}\n").message == "A is not set"
    )


def test_a_bad_line_is_told_in_its_own_file(project: Project) -> None:
    project.write(".env", "A=1\n???\n")
    problem = project.fault("env_file: .env\n")
    assert (Path(problem.file).name, problem.line, pointed(problem)) == (".env", 2, "???")


def test_an_edited_file_changes_the_profile(project: Project) -> None:
    project.write(".env", "A=1\n")
    project.write("api.env", "B=1\n")
    text = "env_file: .env\nservices: {api: {command: x, env_file: api.env}}\n"
    first = project.load(text).profile.digest
    assert project.load(text).profile.digest == first
    project.write("api.env", "B=2\n")
    assert project.load(text).profile.digest != first
