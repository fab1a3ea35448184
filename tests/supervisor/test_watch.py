"""Which changed files count."""

from collections.abc import Callable
from pathlib import Path

import pytest

from devgate.model.service import WatchSpec
from devgate.supervisor.watch import TRIGGERS, WINDOW_S, Counts, Flap


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("*.log\n/dist/\n!keep.log\n")
    (tmp_path / "server" / "src").mkdir(parents=True)
    (tmp_path / "server" / "dist").mkdir()
    (tmp_path / "dist").mkdir()
    return tmp_path


def counting(folder: Path, **spec: object) -> Callable[[str], bool]:
    counts = Counts(WatchSpec.model_validate(spec), folder)
    return lambda path: counts(folder / path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/main.rs", True),
        ("src/deep/er/x.py", True),
        ("other/main.rs", False),
        ("src/a.log", False),
        ("src/keep.log", True),
        ("src/__pycache__/x.cpython-311.pyc", False),
        ("src/node_modules/x/index.js", False),
        ("src/.git/HEAD", False),
        ("src/.main.rs.swp", False),
        ("src/main.rs~", False),
        ("src/.devgate/logs/web.log", False),
        ("Cargo.toml", True),
        ("Cargo.lock", False),
    ],
)
def test_the_usual_clutter_and_gitignore(checkout: Path, path: str, expected: bool) -> None:
    assert counting(checkout / "server", paths=["src", "Cargo.toml"])(path) is expected


def test_patterns_of_the_profile_narrow_it_down(checkout: Path) -> None:
    counts = counting(checkout / "server", paths=["."], include=["*.py", "/conf/"], exclude=["test_*", "*_gen.py"])
    assert counts("src/main.py")
    assert counts("conf/x.yaml")
    assert not counts("src/main.rs")
    assert not counts("src/test_main.py")
    assert not counts("src/api_gen.py")


def test_what_is_watched_by_name_counts_although_git_ignores_it(checkout: Path) -> None:
    assert not counting(checkout, paths=["."])("dist/app.js")
    counts = counting(checkout, paths=["dist", "build.log"])
    assert counts("dist/app.js")
    assert counts("build.log")


def test_rules_of_a_folder_below_beat_those_above(checkout: Path) -> None:
    (checkout / "server" / "src" / ".gitignore").write_text("!important.log\nsecret.py\n")
    counts = counting(checkout / "server", paths=["src"])
    assert counts("src/important.log")
    assert not counts("src/secret.py")


def test_a_changed_gitignore_is_read_again(checkout: Path) -> None:
    counts = counting(checkout / "server", paths=["src"])
    assert counts("src/main.rs")
    (checkout / "server" / "src" / ".gitignore").write_text("*.rs\n")
    assert counts("src/.gitignore")
    assert not counts("src/main.rs")


def test_outside_of_a_checkout_nothing_above_is_read(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / "app").mkdir()
    assert counting(tmp_path / "app", paths=["."])("main.py")


def test_paths_may_be_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    counts = counting(tmp_path, paths=["link"])
    assert counts("link/x")
    assert counts("real/x")


def test_too_many_changes_are_not_believed() -> None:
    flap = Flap()
    assert [flap.trigger(float(at)) for at in range(TRIGGERS)] == [True] * (TRIGGERS - 1) + [False]
    flap.forget()
    assert flap.trigger(100.0)


def test_as_many_over_a_longer_time_are() -> None:
    flap = Flap()
    pause = WINDOW_S / (TRIGGERS - 1) + 0.1
    assert all(flap.trigger(at * pause) for at in range(100))
