"""Other devgates, as they are known by their command lines: who holds our port may be one of us, and is then ended by name.

That is for messages only. Nothing is done to a process because of how it calls itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def project_of(pid: int) -> Path | None:
    """The folder where a devgate was started, or that it was given as --project; None if it is none, or not ours to look at."""
    import psutil

    try:
        process = psutil.Process(pid)
        return project_in(process.cmdline(), process.cwd())
    except (psutil.Error, OSError):
        return None


def project_in(command: Sequence[str], cwd: str) -> Path | None:
    """The project of a devgate with this command line and working folder; None if it is not one that runs services."""
    arguments = _arguments(command)
    if arguments[:1] not in (["up"], ["run"]):
        return None
    if "--" in arguments:  # from there on it is somebody else's command
        arguments = arguments[: arguments.index("--")]
    given = ""
    for number, argument in enumerate(arguments):
        if argument == "--project" and number + 1 < len(arguments):
            given = arguments[number + 1]
        elif argument.startswith("--project="):
            given = argument.partition("=")[2]
    return Path(cwd, given)


def _arguments(command: Sequence[str]) -> list[str]:
    """What follows `devgate`: the program itself, a script that Python runs, or `-m devgate`."""
    words = list(command)
    if words and Path(words[0]).stem == "devgate":
        return words[1:]
    if words and Path(words[0]).name.startswith("python"):
        for number, word in enumerate(words[1:], 1):
            if word == "-m":
                return words[number + 2 :] if words[number + 1 : number + 2] == ["devgate"] else []
            if not word.startswith("-"):
                return words[number + 1 :] if Path(word).stem == "devgate" else []
    return []
