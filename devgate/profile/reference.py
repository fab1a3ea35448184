"""The JSON Schema of profiles and the reference page, both made from the models.

What a key means is the docstring below its field. It is read from the model's source when somebody asks, so that no start pays
for it; in a bundle without sources the schema is the same without descriptions.
"""

from __future__ import annotations

import ast
import inspect
import sys
from typing import TYPE_CHECKING, Any, Final

from devgate.model.profile import Profile
from devgate.model.timeouts import TIME_LIMIT
from devgate.model.units import DURATION, SIZE, format_duration, format_size
from devgate.profile.expectation import Slot, models_in, wishes, words
from devgate.profile.parse import NOT_WRITTEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_EXTENDS_TEXT: Final = (
    "A file to build upon, or several: maps merge, lists replace, `null` takes away. Relative to this file."
)
_EXTENDS: Final = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_INTERPOLATED: Final = {
    "type": "string",
    "pattern": r"\$\{",
    "description": "Text with ${NAME}, ${NAME:-default} or ${NAME:?what to do}.",
}


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a profile's file, for editors."""
    generated = Profile.model_json_schema(mode="validation")
    definitions: dict[str, Any] = generated.pop("$defs", {})
    documented = {model.__name__: _documented(model) for model in models()}
    for name, definition in {**definitions, "Profile": generated}.items():
        if name in documented:
            _finish(definition, documented[name])
    definitions["interpolated"] = _INTERPOLATED
    services = generated["properties"]["services"]
    services["patternProperties"] = {"^x-": {}, "^(?!x-)": {"$ref": "#/$defs/ServiceSpec"}}
    generated["properties"] = {"extends": {**_EXTENDS, "description": _EXTENDS_TEXT}, **generated["properties"]}
    del generated["properties"][NOT_WRITTEN]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:devgate:profile:1",
        **generated,
        "title": "devgate profile",
        "$defs": definitions,
    }


def markdown() -> str:
    """The reference page: a table for each kind of map."""
    out = ["# Profile reference", "", "Durations carry a unit (`300ms`, `5s`, `1h30m`), sizes too (`64KiB`, `10MB`)."]
    out += ["", "Any text may hold `${NAME}`, `${NAME:-default}` and `${NAME:?what to do}`, but for commands.", ""]
    places = _places()
    for model in models():
        where = places[model]
        out += [f"## {where}" if where else "## A profile", "", _one_line(inspect.cleandoc(model.__doc__ or "")), ""]
        out += ["| key | value | default | meaning |", "|---|---|---|---|"]
        if model is Profile:
            out.append(f"| `extends` | a file, or a list of them | | {_EXTENDS_TEXT} |")
        texts = docstrings(model)
        for name, field in model.model_fields.items():
            if name != NOT_WRITTEN:
                value = _cell(words(Slot(field.annotation, field.metadata)))
                out.append(f"| `{name}` | {value} | {_default_cell(field)} | {_cell(texts.get(name, ''))} |")
        out.append("")
    return "\n".join(out)


def models() -> list[type[BaseModel]]:
    """Every spec that a profile can hold, the profile first."""
    return list(_places())


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The text below each field, on one line; empty where there is no source."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[model.__module__]))
    except (OSError, TypeError, SyntaxError):
        return {}
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == model.__name__:
            for field, after in zip(node.body, node.body[1:], strict=False):
                match field, after:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        found[name] = _one_line(text)
    return found


def _places() -> dict[type[BaseModel], str]:
    """Each spec with the key path at which it first stands."""
    found: dict[type[BaseModel], str] = {Profile: ""}
    for model, where in _walk(Profile, ""):
        found.setdefault(model, where)
    return found


def _walk(model: type[BaseModel], where: str) -> Iterator[tuple[type[BaseModel], str]]:
    for name, field in model.model_fields.items():
        for below, many in models_in(Slot(field.annotation, field.metadata)):
            at = f"{where}.{name}".strip(".") + {"map": ".NAME", "list": "[]", "": ""}[many]
            yield below, at
            yield from _walk(below, at)


def _documented(model: type[BaseModel]) -> Mapping[str, tuple[FieldInfo, str]]:
    texts = docstrings(model)
    return {name: (field, texts.get(name, "")) for name, field in model.model_fields.items()}


def _finish(definition: dict[str, Any], fields: Mapping[str, tuple[FieldInfo, str]]) -> None:
    """Descriptions, defaults as they would be written, extensions, and `${...}` wherever text can stand for a value."""
    definition.pop("title", None)
    definition["description"] = _one_line(definition.get("description", ""))
    definition["patternProperties"] = {"^x-": {}}
    for name, prop in definition["properties"].items():
        field, text = fields[name]
        kept = {key: prop.pop(key) for key in ("default",) if key in prop}
        prop.pop("title", None)
        opened = _opened(dict(prop))
        prop.clear()
        prop.update(opened)
        if text:
            prop["description"] = text
        if "default" in kept and kept["default"] is not None:
            prop["default"] = _written(field, kept["default"])


def _opened(part: dict[str, Any]) -> dict[str, Any]:
    """A schema that also accepts what the loader accepts: numbers for text, `${...}` for anything that is no map or list."""
    part.pop("title", None)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in part:
            part[key] = [_opened(dict(choice)) for choice in part[key]]
    if isinstance(part.get("items"), dict):
        part["items"] = _opened(dict(part["items"]))
    if isinstance(part.get("additionalProperties"), dict):
        part["additionalProperties"] = _opened(dict(part["additionalProperties"]))
    if part == {"type": "string"}:
        return {"type": ["string", "number", "boolean"]}
    narrowed = part.get("type") in ("integer", "number", "boolean") or "const" in part or "enum" in part
    if narrowed or (part.get("type") == "string" and "pattern" in part):
        return {"anyOf": [part, {"$ref": "#/$defs/interpolated"}]}
    return part


def _written(field: FieldInfo, default: Any) -> Any:
    """A default as a file would say it."""
    asked = wishes(Slot(field.annotation, field.metadata))
    if DURATION in asked and isinstance(default, int | float):
        return "off" if TIME_LIMIT in asked and not default else format_duration(default)
    return format_size(default) if SIZE in asked and isinstance(default, int) else default


def _default_cell(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=False)
    if default is None or default == "" or default == () or field.default_factory is not None:
        return ""
    value = _written(field, default)
    if isinstance(value, tuple):
        return _cell(f"`[{', '.join(map(str, value))}]`") if len(value) < 8 else "the usual ones"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _one_line(text: str) -> str:
    return " ".join(text.split())
