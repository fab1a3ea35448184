"""Programs that some tests need beside Python, and what happens where one is missing.

On a developer's machine such a test skips and names the program. `.ci/run` installs them all and sets
DEVGATE_REQUIRE_TOOLS, under which a missing program is a failure: a skip that nobody reads would hide a broken test.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import NoReturn

import pytest

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "chromium": ("chromium-browser", "google-chrome", "google-chrome-stable"),
    "node": ("nodejs",),
}
"""What systems call a program that they do not call by its own name."""


def lack(what: str) -> NoReturn:
    """Ends a test that cannot run on this machine, for a reason that its reader can mend."""
    if os.environ.get("DEVGATE_REQUIRE_TOOLS"):
        pytest.fail(f"{what}, and DEVGATE_REQUIRE_TOOLS says that this machine has everything", pytrace=False)
    pytest.skip(what)


def require_tool(name: str) -> str:
    """The path of a program; skips the test (or fails it, see above) where it is not installed."""
    for candidate in (name, *OTHER_NAMES.get(name, ())):
        if path := shutil.which(candidate):
            return path
    lack(f"{name} is not installed")


def python_with(module: str) -> str:
    """The path of an interpreter that has a module which pip cannot give; the system's own, as a rule."""
    for folder in os.get_exec_path():
        path = shutil.which("python3", path=folder)
        if path and not subprocess.run([path, "-c", f"import {module}"], capture_output=True, check=False).returncode:
            return path
    lack(f"no python3 here has the module {module}")
