"""Relative paths made absolute, each against the file that says it, so that a `Profile` value is complete by itself.

In a shipped profile they mean the project: nobody's sources lie where devgate is installed. What `watch` names is relative to the
service's `cwd`, as its commands are.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from devgate.profile.nodes import List, Map, Text, child

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.profile.nodes import Node


def absolute_paths(root: Map, folder: Path) -> Map:
    """The tree with absolute `cwd`, `env_file` and `watch`.

    Args:
        root: merged, without short forms.
        folder: the project's folder, for shipped files.
    """

    def beside(node: Text) -> str:
        base = folder if node.place.file.bundled else node.place.file.path.parent
        return _joined(base, node.text)

    if (files := child(root, "env_file")) is not None:
        root = root.with_entry("env_file", _each(files, beside))
    services = child(root, "services")
    if isinstance(services, Map):
        own = folder if root.place.file.bundled else root.place.file.path.parent
        entries = {
            name: _service(node, own, beside) if isinstance(node, Map) else node
            for name, node in services.entries.items()
        }
        root = root.with_entry("services", Map(services.place, entries, services.keys))
    return root


def _service(node: Map, own: Path, beside: Callable[[Text], str]) -> Map:
    said = node.entries.get("cwd")
    cwd = beside(said) if isinstance(said, Text) else str(own)
    if said is None:
        node = node.with_entry("cwd", Text(cwd, node.place, origin="default"))
    elif isinstance(said, Text):
        node = node.with_entry("cwd", _moved(said, cwd))
    if (files := node.entries.get("env_file")) is not None:
        node = node.with_entry("env_file", _each(files, beside))
    watch = node.entries.get("watch")
    if isinstance(watch, Map) and (paths := watch.entries.get("paths")) is not None:
        below = _each(paths, lambda text: _joined(Path(cwd), text.text))
        node = node.with_entry("watch", watch.with_entry("paths", below))
    return node


def _each(node: Node, absolute: Callable[[Text], str]) -> Node:
    """One text, or every text of a list; anything else is left for validation to refuse."""
    if isinstance(node, Text):
        return node if node.null else _moved(node, absolute(node))
    if isinstance(node, List):
        return List(node.place, [_each(item, absolute) if isinstance(item, Text) else item for item in node.items])
    return node


def _moved(node: Text, text: str) -> Text:
    return Text(text, node.place, plain=False, origin=node.origin)


def _joined(base: Path, text: str) -> str:
    return os.path.normpath(base / Path(text).expanduser())
