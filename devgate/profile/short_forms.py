"""Short forms written out, so that everything later sees one shape: `depends_on: [db]`, `depends_on: {db: }`, `watch: src`.

It happens after merging: a list replaces what is inherited, where a map would join it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.profile.nodes import List, Map, Text, child

if TYPE_CHECKING:
    from devgate.profile.nodes import Node


def written_out(root: Map) -> Map:
    """The tree without short forms. What is no short form and no long one either is left for validation to refuse."""
    services = child(root, "services")
    if not isinstance(services, Map):
        return root
    entries = {name: _service(node) if isinstance(node, Map) else node for name, node in services.entries.items()}
    return root.with_entry("services", Map(services.place, entries, services.keys))


def _service(node: Map) -> Map:
    if (needs := node.entries.get("depends_on")) is not None:
        node = node.with_entry("depends_on", _needs(needs))
    if isinstance(watch := node.entries.get("watch"), Text | List):
        node = node.with_entry("watch", Map(watch.place, {"paths": watch}, {"paths": watch.place}))
    return node


def _needs(node: Node) -> Node:
    if isinstance(node, Map):
        return Map(node.place, {name: _or_empty(below) for name, below in node.entries.items()}, node.keys)
    names = [item for item in (node.items if isinstance(node, List) else [node]) if isinstance(item, Text)]
    if isinstance(node, List) and len(names) < len(node.items):
        return node
    return Map(node.place, {item.text: Map(item.place) for item in names}, {item.text: item.place for item in names})


def _or_empty(node: Node) -> Node:
    return Map(node.place) if isinstance(node, Text) and node.null else node
