"""Which file is meant by the argument of `devgate up`, or by none.

    a path, NAME or SET/NAME  ->  $DEVGATE_PROFILE  ->  devgate.yaml here or in a parent  ->  ./profiles  ->  the demo

A folder of profiles is a set: one system, several environments; its own name means its `development`. `base.yaml` is what the
others extend, and no profile by itself. Profiles in the project's `profiles` folder come before the shipped ones of that name.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final

import devgate
from devgate.errors import ProfileError
from devgate.profile.source import read_source

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES: Final = ("devgate.yaml", "devgate.yml")
SUFFIXES: Final = (".yaml", ".yml")
VARIABLE: Final = "DEVGATE_PROFILE"
DEMO: Final = "demo"
USUAL: Final = "development"
_PART: Final = "base"
_REF: Final = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)?")
_LAST_USED: Final = "profile"


@dataclass(frozen=True, slots=True)
class Found:
    """A profile's file and what to call it."""

    path: Path
    ref: str
    """What finds it again from the same folder: a name, or a path."""
    name: str
    """What it is called unless it says so itself."""
    folder: Path
    """The project's folder: what a shipped profile's relative paths mean, and where `.devgate` belongs."""
    bundled: bool
    is_fallback: bool = False
    """Nothing was asked for and nothing was found: this is the demo."""


def find(ref: str | None, *, cwd: Path, environ: Mapping[str, str]) -> Found:
    """The profile that `ref` means, or without one the profile of this folder.

    Raises:
        ProfileError: there is none, or several and no reason to prefer one.
    """
    if ref:
        return _named(ref, cwd)
    if chosen := environ.get(VARIABLE):
        try:
            return _named(chosen, cwd)
        except ProfileError as error:
            raise _unknown(f"{error.message} (from ${VARIABLE})", error.hint) from error
    if own := _own_file(cwd):
        return _file(own, cwd)
    local = _profiles_in(cwd / "profiles")
    if local and not is_bundled(cwd / "profiles"):
        return _preferred(local, cwd)
    return _bundled_profile(DEMO, cwd, is_fallback=True)


def available(cwd: Path) -> tuple[str, ...]:
    """Everything that can be named from here: the project's own first, then what is shipped."""
    own = _own_file(cwd)
    refs = [_file(own, cwd).ref] if own else []
    return tuple(dict.fromkeys([*refs, *_profiles_in(_project(cwd) / "profiles"), *_profiles_in(bundled_folder())]))


def find_base(text: str, folder: Path) -> Path | None:
    """The file that `extends: text` means in a file of `folder`: a path from there, else a shipped profile."""
    for suffix in ("", *SUFFIXES):
        path = Path(os.path.normpath(folder / f"{text}{suffix}"))
        if os.path.isfile(path):
            return path
    return _in_folder(bundled_folder(), text) if _REF.fullmatch(text) else None


def bundled_folder() -> Path:
    """Where the shipped profiles are: inside the package once it is installed or frozen, beside it in a checkout."""
    package = Path(devgate.__file__).parent
    inside = package / "profiles"
    return inside if inside.is_dir() else package.parent / "profiles"


def is_bundled(path: Path) -> bool:
    """Whether a file or folder is one of the shipped ones."""
    return path.resolve().is_relative_to(bundled_folder().resolve())


def note_used(state: Path, ref: str) -> None:
    """Remember in the project's state folder which profile was used, for the next start without an argument."""
    (state / _LAST_USED).write_text(ref + "\n", encoding="utf-8")


def last_used(cwd: Path) -> str | None:
    """The profile noted by `note_used`, if any. The folder may not have been looked at yet (`runfile.state_folder`)."""
    try:
        return read_source(cwd / ".devgate" / _LAST_USED).text.strip() or None
    except ProfileError:
        return None


def _named(ref: str, cwd: Path) -> Found:
    if ref.endswith(SUFFIXES) or not _REF.fullmatch(ref):
        path = cwd / Path(ref).expanduser()
        for file in (path, *(path / name for name in FILES)):
            if os.path.isfile(file):
                return _file(file, cwd)
        near = get_close_matches(ref, [found.name for found in _siblings(path)], n=1)
        raise _unknown(f"there is no file {_shown(ref)}", f"did you mean {near[0]}?" if near else _listed(cwd))
    project = _project(cwd)
    local = _in_folder(project / "profiles", ref)
    if local is not None:
        return _file(local, cwd)
    if _in_folder(bundled_folder(), ref):
        return _bundled_profile(ref, cwd)
    refs = available(cwd)
    near = get_close_matches(ref, [*refs, *(name.rpartition("/")[2] for name in refs)], n=1)
    near = [name for name in refs if near and name.endswith(near[0])][:1]
    raise _unknown(
        f"there is no profile {_shown(ref)!r}", f"did you mean {near[0]}? {_listed(cwd)}" if near else _listed(cwd)
    )


def _preferred(refs: list[str], cwd: Path) -> Found:
    last = last_used(cwd)
    usual = [ref for ref in refs if ref.rpartition("/")[2] == USUAL]
    for choice in ([last] if last in refs else [], [USUAL] if USUAL in refs else [], usual, refs):
        if len(choice) == 1 and choice[0]:
            return _named(choice[0], cwd)
    raise _unknown("there are several profiles here and none is the usual one", f"name one: {', '.join(refs)}")


def _file(path: Path, cwd: Path) -> Found:
    """A file of the user's (or a shipped one that was named by its path)."""
    path = Path(os.path.abspath(path))
    if is_bundled(path):
        return _bundled_profile(path.resolve().relative_to(bundled_folder().resolve()).with_suffix("").as_posix(), cwd)
    project = _project(cwd)
    if path.is_relative_to(project / "profiles"):
        ref = path.relative_to(project / "profiles").with_suffix("").as_posix()
        if _in_folder(project / "profiles", ref) == path:
            return Found(path, ref, ref, project, bundled=False)
    ref = path.relative_to(cwd).as_posix() if path.is_relative_to(cwd) else str(path)
    name = path.parent.name if path.name in FILES and path.parent.name else path.stem
    return Found(path, ref, name, path.parent, bundled=False)


def _bundled_profile(ref: str, cwd: Path, *, is_fallback: bool = False) -> Found:
    path = _in_folder(bundled_folder(), ref)
    if path is None:
        raise _unknown(f"the shipped profile {ref!r} is missing", "install devgate again")
    ref = path.relative_to(bundled_folder()).with_suffix("").as_posix()
    return Found(path, ref, ref, _project(cwd), bundled=True, is_fallback=is_fallback)


def _in_folder(folder: Path, ref: str) -> Path | None:
    """The file of NAME, SET/NAME, or SET below `folder`."""
    for name in (ref, f"{ref}/{USUAL}"):
        for suffix in SUFFIXES:
            # Unlike Path.is_file this is False, and no error, for a name that no file can have.
            if os.path.isfile(path := folder / f"{name}{suffix}"):
                return path
    return None


def _profiles_in(folder: Path) -> list[str]:
    """Names below a folder of profiles: its files, then those of its sets."""
    files = [*_siblings(folder / "x"), *(file for sub in _folders(folder) for file in _siblings(sub / "x"))]
    refs = (file.relative_to(folder).with_suffix("").as_posix() for file in files if file.stem != _PART)
    return [ref for ref in dict.fromkeys(refs) if _REF.fullmatch(ref)]


def _siblings(path: Path) -> list[Path]:
    """YAML files in the folder of `path`."""
    try:
        return sorted(file for file in path.parent.iterdir() if file.suffix in SUFFIXES and file.is_file())
    except OSError:
        return []


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(sub for sub in folder.iterdir() if sub.is_dir() and not sub.name.startswith("."))
    except OSError:
        return []


def _own_file(cwd: Path) -> Path | None:
    for folder in (cwd, *cwd.parents):
        for name in FILES:
            if (folder / name).is_file():
                return folder / name
    return None


def _project(cwd: Path) -> Path:
    own = _own_file(cwd)
    return own.parent if own else cwd


def _listed(cwd: Path) -> str:
    return f"there are: {', '.join(available(cwd))}"


def _shown(ref: str) -> str:
    """An argument, short enough for a message."""
    return ref if len(ref) <= 200 else f"{ref[:200]}..."


def _unknown(message: str, hint: str) -> ProfileError:
    error = ProfileError(message, hint=hint)
    error.code = "unknown-profile"
    return error
