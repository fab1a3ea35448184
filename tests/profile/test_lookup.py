import os
import shutil
from pathlib import Path

import pytest

import devgate
from devgate.errors import Exit, ProfileError
from devgate.profile import lookup
from devgate.profile.lookup import Found, available, bundled_folder, find, last_used, note_used
from tests.profile.conftest import Project

SHIPPED = ("demo", "fechatter/development", "fechatter/ha", "fechatter/production")


def found(project: Project, ref: str | None = None, below: str = ".") -> Found:
    return find(ref, cwd=project.folder / below, environ=project.environ)


def refused(project: Project, ref: str | None = None) -> ProfileError:
    with pytest.raises(ProfileError) as caught:
        found(project, ref)
    assert caught.value.exit_code == Exit.USAGE
    assert caught.value.code == "unknown-profile"
    return caught.value


def test_with_nothing_in_sight_it_is_the_demo_and_says_so(project: Project) -> None:
    demo = found(project)
    assert (demo.ref, demo.bundled, demo.is_fallback, demo.folder) == ("demo", True, True, project.folder)
    assert not found(project, "demo").is_fallback


def test_the_file_of_this_folder_or_of_one_above(project: Project) -> None:
    file = project.write("devgate.yaml", "")
    (project.folder / "src" / "deep").mkdir(parents=True)
    here, below = found(project), found(project, below="src/deep")
    assert (here.path, here.ref, here.name) == (file, "devgate.yaml", project.folder.name)
    assert (below.path, below.ref, below.folder) == (file, str(file), project.folder)
    again = find(below.ref, cwd=project.folder / "src" / "deep", environ={})
    assert (again.path, again.ref) == (below.path, below.ref)


def test_the_short_suffix_too(project: Project) -> None:
    file = project.write("devgate.yml", "")
    assert found(project).path == file


def test_the_environment_before_the_folder_and_the_argument_before_both(project: Project) -> None:
    project.write("devgate.yaml", "")
    project.environ = {"DEVGATE_PROFILE": "fechatter/ha"}
    assert found(project).ref == "fechatter/ha"
    assert found(project, "demo").ref == "demo"
    project.environ = {"DEVGATE_PROFILE": ""}
    assert found(project).ref == "devgate.yaml"


def test_a_wrong_environment_is_named(project: Project) -> None:
    project.environ = {"DEVGATE_PROFILE": "demmo"}
    error = refused(project)
    assert error.message == "there is no profile 'demmo' (from $DEVGATE_PROFILE)"
    assert error.hint.startswith("did you mean demo?")


def test_the_project_s_own_profiles(project: Project) -> None:
    for name in ("development", "staging", "shop/development", "shop/production"):
        project.write(f"profiles/{name}.yaml", "")
    assert found(project).ref == "development"
    assert found(project, "staging").path == project.folder / "profiles" / "staging.yaml"
    assert found(project, "shop/production").name == "shop/production"
    assert found(project, "shop").ref == "shop/development"
    assert found(project, "staging").folder == project.folder


@pytest.mark.skipif(os.name != "posix", reason="devices and pipes are POSIX")
def test_what_was_used_last_is_read_from_a_plain_file_only(project: Project) -> None:
    project.write("profiles/a.yaml", "services: {}")
    note = project.folder / ".devgate" / "profile"
    note.parent.mkdir()
    note.symlink_to("/dev/zero")
    assert last_used(project.folder) is None
    note.unlink()
    os.mkfifo(note)
    assert last_used(project.folder) is None


def test_the_last_used_one_is_preferred(project: Project) -> None:
    for name in ("development", "staging"):
        project.write(f"profiles/{name}.yaml", "")
    (project.folder / ".devgate").mkdir()
    note_used(project.folder / ".devgate", "staging")
    assert last_used(project.folder) == "staging"
    assert found(project).ref == "staging"
    note_used(project.folder / ".devgate", "gone")
    assert found(project).ref == "development"


@pytest.mark.parametrize("note", [b"", b"\xff\xfe", b"../../etc/passwd\n"])
def test_a_damaged_note_is_ignored(project: Project, note: bytes) -> None:
    project.write("profiles/development.yaml", "")
    (project.folder / ".devgate").mkdir()
    (project.folder / ".devgate" / "profile").write_bytes(note)
    assert found(project).ref == "development"


def test_of_several_without_a_usual_one_a_person_has_to_choose(project: Project) -> None:
    project.write("profiles/one.yaml", "")
    assert found(project).ref == "one"
    project.write("profiles/two.yaml", "")
    assert refused(project).hint == "name one: one, two"


def test_a_folder_called_profiles_without_profiles_is_no_sign(project: Project) -> None:
    project.write("profiles/readme.txt", "")
    assert found(project).is_fallback


def test_own_profiles_come_before_shipped_ones_of_that_name(project: Project) -> None:
    file = project.write("profiles/demo.yaml", "")
    assert found(project, "demo").path == file
    assert not found(project, "demo").bundled


def test_shipped_sets(project: Project) -> None:
    assert found(project, "fechatter").ref == "fechatter/development"
    ha = found(project, "fechatter/ha")
    assert (ha.bundled, ha.folder, ha.path) == (True, project.folder, bundled_folder() / "fechatter" / "ha.yaml")


def test_paths(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    file = project.write("sub/my.yaml", "")
    own = project.write("other/devgate.yaml", "")
    monkeypatch.setenv("HOME", str(project.folder))
    assert found(project, "sub/my.yaml").path == file
    assert found(project, "./sub/my.yaml").ref == "sub/my.yaml"
    assert found(project, str(file)).name == "my"
    assert found(project, "./other").path == own
    assert found(project, "~/sub/my.yaml").path == file
    assert found(project, "../" + project.folder.name + "/sub/my.yaml").path == file


def test_a_shipped_file_named_by_its_path_is_still_shipped(project: Project) -> None:
    demo = found(project, str(bundled_folder() / "demo.yaml"))
    assert (demo.ref, demo.bundled) == ("demo", True)


def test_what_does_not_exist_is_answered_with_what_does(project: Project) -> None:
    error = refused(project, "fechater/ha")
    assert error.message == "there is no profile 'fechater/ha'"
    assert error.hint == f"did you mean fechatter/ha? there are: {', '.join(SHIPPED)}"
    assert refused(project, "developmnt").hint.startswith("did you mean fechatter/development?")
    assert refused(project, "zzz").hint == f"there are: {', '.join(SHIPPED)}"


def test_a_missing_file_is_answered_with_its_neighbour(project: Project) -> None:
    project.write("gateway", "")
    project.write("staging.yaml", "")
    error = refused(project, "stagin.yaml")
    assert (error.message, error.hint) == ("there is no file stagin.yaml", "did you mean staging.yaml?")
    assert "there are: demo" in refused(project, "./nowhere/x.yaml").hint


ODD = [
    "../../etc/passwd",
    "a/../../b",
    "/",
    ".",
    "..",
    "a/b/c",
    "x" * 5000,
    "a\0b",
    "-x",
    "\x1b[31m",
    "a/" + "b" * 300 + ".yaml",
]


@pytest.mark.parametrize("ref", ODD, ids=range(len(ODD)))
def test_odd_names_find_nothing_and_harm_nothing(project: Project, ref: str) -> None:
    assert len(refused(project, ref).message) < 300


def test_everything_that_can_be_named(project: Project) -> None:
    assert available(project.folder) == SHIPPED
    for name in (
        "profiles/development",
        "profiles/base",
        "profiles/shop/production",
        "profiles/.hidden",
        "profiles/a/b/c",
    ):
        project.write(f"{name}.yaml", "")
    project.write("devgate.yaml", "")
    project.write("profiles/demo.yml", "")
    refs = available(project.folder)
    assert refs == ("devgate.yaml", "demo", "development", "shop/production", *SHIPPED[1:])
    for ref in refs:
        assert found(project, ref).path.is_file()


def test_in_a_wheel_the_profiles_lie_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "devgate"
    (package / "profiles").mkdir(parents=True)
    monkeypatch.setattr(devgate, "__file__", str(package / "__init__.py"))
    assert bundled_folder() == package / "profiles"
    (package / "profiles" / "demo.yaml").write_text("")
    assert lookup.is_bundled(package / "profiles" / "demo.yaml")


def test_in_the_checkout_the_shipped_profiles_are_not_taken_for_the_project_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout of its own: above this one somebody may have a profile."""
    (tmp_path / "devgate").mkdir()
    shutil.copytree(bundled_folder(), tmp_path / "profiles")
    monkeypatch.setattr(devgate, "__file__", str(tmp_path / "devgate" / "__init__.py"))
    assert bundled_folder() == tmp_path / "profiles"
    assert find(None, cwd=tmp_path, environ={}).is_fallback
