"""The traffic view's filter: `service:auth status:5xx path:/api method:POST text`, pure.

Words are joined by "and"; a leading `-` turns one round; a word without a field is looked for in method, path, route, service,
error and request id. `took:` and `held:` compare: `took:>500ms`. `state:open` is whatever is not finished.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from devgate.model.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.model.query import RequestRow

FIELDS: Final = ("service", "status", "path", "method", "route", "error", "kind", "id", "took", "held", "state")


def parse(text: str) -> Callable[[RequestRow], bool]:
    """What lets a request through.

    Raises:
        ValueError: an unknown field or a value that makes no sense; the message says which.
    """
    tests = [_word(word) for word in text.split()]
    return lambda row: all(test(row) for test in tests)


def _word(word: str) -> Callable[[RequestRow], bool]:
    if word.startswith("-") and len(word) > 1:
        inner = _word(word[1:])
        return lambda row: not inner(row)
    field, colon, value = word.partition(":")
    if not colon or not field.isalpha() or value.startswith("//"):
        return _anywhere(word.lower())
    if field not in FIELDS:
        near = get_close_matches(field, FIELDS, 1)
        raise ValueError(
            f"no field {field}" + (f"; did you mean {near[0]}?" if near else f"; there are {', '.join(FIELDS)}")
        )
    return _field(field, value.lower())


def _anywhere(wanted: str) -> Callable[[RequestRow], bool]:
    def test(row: RequestRow) -> bool:
        text = f"{row.method} {row.path} {row.route} {row.service} {row.error} {row.request_id}"
        return wanted in text.lower()

    return test


def _field(field: str, value: str) -> Callable[[RequestRow], bool]:
    match field:
        case "status":
            return _status(value)
        case "took":
            return _compare(value, lambda row: row.duration_ms)
        case "held":
            return _compare(value, lambda row: row.held_ms)
        case "method":
            return lambda row: row.method.lower() == value
        case "state":
            return lambda row: row.state == value or (value == "open" and row.state != "done")
        case "kind":
            return lambda row: row.kind == value
        case "id":
            return lambda row: row.request_id.lower().startswith(value)
        case "error":
            return lambda row: bool(row.error) if value in ("", "any") else value in row.error.lower()
        case _:
            return lambda row: value in str(getattr(row, field)).lower()


def _status(value: str) -> Callable[[RequestRow], bool]:
    """`404`, `5xx`, `50x`."""
    if not value or len(value) > 3 or any(char not in "0123456789x" for char in value):
        raise ValueError("write status:404 or status:5xx")

    def test(row: RequestRow) -> bool:
        code = f"{row.status:03}"
        return all(want in ("x", has) for want, has in zip(value, code, strict=False))

    return test


def _compare(value: str, read: Callable[[RequestRow], float]) -> Callable[[RequestRow], bool]:
    sign, limit = value[:1], value[1:]
    if sign not in ("<", ">"):
        raise ValueError("write took:>500ms or took:<2s")
    limit_ms = parse_duration(limit) * 1000
    return (lambda row: read(row) > limit_ms) if sign == ">" else (lambda row: read(row) < limit_ms)
