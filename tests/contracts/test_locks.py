"""The locks: every package pinned and hashed, from wherever the reader's pip is told to fetch, in step with the project."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = PROJECT["dependency-groups"]


def lines_of(lock: str) -> list[str]:
    """A lock's logical lines: one requirement with its hashes each."""
    text = (ROOT / "requirements" / lock).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def pins_of(lock: str) -> dict[str, Requirement]:
    requirements = [Requirement(line.split(" --hash=")[0]) for line in lines_of(lock)]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def group(name: str) -> list[str]:
    """A dependency group's requirements, with the groups that it includes."""
    found: list[str] = []
    for entry in GROUPS[name]:
        found += group(entry["include-group"]) if isinstance(entry, dict) else [entry]
    return found


LOCKS = {
    "runtime.lock": PROJECT["project"]["dependencies"],
    "build.lock": group("build"),
    "dev.lock": PROJECT["project"]["dependencies"] + group("dev"),
}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_one_pinned_and_hashed_package(lock: str):
    """An option line would name an index or a folder; a URL would name a host or a path of one machine."""
    for line in lines_of(lock):
        pin, *hashes = line.split(" --hash=")
        requirement = Requirement(pin)
        assert requirement.url is None
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], line
        assert hashes, f"{requirement.name} has no hash"
        assert all(one.strip().startswith("sha256:") for one in hashes), line


@pytest.mark.parametrize(("lock", "wanted"), LOCKS.items())
def test_the_lock_gives_what_the_project_asks_for(lock: str, wanted: list[str]):
    pins = pins_of(lock)
    for requirement in map(Requirement, wanted):
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement} is not in {lock}: run `make lock`"
        (version,) = (specifier.version for specifier in pin.specifier)
        assert version in requirement.specifier, f"{lock} has {pin}, the project wants {requirement}: run `make lock`"


@pytest.mark.parametrize("lock", ["runtime.lock", "build.lock"])
def test_what_is_tested_is_what_is_shipped(lock: str):
    dev = pins_of("dev.lock")
    for name, pin in pins_of(lock).items():
        assert dev[name].specifier == pin.specifier
