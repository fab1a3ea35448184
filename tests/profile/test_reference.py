# ruff: noqa: E501 - tables, one case a line
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from devgate.profile import reference
from devgate.profile.lookup import available, bundled_folder
from devgate.profile.reference import docstrings, markdown, models, schema
from tests.profile.conftest import Project

SHIPPED = sorted(bundled_folder().rglob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    document = schema()
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.relative_to(bundled_folder()).as_posix())
def test_every_shipped_file_is_valid(validator: jsonschema.Draft202012Validator, file: Path) -> None:
    validator.validate(yaml.safe_load(file.read_text()))


def test_there_are_shipped_files() -> None:
    assert len(SHIPPED) >= 5


GOOD = {
    "short forms": "services: {a: {command: x, depends_on: [b], watch: [src], env_file: .env, success_exit: 3, stub: true}}",
    "other short forms": "services: {a: {command: [x, 5], watch: src, depends_on: {b: {}}}}\nroutes: [{path: /a, service: a, methods: GET, hosts: a.test}]",
    "interpolated numbers": "gateway: {port: '${PORT:-1}', hold: '${WAIT}ms', health: '${ON:-true}'}\nservices: {a: {replicas: '${N}', restart: '${R}'}}",
    "numbers as text": "env: {A: 1, B: 1.5, C: true, D: null}\nsync: {version: 1.10}\nname: 5",
    "extensions": "x-a: 1\ngateway: {x-b: {c: d}}\nservices: {x-base: {nonsense: 1}, a: {command: x, x-c: 1}}\nroutes: [{path: /, service: a, x-d: 1}]",
    "extends": "extends: base.yaml\n",
    "several": "extends: [a.yaml, b.yaml]\n",
    "any body": "services: {a: {stub: {responses: [{path: /a, body: {a: [1, null]}}, {path: /b, body: text}]}}}",
}  # fmt: skip

BAD = {
    "unknown key": "gatewy: {}",
    "unknown key of a service": "services: {a: {comand: x}}",
    "a duration without unit": "gateway: {hold: 5}",
    "a size without unit": "services: {a: {log: {memory: 5}}}",
    "a port": "gateway: {port: 99999}",
    "a choice": "services: {a: {restart: never}}",
    "a path": "routes: [{path: a, service: b}]",
    "a missing key": "routes: [{path: /a}]",
    "the loader's own": "env_digests: {}",
    "another version": "version: 2",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_what_the_loader_takes_the_schema_takes(validator: jsonschema.Draft202012Validator, text: str) -> None:
    validator.validate(yaml.safe_load(text))


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_what_the_loader_refuses_the_schema_refuses(
    validator: jsonschema.Draft202012Validator, project: Project, text: str
) -> None:
    assert project.faults(text + "\n")
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(yaml.safe_load(text))


def test_it_says_what_it_is_and_can_be_written_down() -> None:
    document = json.loads(json.dumps(schema()))
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (document["$id"], document["title"]) == ("urn:devgate:profile:1", "devgate profile")


def test_every_key_has_words_and_a_default_as_it_would_be_written() -> None:
    document = schema()
    nameless = [
        (name, key)
        for name, definition in [("Profile", document), *document["$defs"].items()]
        for key, value in definition.get("properties", {}).items()
        if not value.get("description")
    ]
    assert nameless == []
    assert document["$defs"]["GatewaySpec"]["properties"]["hold"]["default"] == "30s"
    assert document["$defs"]["LogSpec"]["properties"]["memory"]["default"] == "2MiB"
    assert "title" not in document["$defs"]["GatewaySpec"]["properties"]["hold"]


def test_every_field_has_a_docstring() -> None:
    missing = [
        (model.__name__, name) for model in models() for name in model.model_fields if not docstrings(model).get(name)
    ]
    assert missing == []


def test_without_sources_it_is_the_same_without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a frozen bundle."""

    def gone(_module: object) -> str:
        raise OSError("could not get source code")

    full = schema()
    monkeypatch.setattr(reference.inspect, "getsource", gone)
    bare = schema()
    assert bare["properties"].keys() == full["properties"].keys()
    assert "description" not in bare["$defs"]["GatewaySpec"]["properties"]["hold"]
    assert markdown()


def test_the_page_names_every_key_of_every_spec() -> None:
    page = markdown()
    for model in models():
        for name in model.model_fields:
            assert f"| `{name}` |" in page or name == "env_digests"
    assert "## services.NAME.ready\n" in page
    assert "| `hold` | a duration such as 300ms, 5s or 1h30m | `30s` |" in page
    assert "env_digests" not in page
    for line in page.splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == 5, line


def test_what_is_shipped_can_be_named(tmp_path: Path) -> None:
    named = set(available(tmp_path))
    assert named == {"demo", "fechatter/development", "fechatter/production", "fechatter/ha"}
