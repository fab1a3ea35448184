"""What a field wants, in words: from the model's own annotations, for messages and for the reference page."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from devgate.model.profile import Profile
from devgate.model.units import Expected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Slot(NamedTuple):
    """A place in the model: a type and what narrows it."""

    annotation: Any
    metadata: Sequence[Any] = ()

    @property
    def models(self) -> list[type[BaseModel]]:
        """The specs that may stand here."""
        return [part for part in _alternatives(self.annotation) if _is_model(part)]


def slot_at(path: Iterable[str | int]) -> Slot | None:
    """What the model has at a key path; None where it has nothing."""
    slot: Slot | None = Slot(Profile)
    for part in path:
        slot = _below(slot, part) if slot is not None else None
    return slot


def models_in(slot: Slot) -> list[tuple[type[BaseModel], str]]:
    """The specs that may stand here, each with how: alone (empty text), in a `map` under names, in a `list`."""
    found: list[tuple[type[BaseModel], str]] = []
    for part in _alternatives(slot.annotation):
        origin = get_origin(part)
        if _is_model(part):
            found.append((part, ""))
        elif origin is dict or origin is tuple:
            inner = get_args(part)[1 if origin is dict else 0]
            found += [(model, "map" if origin is dict else "list") for model in _opened(inner).models]
    return found


def wishes(slot: Slot) -> list[Expected]:
    """What the annotations here say in words, in every alternative."""
    found = [item for item in slot.metadata if isinstance(item, Expected)]
    for part in _alternatives(slot.annotation):
        found += (
            [item for item in get_args(part)[1:] if isinstance(item, Expected)] if get_origin(part) is Annotated else []
        )
    return found


def words(slot: Slot) -> str:
    """What may stand here: `a port from 1 to 65535 or "auto"`."""
    told = [item.text for item in slot.metadata if isinstance(item, Expected)]
    if told:
        nullable = type(None) in _alternatives(slot.annotation)
        return f"{told[0]} or null" if nullable else told[0]
    choices: list[str] = []
    for part in _alternatives(slot.annotation):
        choices += _choice(part, slot.metadata)
    return _joined(choices)


def _choice(part: Any, metadata: Sequence[Any]) -> list[str]:
    if get_origin(part) is Annotated:
        inner, *narrowing = get_args(part)
        return [words(Slot(inner, narrowing))]
    origin = get_origin(part)
    if origin is Literal:
        return [f'"{value}"' if isinstance(value, str) else str(value) for value in get_args(part)]
    if origin is tuple:
        return [f"a list ({words(Slot(get_args(part)[0]))} each)"]
    if origin is dict or _is_model(part):
        return ["a map"]
    if part is type(None):
        return []
    if part in (int, float):
        return [("a whole number" if part is int else "a number") + _range(metadata)]
    return [{bool: "true or false", str: "text"}.get(part, "anything")]


def _range(metadata: Sequence[Any]) -> str:
    low = next((item.ge for item in metadata if getattr(item, "ge", None) is not None), None)
    high = next((item.le for item in metadata if getattr(item, "le", None) is not None), None)
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f", at least {low}" if low is not None else ""


def _joined(choices: list[str]) -> str:
    choices = list(dict.fromkeys(choices))
    return choices[0] if len(choices) == 1 else f"{', '.join(choices[:-1])} or {choices[-1]}"


def _below(slot: Slot, part: str | int) -> Slot | None:
    for kind in _alternatives(slot.annotation):
        origin = get_origin(kind)
        if _is_model(kind) and part in kind.model_fields:
            field = kind.model_fields[str(part)]
            return Slot(field.annotation, field.metadata)
        if origin is dict and isinstance(part, str):
            return _opened(get_args(kind)[1])
        if origin is tuple and isinstance(part, int):
            return _opened(get_args(kind)[0])
    return None


def _opened(annotation: Any) -> Slot:
    if get_origin(annotation) is Annotated:
        inner, *narrowing = get_args(annotation)
        return Slot(inner, narrowing)
    return Slot(annotation)


def _alternatives(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return [part for choice in get_args(annotation) for part in _alternatives(choice)]
    return [annotation]


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)
