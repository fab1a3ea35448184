"""How these frozen values travel: JSON of their fields, and back, strictly.

Both ends share the dataclasses, so the annotations are the schema. Not pydantic, which the rest of the model uses: its import and
the adapters for a snapshot take 80 ms of CPU, which would double what `devgate status` costs (measured: 70 ms without, 150 with).

A key that the reader does not know is passed over and one that is missing takes its default, so that neighbouring versions of
devgate understand each other. Everything else that does not fit raises: what comes in over the control API is not trusted more
because it has a token.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable, Hashable
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from devgate.model.events import Event

T = TypeVar("T")
Reader = Callable[[Any], Any]

_SEAM: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SCALARS: Final[dict[Any, str]] = {str: "text", int: "a whole number", bool: "true or false", type(None): "null"}


def encode(value: object) -> str:
    """JSON of dataclasses and what they hold. It is ASCII, so that it can be shown on any terminal without harm."""
    return json.dumps(value, default=_plain, separators=(",", ":"))


def plain(value: object) -> dict[str, Any]:
    """The fields of a dataclass, for a document that says more than the value itself."""
    return {field.name: getattr(value, field.name) for field in fields(value)}  # type: ignore[arg-type]


def event_document(event: Event) -> dict[str, Any]:
    """An event as a JSON line and a server-sent event show it: `{"event": "service_changed", "service": …}`."""
    return {"event": _SEAM.sub("_", type(event).__name__).lower(), **plain(event)}


def decode(kind: type[T], data: object) -> T:
    """The value of `kind` that parsed JSON describes.

    Raises:
        ValueError: it does not fit; names where and what was expected.
    """
    value: T = _reader(cast("Hashable", kind))(data)
    return value


def _plain(value: object) -> object:
    if is_dataclass(value):
        return plain(value)
    raise TypeError(f"{type(value).__name__} does not travel")


@cache
def _reader(kind: Any) -> Reader:
    if kind in _SCALARS:
        return _scalar(kind, _SCALARS[kind])
    if kind is float:
        return _float
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _many(arguments[0])
    if origin in (types.UnionType, Union):
        return _one_of(arguments)
    if origin is Literal:
        return _literal(arguments)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _enum(kind)
    if is_dataclass(kind):
        return _record(kind)
    raise TypeError(f"{kind} does not travel")


def _scalar(kind: type, words: str) -> Reader:
    def read(data: Any) -> Any:
        if type(data) is not kind:  # not isinstance: True is no number
            raise _misfit(words, data)
        return data

    return read


def _float(data: Any) -> float:
    if type(data) is float:
        return data
    if type(data) is int:
        try:
            return float(data)
        except OverflowError:
            pass
    raise _misfit("a number", data)


def _many(element: Any) -> Reader:
    read_one = _reader(element)

    def read(data: Any) -> tuple[Any, ...]:
        if not isinstance(data, list):
            raise _misfit("a list", data)
        found: list[Any] = []
        try:
            for item in data:
                found.append(read_one(item))  # noqa: PERF401 - how far it came is the place of a misfit
        except ValueError as error:
            raise ValueError(f"{len(found)}: {error}") from None
        return tuple(found)

    return read


def _one_of(kinds: tuple[Any, ...]) -> Reader:
    readers = [_reader(kind) for kind in kinds]

    def read(data: Any) -> Any:
        misfits = []
        for read_one in readers:
            try:
                return read_one(data)
            except ValueError as error:
                misfits.append(str(error))
        raise ValueError("; or: ".join(misfits))

    return read


def _literal(values: tuple[Any, ...]) -> Reader:
    def read(data: Any) -> Any:
        if not isinstance(data, str) or data not in values:
            raise _misfit("one of " + ", ".join(values), data)
        return data

    return read


def _enum(kind: type[StrEnum]) -> Reader:
    members = {member.value: member for member in kind}

    def read(data: Any) -> StrEnum:
        member = members.get(data) if isinstance(data, str) else None
        if member is None:
            raise _misfit("one of " + ", ".join(members), data)
        return member

    return read


def _record(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    parts = [
        (field.name, _reader(hints[field.name]), field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    ]

    def read(data: Any) -> Any:
        if not isinstance(data, dict):
            raise _misfit("an object", data)
        found = {}
        name = ""
        try:
            for name, read_one, needed in parts:
                if name in data:
                    found[name] = read_one(data[name])
                elif needed:
                    raise ValueError("is missing")
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        return kind(**found)

    return read


def _misfit(expected: str, data: object) -> ValueError:
    shown = repr(data)
    return ValueError(f"expected {expected}, got {shown if len(shown) <= 40 else shown[:39] + '…'}")
