"""The wheel that users install: whole, without the tests, and enough by itself."""

import os
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

import devgate

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what pip would put into site-packages. hatchling is installed, so nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    assert wheel.name == f"devgate-{devgate.__version__}-py3-none-any.whl"
    site = folder / "site-packages"
    zipfile.ZipFile(wheel).extractall(site)
    return site


def files_below(folder: Path) -> set[str]:
    """What stands in a folder, apart from what Python leaves there."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_holds_the_package_and_the_profiles_and_nothing_else(installed: Path):
    assert {path.name for path in installed.iterdir()} == {"devgate", f"devgate-{devgate.__version__}.dist-info"}
    profiles = {f"profiles/{name}" for name in files_below(ROOT / "profiles")}
    assert profiles
    assert files_below(installed / "devgate") == files_below(ROOT / "devgate") | profiles


def test_says_that_it_is_typed_and_brings_the_screens_style(installed: Path):
    assert (installed / "devgate" / "py.typed").is_file()
    assert list((installed / "devgate").rglob("*.tcss"))


def test_gives_the_console_script(installed: Path):
    (info,) = installed.glob("*.dist-info")
    (script,) = PathDistribution(info).entry_points.select(group="console_scripts")
    assert (script.name, script.value) == ("devgate", "devgate.cli.main:main")


def test_finds_its_profiles_without_the_checkout(installed: Path, tmp_path: Path):
    env = {name: value for name, value in os.environ.items() if not name.startswith("DEVGATE_")}
    env["PYTHONPATH"] = str(installed)
    for profile in ["demo", "fechatter/development", "fechatter/production", "fechatter/ha"]:
        checked = subprocess.run(
            [sys.executable, "-m", "devgate", "check", profile],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
