"""`devgate init`: what it writes can be used at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from devgate.cli.beginning import document, processes
from devgate.errors import Exit
from devgate.profile.loading import load

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli


def test_the_first_profile_is_good_and_starts_something(cli: Cli, tmp_path: Path) -> None:
    result = cli("init")
    assert result.code == 0
    assert str(tmp_path / "devgate.yaml") in result.out
    assert cli("check").code == 0
    loaded = load(None, cwd=tmp_path, environ={})
    assert loaded.profile.services["api"].stands_in
    assert not loaded.warnings
    assert loaded.profile.name == tmp_path.name


def test_a_procfile_is_taken_over(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text(
        "# comment\nworker_one: bin/work --a 'b: c' # x\nweb:   npm run dev -- --port \\$PORT\nweb: other\nnonsense\n:\n"
    )
    assert cli("init").code == 0
    profile = load(None, cwd=tmp_path, environ={}).profile
    assert {name: spec.command for name, spec in profile.services.items()} == {
        "worker-one": "bin/work --a 'b: c' # x",
        "web": "npm run dev -- --port \\$PORT",
    }
    assert profile.routes[0].service == "web"
    assert {name: spec.port for name, spec in profile.services.items()} == {"worker-one": None, "web": "auto"}


def test_what_is_there_stays(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text("mine")
    result = cli("init")
    assert result.code == Exit.USAGE
    assert "--force" in result.err
    assert (tmp_path / "devgate.yaml").read_text() == "mine"
    assert cli("init", "--force").code == 0
    assert cli("check").code == 0


def test_only_printed(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", "--print")
    assert yaml.safe_load(result.out)["version"] == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_to(cli: Cli, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert cli("init").code == Exit.USAGE
    tmp_path.chmod(0o700)


def test_a_link_that_leads_nowhere_is_not_followed(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").symlink_to(tmp_path / "elsewhere")
    assert cli("init").code == Exit.USAGE
    assert not (tmp_path / "elsewhere").exists()


@settings(max_examples=60)
@given(
    folder=st.text(max_size=20),
    procfile=st.one_of(
        st.text(max_size=200),
        st.lists(
            st.tuples(st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True), st.text(min_size=1, max_size=30)),
            max_size=4,
        ).map(lambda lines: "\n".join(f"{name}: {command}" for name, command in lines)),
    ),
)
def test_whatever_a_folder_and_a_procfile_hold(folder: str, procfile: str) -> None:
    """The text is YAML, and its commands are the Procfile's."""
    data = yaml.safe_load(document(folder, procfile))
    commands = processes(procfile)
    assert all(0 < len(name) < 63 for name in commands)
    if commands:
        assert {name: spec["command"] for name, spec in data["services"].items()} == commands
    assert data["routes"][0]["service"] in data["services"]
