"""Running from a bundle: how to start ourselves again, and what of our environment no child may see (DESKTOP.md 4)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLES: Final = "DEVGATE_VARIABLES"
"""What `up -d -e K=V` hands to the devgate that it starts, as JSON: an argument is there for every user of the machine to read,
for as long as the process lives (SEMANTICS 4, threat 6)."""
_OWN: Final = ("DEVGATE_TOKEN", "DEVGATE_STUB", "DEVGATE_MARK", VARIABLES)
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH")


def is_frozen() -> bool:
    """Whether this is the PyInstaller bundle; `sys.executable` is devgate itself then, and no Python."""
    return bool(getattr(sys, "frozen", False)) and hasattr(sys, "_MEIPASS")


def own_command(*arguments: str) -> list[str]:
    """How to run devgate's command line as another process.

    `-P` keeps the working folder out of the module path: a service's `json.py` must not become ours.
    """
    if is_frozen():
        return [sys.executable, *arguments]
    return [sys.executable, "-P", "-m", "devgate", *arguments]


def stub_command(name: str) -> list[str]:
    """How to run the stand-in for a service. Outside the bundle without the command line, which costs three times its start."""
    if is_frozen():
        return [sys.executable, "stub", name]
    return [sys.executable, "-P", "-m", "devgate.stub", name]


def guardian_command(script: str) -> list[str]:
    """How to run the guardian: isolated from the user's Python settings, and without site-packages, which it does not need."""
    return [sys.executable, "__guardian"] if is_frozen() else [sys.executable, "-I", "-S", script]


def child_env(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that a child inherits: the user's, without what devgate and its bundle put in.

    The bootloader points the library path at the bundle; a service's own Python would load our OpenSSL from there. What the user
    had is kept by it under `..._ORIG`.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if name not in _OWN and not name.startswith("_PYI_") and name != "_MEIPASS2"
    }
    if is_frozen():
        for name in _LIBRARY_PATHS:
            kept.pop(name, None)
            original = kept.pop(f"{name}_ORIG", None)
            if original is not None:
                kept[name] = original
    return kept
