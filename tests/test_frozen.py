"""What a child inherits, and how devgate runs itself, from a checkout and from a bundle."""

import sys
from collections.abc import Iterator

import pytest

from devgate import frozen


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", "/opt/devgate/_internal", raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/devgate/devgate")
    return


def test_a_child_never_sees_what_is_devgates_own() -> None:
    inherited = {
        "PATH": "/bin",
        "DEVGATE_TOKEN": "t",
        "DEVGATE_STUB": "{}",
        "DEVGATE_MARK": "outer:web#0;",
        "_PYI_X": "1",
    }
    assert frozen.child_env(inherited) == {"PATH": "/bin"}


def test_outside_a_bundle_the_users_library_path_stays() -> None:
    inherited = {"LD_LIBRARY_PATH": "/usr/local/lib"}
    assert frozen.child_env(inherited) == inherited


@pytest.mark.usefixtures("bundle")
def test_the_bundles_library_path_goes_and_the_users_comes_back() -> None:
    assert frozen.child_env({"LD_LIBRARY_PATH": "/opt/devgate/_internal", "HOME": "/h"}) == {"HOME": "/h"}
    inherited = {"LD_LIBRARY_PATH": "/opt/devgate/_internal", "LD_LIBRARY_PATH_ORIG": "/usr/local/lib"}
    assert frozen.child_env(inherited) == {"LD_LIBRARY_PATH": "/usr/local/lib"}


def test_from_a_checkout_the_working_folder_cannot_shadow_modules() -> None:
    assert frozen.own_command("status") == [sys.executable, "-P", "-m", "devgate", "status"]
    assert frozen.stub_command("web") == [sys.executable, "-P", "-m", "devgate.stub", "web"]


@pytest.mark.usefixtures("bundle")
def test_a_bundle_is_its_own_python() -> None:
    assert frozen.own_command("status") == ["/opt/devgate/devgate", "status"]
    assert frozen.stub_command("web") == ["/opt/devgate/devgate", "stub", "web"]
    assert frozen.guardian_command("ignored.py") == ["/opt/devgate/devgate", "__guardian"]
