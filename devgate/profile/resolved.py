"""A resolved profile as it would be written: YAML that can be read again, each value with its origin, and the same as data.

What is written somewhere is shown; defaults only on request, or there would be a page for each service. Durations and sizes
carry units, as in a file. Secrets are masked: the result is made to be shown.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from devgate.escape import visible
from devgate.model.spec import Spec
from devgate.model.timeouts import TIME_LIMIT
from devgate.model.units import DURATION, SIZE, format_duration, format_size
from devgate.profile.expectation import slot_at, wishes
from devgate.profile.parse import NOT_WRITTEN
from devgate.profile.problems import key_path
from devgate.redact import MASK, redact_value, redact_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from devgate.model.profile import Profile
    from devgate.profile.nodes import KeyPath
    from devgate.profile.secrets import Secrets

_DEFAULT: Final = "default"
_COMMENT_AT: Final = 56
_PLAIN: Final = re.compile(r"[A-Za-z0-9_/.][A-Za-z0-9_/.@+=*~-]*(?:[ :][A-Za-z0-9_/.@+=*~-]+)*")
# What YAML 1.1 readers take for something else than text: words, numbers, base 60, dates.
_GUESSED: Final = re.compile(
    r"y|n|yes|no|on|off|true|false|null|nan|[.](inf|nan)|0[xob][\da-f_]+|\d*[.]?[\d_]*(e[+-]?\d+)?|\d+(:\d+)+([.]\d*)?|\d{4}-\d.*",
    re.IGNORECASE,
)


def as_data(profile: Profile, origins: Mapping[str, str], secrets: Secrets, *, defaults: bool) -> dict[str, Any]:
    """The profile as a file would say it: dict, list, text, numbers."""
    found = _Data(origins, secrets, defaults).spec(profile, ())
    return {name: value for name, value in found.items() if name != NOT_WRITTEN}


def as_yaml(data: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    """What `as_data` gave, in YAML with the origin of each value behind it. Safe to print."""
    return "\n".join(_lines(data, (), origins)) + "\n"


class _Data:
    def __init__(self, origins: Mapping[str, str], secrets: Secrets, defaults: bool) -> None:
        self._origins = origins
        self._secrets = secrets
        self._defaults = defaults

    def spec(self, spec: Spec, path: KeyPath) -> dict[str, Any]:
        found = {}
        short = (
            spec.model_fields_set if key_path(path) in self._origins else ()
        )  # `retry: 2` stands for `retry: {attempts: 2}`
        for name in type(spec).model_fields:
            below = (*path, name)
            if self._defaults or name in short or _origins_below(below, self._origins) - {_DEFAULT}:
                found[name] = self._value(getattr(spec, name), below)
        return found

    def _value(self, value: Any, path: KeyPath) -> Any:
        if isinstance(value, Spec):
            return self.spec(value, path)
        if isinstance(value, dict):
            return {name: self._value(below, (*path, name)) for name, below in value.items()}
        if isinstance(value, list | tuple):
            if value and all(isinstance(item, str) for item in value):  # the words of a command belong together
                return redact_words([self._secrets.hidden((*path, at), item) for at, item in enumerate(value)])
            return [self._value(below, (*path, index)) for index, below in enumerate(value)]
        if isinstance(value, str):
            text = self._secrets.hidden(path, value)
            return redact_value(str(path[-1]), text)
        if value is not None and self._secrets.touch(path):  # a number, of which a part is as telling as the whole
            return MASK
        if isinstance(value, float) and (slot := slot_at(path)) is not None and DURATION in wishes(slot):
            return "off" if not value and TIME_LIMIT in wishes(slot) else format_duration(value)
        if isinstance(value, int) and (slot := slot_at(path)) is not None and SIZE in wishes(slot):
            return format_size(value)
        return value


def _lines(data: Mapping[str, Any], path: KeyPath, origins: Mapping[str, str]) -> Iterator[str]:
    """Block style, but for what fits on a line: lists of scalars, and the entries of other lists."""
    indent = "  " * len(path)
    for name, value in data.items():
        below = (*path, name)
        key = f"{indent}{_scalar(name)}:"
        if isinstance(value, dict) and value:
            if not path:
                yield ""
            yield key
            yield from _lines(value, below, origins)
        elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            yield from ("", key) if not path else (key,)
            for index, item in enumerate(value):
                yield _commented(f"{indent}  - {_flow(item)}", (*below, index), origins)
        else:
            yield _commented(f"{key} {_flow(value)}", below, origins)


def _commented(line: str, path: KeyPath, origins: Mapping[str, str]) -> str:
    above = key_path(path[:-1])  # of a short form, which is a map here
    shown = ", ".join(_joined(_origins_below(path, origins))) or origins.get(above, _DEFAULT)
    return visible(f"{line:<{_COMMENT_AT}}  # {shown}")


def _origins_below(path: KeyPath, origins: Mapping[str, str]) -> set[str]:
    """Where the values at and below a path come from. A short form has its origin above: `watch: [src]` is `watch.paths`."""
    prefix = key_path(path)
    return {origin for key, origin in origins.items() if key == prefix or key.startswith((f"{prefix}.", f"{prefix}["))}


def _joined(origins: Iterable[str]) -> list[str]:
    """Places in one file as a range of lines: `devgate.yaml:16-20`."""
    lines: dict[str, list[int]] = {}
    others = []
    for origin in origins:
        file, _, line = origin.rpartition(":")
        if file and line.isdecimal():
            lines.setdefault(file, []).append(int(line))
        else:
            others.append(origin)
    ranges = [f"{file}:{min(at)}" + (f"-{max(at)}" if len(at) > 1 else "") for file, at in lines.items()]
    return sorted(others) + sorted(ranges)


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(name)}: {_flow(below)}" for name, below in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    plain = _PLAIN.fullmatch(value) and not _GUESSED.fullmatch(value)
    # In quotes YAML reads the escapes back that make the text harmless.
    return value if plain else visible(json.dumps(value, ensure_ascii=False))
