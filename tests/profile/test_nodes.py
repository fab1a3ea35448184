from pathlib import Path

import pytest

from devgate.profile.compose import compose
from devgate.profile.nodes import Map, child, json_data, leaves, locate, plain_data
from devgate.profile.problems import key_path
from devgate.profile.source import SourceFile

TEXT = """\
gateway:
  port: 1
  cors: {origins: [a, b]}
services:
  api:
    command: x
    watch:
    env: {}
"""


@pytest.fixture
def root() -> Map:
    return compose(SourceFile(Path("a.yaml"), TEXT))


def place(root: Map, *path: str | int, key: bool = False) -> tuple[int, int]:
    found = locate(root, path, key=key)
    return found.line, found.column


def test_a_value_is_pointed_at_and_a_block_at_its_key(root: Map) -> None:
    assert place(root, "gateway", "port") == (2, 9)
    assert place(root, "gateway", "port", key=True) == (2, 3)
    assert place(root, "gateway", "cors", "origins", 1) == (3, 23)
    assert place(root, "services", "api") == (5, 3)
    assert place(root, "services", "api", "watch") == (7, 5)


def test_what_is_not_written_is_where_its_owner_is(root: Map) -> None:
    assert place(root, "services", "api", "port") == place(root, "services", "api")
    assert place(root, "services", "web", "port") == (4, 1)
    assert place(root, "sync") == (1, 1)
    assert place(root, "gateway", "cors", "origins", 7) == (3, 10)


def test_children(root: Map) -> None:
    assert child(root, "gateway", "cors", "origins", 9) is None
    assert child(root, "gateway", "port", "deeper") is None
    assert child(None, "gateway") is None
    assert child(root) is root


def test_leaves_are_everything_without_something_below(root: Map) -> None:
    assert [key_path(path) for path, _ in leaves(root)] == [
        "gateway.port",
        "gateway.cors.origins[0]",
        "gateway.cors.origins[1]",
        "services.api.command",
        "services.api.watch",
        "services.api.env",
    ]


def test_with_entry_leaves_the_original_alone(root: Map) -> None:
    other = root.with_entry("sync", root.entries["gateway"])
    assert "sync" in other.entries
    assert "sync" not in root.entries
    assert other.keys["gateway"] == root.keys["gateway"]


def test_plain_data_is_text_and_json_data_has_types() -> None:
    root = compose(
        SourceFile(Path("a.yaml"), "a: [1, -2, 1.5, 1e3, true, null, '1', 0755, 1.2.3, 99999999999999999999]\n")
    )
    assert plain_data(root) == {
        "a": ["1", "-2", "1.5", "1e3", "true", None, "1", "0755", "1.2.3", "99999999999999999999"]
    }
    assert json_data(root) == {"a": [1, -2, 1.5, 1000.0, True, None, "1", "0755", "1.2.3", "99999999999999999999"]}
