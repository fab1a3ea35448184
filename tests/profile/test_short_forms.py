from pathlib import Path

import pytest

from devgate.profile.compose import compose
from devgate.profile.nodes import locate, plain_data
from devgate.profile.short_forms import written_out
from devgate.profile.source import SourceFile


def written(service: str) -> object:
    root = written_out(compose(SourceFile(Path("a.yaml"), f"services: {{a: {service}}}\n")))
    return plain_data(root)["services"]["a"]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("{depends_on: [b, c]}", {"depends_on": {"b": {}, "c": {}}}),
        ("{depends_on: b}", {"depends_on": {"b": {}}}),
        ("{depends_on: {b: , c: {restart: yes}}}", {"depends_on": {"b": {}, "c": {"restart": "yes"}}}),
        ("{depends_on: []}", {"depends_on": {}}),
        ("{watch: src}", {"watch": {"paths": "src"}}),
        ("{watch: [src, lib]}", {"watch": {"paths": ["src", "lib"]}}),
        ("{watch: {paths: src}}", {"watch": {"paths": "src"}}),
        ("{depends_on: [{b: 1}]}", {"depends_on": [{"b": "1"}]}),
        ("{command: x}", {"command": "x"}),
        ("text", "text"),
    ],
)
def test_written_out(short: str, long: object) -> None:
    assert written(short) == long


def test_names_keep_their_places() -> None:
    root = written_out(compose(SourceFile(Path("a.yaml"), "services: {a: {depends_on: [b, c]}}\n")))
    assert locate(root, ("services", "a", "depends_on", "c")).column == 32


def test_without_services_nothing_happens() -> None:
    root = compose(SourceFile(Path("a.yaml"), "services: [a]\n"))
    assert written_out(root) is root
