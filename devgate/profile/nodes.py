"""The tree between YAML and the model: maps, lists and text, each with its place.

Nodes are not changed once they are made; merging and interpolating build new ones and share what stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from devgate.profile.source import Place

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the root."""

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
"""Plain scalars that say nothing (YAML 1.2.2, 10.3.2)."""

_NUMBERS: Final = (
    (int, re.compile(r"[-+]?(0|[1-9]\d{0,18})")),  # 0755 stays text: nobody agrees on what it is
    (float, re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d{1,3})?")),
)


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A scalar."""

    text: str
    """As written, without quotes."""
    place: Place
    plain: bool = True
    """Without quotes and not a block."""
    origin: str = ""
    """Where the text comes from when that is not `place`: `env PORT`, `.env:3`, `default`."""
    variables: tuple[tuple[str, str], ...] = ()
    """What `${...}` put into it: the name of each variable, and what came in its place."""

    @property
    def null(self) -> bool:
        return self.plain and self.text in NULLS


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    place: Place
    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    """Where each key stands."""

    def with_entry(self, key: str, node: Node) -> Map:
        """A copy in which `key` is `node`; a new key stands where the node stands."""
        return Map(self.place, {**self.entries, key: node}, {key: node.place, **self.keys})


@dataclass(frozen=True, slots=True, eq=False)
class List:
    place: Place
    items: list[Node] = field(default_factory=list)


Node: TypeAlias = Text | Map | List


def child(node: Node | None, *path: str | int) -> Node | None:
    """The node at `path` below `node`, if there is one."""
    for part in path:
        if isinstance(node, Map):
            node = node.entries.get(str(part))
        elif isinstance(node, List) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        else:
            return None
    return node


def locate(root: Node, path: Iterable[str | int], *, key: bool = False) -> Place:
    """Where `path` stands: its value (with `key` its key), or whatever of it is written nearest to the root."""
    node: Node = root
    place = root.place
    for part in path:
        below = child(node, part)
        if below is None:
            return place
        place = node.keys[str(part)] if isinstance(node, Map) and (key or _unseen(below)) else below.place
        node = below
    return place


def _unseen(node: Node) -> bool:
    """Whether the value itself is no place to point at: nothing at all, or a block that begins on a later line."""
    return isinstance(node, Map | List) or (node.plain and not node.text)


def leaves(node: Node, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Node]]:
    """Everything without something below it - texts, empty maps and lists - with its path, in the order of the file."""
    if isinstance(node, Map) and node.entries:
        for name, below in node.entries.items():
            yield from leaves(below, (*path, name))
    elif isinstance(node, List) and node.items:
        for index, below in enumerate(node.items):
            yield from leaves(below, (*path, index))
    else:
        yield path, node


def plain_data(node: Node) -> Any:
    """The tree without places: dict, list, text and None."""
    if isinstance(node, Text):
        return None if node.null else node.text
    if isinstance(node, Map):
        return {name: plain_data(below) for name, below in node.entries.items()}
    return [plain_data(below) for below in node.items]


def json_data(node: Node) -> Any:
    """The tree with YAML's own types (1.2 core schema): for values that are sent on as JSON."""
    if isinstance(node, Map):
        return {name: json_data(below) for name, below in node.entries.items()}
    if isinstance(node, List):
        return [json_data(below) for below in node.items]
    if not node.plain:
        return node.text
    if node.null:
        return None
    if node.text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return node.text.lower() == "true"
    for kind, pattern in _NUMBERS:
        if pattern.fullmatch(node.text):
            return kind(node.text)
    return node.text
