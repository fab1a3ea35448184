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
    """The tree with absolute `cwd`, `env_file` and `watch` of every service.

    Args:
        root: merged, interpolated, without short forms.
        folder: the project's folder, for shipped files.
    """
    services = child(root, "services")
    if not isinstance(services, Map):
        return root
    entries = {
        name: _service(node, root, folder) if isinstance(node, Map) else node for name, node in services.entries.items()
    }
    return root.with_entry("services", Map(services.place, entries, services.keys))


def absolute(node: Node, folder: Path) -> Node:
    """One path, or every path of a list, beside the file that says it; anything else is left for validation to refuse."""
    return _each(node, lambda text: _joined(_beside(text, folder), text.text))


def _service(node: Map, root: Map, folder: Path) -> Map:
    said = node.entries.get("cwd")
    cwd = str(_beside(root, folder))
    if said is None:
        node = node.with_entry("cwd", Text(cwd, node.place, origin="default"))
    elif isinstance(said, Text):
        cwd = _joined(_beside(said, folder), said.text)
        node = node.with_entry("cwd", _moved(said, cwd))
    if (files := node.entries.get("env_file")) is not None:
        node = node.with_entry("env_file", absolute(files, folder))
    watch = node.entries.get("watch")
    if isinstance(watch, Map) and (paths := watch.entries.get("paths")) is not None:
        below = _each(paths, lambda text: _joined(Path(cwd), text.text))
        node = node.with_entry("watch", watch.with_entry("paths", below))
    return node


def _beside(node: Node, folder: Path) -> Path:
    """The folder that relative paths in the node's file mean."""
    file = node.place.file
    return folder if file.bundled else file.path.parent


def _each(node: Node, where: Callable[[Text], str]) -> Node:
    if isinstance(node, Text):
        return node if node.null else _moved(node, where(node))
    if isinstance(node, List):
        return List(node.place, [_each(item, where) if isinstance(item, Text) else item for item in node.items])
    return node


def _moved(node: Text, text: str) -> Text:
    return Text(text, node.place, plain=False, origin=node.origin, variables=node.variables)


def _joined(base: Path, text: str) -> str:
    return os.path.normpath(base / Path(text).expanduser())
