"""Several files as one tree: `extends` names a file to build upon.

Maps merge key by key, lists and texts replace, and a key with nothing behind it (`null`) takes the inherited one away. In `env`
a `null` is a value: it unsets the variable. Every node keeps the place where it was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.errors import ProfileError
from devgate.profile.compose import compose
from devgate.profile.nodes import List, Map, Text
from devgate.profile.problems import faults_of, problem_at
from devgate.profile.source import read_source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from devgate.profile.nodes import KeyPath, Node
    from devgate.profile.problems import Problem

LONGEST_CHAIN: Final = 16


class Unread(Exception):
    """A file of the chain cannot be used.

    Args:
        faults: why.
        files: those that were tried, so that a watcher sees when they are mended.
    """

    def __init__(self, faults: Sequence[Problem], files: Sequence[Path]) -> None:
        super().__init__(*faults)
        self.faults = faults
        self.files = tuple(dict.fromkeys(files))


@dataclass(frozen=True, slots=True)
class Assembled:
    """The merged tree, without `extends`, extensions (`x-...`) and keys that say nothing."""

    root: Map
    files: tuple[Path, ...]
    """Every file read, the named one first."""


def assemble(
    path: Path, *, is_bundled: Callable[[Path], bool], find_base: Callable[[str, Path], Path | None]
) -> Assembled:
    """Read a profile and everything it extends.

    Args:
        path: the profile.
        is_bundled: whether a file is shipped with devgate.
        find_base: the file that a text behind `extends` means in a file of this folder; None if there is none.

    Raises:
        Unread: a file cannot be read, is not YAML, is missing, or extends itself.
    """
    files: list[Path] = []
    root = _read(path, (), files, is_bundled, find_base)
    return Assembled(cleaned(root), tuple(dict.fromkeys(files)))


def cleaned(root: Map) -> Map:
    """The tree without `extends`, extensions and keys that say nothing."""
    clean = _cleaned(root, ())
    assert isinstance(clean, Map)
    return clean


def merge(below: Node, over: Node, path: KeyPath = ()) -> Node:
    """`over` laid on `below`."""
    if not (isinstance(below, Map) and isinstance(over, Map)):
        return over
    entries, keys = dict(below.entries), dict(below.keys)
    for name, node in over.entries.items():
        inherited = entries.get(name)
        if inherited is not None and isinstance(node, Text) and node.null and not _is_free(path):
            del entries[name], keys[name]
            continue
        entries[name] = node if inherited is None else merge(inherited, node, (*path, name))
        keys[name] = over.keys[name]
    return Map(over.place, entries, keys)


def _read(
    path: Path,
    chain: tuple[Path, ...],
    files: list[Path],
    is_bundled: Callable[[Path], bool],
    find_base: Callable[[str, Path], Path | None],
) -> Map:
    files.append(path)
    try:
        root = compose(read_source(path, bundled=is_bundled(path)))
    except ProfileError as error:
        raise Unread(faults_of(error), files) from error
    named = root.entries.get("extends")
    if named is None or (isinstance(named, Text) and named.null):
        return root
    chain = (*chain, path)
    merged: Node | None = None
    for text in named.items if isinstance(named, List) else [named]:
        base = _base(text, chain, files, find_base)
        below = _read(base, chain, files, is_bundled, find_base)
        merged = below if merged is None else merge(merged, below)
    result = root if merged is None else merge(merged, root)
    assert isinstance(result, Map)
    return result


def _base(
    text: Node, chain: tuple[Path, ...], files: list[Path], find_base: Callable[[str, Path], Path | None]
) -> Path:
    def refused(message: str, hint: str = "") -> Unread:
        return Unread([problem_at(text.place, message, hint=hint, path=("extends",))], files)

    if not isinstance(text, Text):
        raise refused("extends must be a file, the name of a shipped profile, or a list of them")
    base = find_base(text.text, chain[-1].parent)
    if base is None:
        raise refused(
            f"there is no {text.text}", "name a file beside this one, or a shipped profile such as fechatter/base"
        )
    if base in chain:
        circle = " -> ".join(path.name for path in (*chain[chain.index(base) :], base))
        raise refused(f"these files extend each other: {circle}", "one of them must stand alone")
    if len(chain) >= LONGEST_CHAIN:
        raise refused(f"more than {LONGEST_CHAIN} files extend each other")
    return base


def _cleaned(node: Node, path: KeyPath) -> Node:
    if isinstance(node, Text) or _is_free(path):
        return node
    if isinstance(node, List):
        return List(node.place, [_cleaned(below, (*path, index)) for index, below in enumerate(node.items)])
    kept = {
        name: _cleaned(below, (*path, name))
        for name, below in node.entries.items()
        if not name.startswith("x-") and not (path == () and name == "extends") and not _says_nothing(below, path)
    }
    return Map(node.place, kept, {name: node.keys[name] for name in kept})


def _is_free(path: KeyPath) -> bool:
    """Whether the names below belong to the user: nothing is an extension there, and `null` is a value."""
    if path == ("env",) or (len(path) == 3 and path[0] == "services" and path[2] == "env"):
        return True
    return len(path) > 1 and path[-1] in ("headers", "body") and isinstance(path[-2], int)


def _says_nothing(node: Node, path: KeyPath) -> bool:
    # A service of which only the name is written is a mistake to be told, and one that is needed is needed without more words.
    return isinstance(node, Text) and node.null and path != ("services",) and path[2:] != ("depends_on",)
