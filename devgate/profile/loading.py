"""The front door: a name or a path in, a checked `Profile` out, or every problem at once.

lookup -> extends -> env files -> interpolate -> paths -> parse -> checks
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from devgate.errors import ProfileError
from devgate.profile import lookup
from devgate.profile.checks import check
from devgate.profile.envfile import EnvFiles
from devgate.profile.extends import Unread, assemble, cleaned
from devgate.profile.interpolate import Value, interpolate
from devgate.profile.nodes import List, Map, Text, child, leaves
from devgate.profile.parse import parse
from devgate.profile.paths import absolute, absolute_paths
from devgate.profile.problems import in_order, key_path, refusal, shown_file
from devgate.profile.short_forms import written_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devgate.model.profile import Profile
    from devgate.profile.lookup import Found
    from devgate.profile.problems import Problem
    from devgate.profile.secrets import Secrets


@dataclass(frozen=True, slots=True)
class Loaded:
    """A profile that can be used, and where it comes from."""

    profile: Profile
    ref: str
    """What to pass to get it again from the same folder: `fechatter/ha`, or a path."""
    path: Path
    """Its file."""
    folder: Path
    """The project's folder."""
    bundled: bool
    """Shipped with devgate."""
    is_fallback: bool
    """Nothing was asked for and nothing was found: this is the demo, and the user should be told how to make a profile."""
    files: tuple[Path, ...]
    """Everything that was read or would be: the file, those it extends, env files. A change of one may change the profile."""
    warnings: tuple[Problem, ...]
    root: Map = field(repr=False, compare=False)
    """The tree it was made from."""
    given: tuple[tuple[str, str], ...] = field(default=(), repr=False, compare=False)
    """Names and values of the env files that `${...}` was replaced from."""

    def origins(self, cwd: Path) -> dict[str, str]:
        """Where each written value comes from, by key path: `devgate.yaml:12`, `env JWT_SECRET`, `.env:3`. What is not in it
        is a default."""
        found = {}
        for path, node in leaves(self.root):
            written = f"{shown_file(str(node.place.file.path), cwd)}:{node.place.line}"
            found[key_path(path)] = (node.origin if isinstance(node, Text) else "") or written
        return found

    def secrets(self) -> Secrets:
        """What must not be seen in anything that is shown of it."""
        from devgate.profile.secrets import secrets_of

        return secrets_of(self.root, self.given)

    def with_profile(self, profile: Profile) -> Loaded:
        """The same with a changed profile: what the command line puts over the file."""
        return replace(self, profile=profile)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of trying to load: `loaded`, or `error`."""

    loaded: Loaded | None
    error: ProfileError | None
    files: tuple[Path, ...]
    """Every file that had a part in it, so that a watcher sees when the error is mended."""


def load(ref: str | None, *, cwd: Path, environ: Mapping[str, str], expose: bool = False) -> Loaded:
    """Load a profile.

    Args:
        ref: NAME, SET/NAME or a path; None looks around (see `lookup`).
        cwd: the folder to look from.
        environ: for `${NAME}` and `$DEVGATE_PROFILE`.
        expose: whether it may listen beyond loopback.

    Raises:
        ProfileError: with every problem found.
    """
    attempt = try_load(ref, cwd=cwd, environ=environ, expose=expose)
    if attempt.loaded is None:
        assert attempt.error is not None
        raise attempt.error
    return attempt.loaded


def try_load(ref: str | None, *, cwd: Path, environ: Mapping[str, str], expose: bool = False) -> Attempt:
    """As `load`, with the error as a value and the files that it comes from."""
    cwd = Path(os.path.abspath(cwd))
    files: tuple[Path, ...] = ()
    try:
        found = lookup.find(ref, cwd=cwd, environ=environ)
        files = (found.path,)
        assembled = assemble(found.path, is_bundled=lookup.is_bundled, find_base=lookup.find_base)
    except Unread as error:
        return Attempt(None, refusal(error.faults, cwd), error.files)
    except ProfileError as error:
        return Attempt(None, error, files)
    return _loaded(found, assembled.root, assembled.files, cwd, environ, expose)


def _loaded(
    found: Found, root: Map, files: tuple[Path, ...], cwd: Path, environ: Mapping[str, str], expose: bool
) -> Attempt:
    problems: list[Problem] = []
    values = {name: Value(text, f"env {name}") for name, text in environ.items()}
    env_files = EnvFiles(cwd, environ)
    # Which env files are read may depend on the environment, never on what stands in them.
    named = root.entries.get("env_file")
    if named is not None:
        named = absolute(interpolate(named, values, problems, path=("env_file",)), found.folder)
        root = root.with_entry("env_file", List(named.place))
        env_files.read(named, ("env_file",), "error")
    # What the process's environment says wins: `PORT=1 devgate up` must do what it looks like.
    root = cleaned(written_out(interpolate(root, {**env_files.values, **values}, problems)))
    root = absolute_paths(root, found.folder)
    if named is not None:
        root = root.with_entry("env_file", named)
    for name in services.entries if isinstance(services := child(root, "services"), Map) else ():
        env_files.read(child(services, name, "env_file"), ("services", name, "env_file"), "warning")
    draft = parse(root)
    problems += [*env_files.problems, *draft.problems, *check(draft, root, expose=expose)]
    files = tuple(dict.fromkeys((*files, *map(Path, env_files.digests))))
    given = tuple((name, value.text) for name, value in env_files.values.items())
    if problems:  # some quote what they are about
        from devgate.profile.secrets import secrets_of

        secrets = secrets_of(root, given)
        problems = [
            replace(one, message=secrets.out_of(one.message), hint=secrets.out_of(one.hint)) for one in problems
        ]
    ordered = in_order(problems)
    if any(problem.severity == "error" for problem in ordered):
        return Attempt(None, refusal(ordered, cwd), files)
    profile = draft.profile.model_copy(
        update={"name": draft.profile.name or found.name, "env_digests": env_files.digests}
    )
    loaded = Loaded(
        profile,
        found.ref,
        found.path,
        found.folder,
        found.bundled,
        found.is_fallback,
        files,
        warnings=ordered,
        root=root,
        given=given,
    )
    return Attempt(loaded, None, files)
