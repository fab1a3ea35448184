"""What a stub is told at its start: one JSON document in `DEVGATE_STUB`, overridden by the command line.

Linux takes at most 128 KiB in one variable of the environment, which bounds the canned bodies of one stub.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VARIABLE: Final = "DEVGATE_STUB"
HEALTH_WORDS: Final = ("healthy", "degraded", "unhealthy")

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2
_OWN_HEADERS: Final = frozenset({"connection", "content-length", "transfer-encoding", "upgrade"})


class ConfigError(ValueError):
    """A value that cannot be used. Its text starts with the key."""


@dataclass(frozen=True, slots=True)
class Switches:
    """What can be changed while the stub runs, by `POST /_stub`."""

    latency: float = 0.0
    """Seconds that an answer waits. Health, version and `/_stub` never wait."""
    fail: float = 0.0
    """Share of the requests, 0 to 1, that are answered with `fail_status`. Spread evenly, so that a test can count on it."""
    fail_status: int = 503
    version: str = "1.0.0"
    """The shared-knowledge version that the sync check reads."""
    health: str = "healthy"
    """One of `HEALTH_WORDS`; `unhealthy` is answered with 503."""
    exit_code: int = 1
    """What the process ends with when it is told to crash."""

    def changed(self, document: Mapping[str, object]) -> Switches:
        """These with the given ones replaced.

        Raises:
            ConfigError: an unknown switch or a value of the wrong kind.
        """
        return replace(self, **_read(document, _SWITCHES))


@dataclass(frozen=True, slots=True)
class Canned:
    """An answer given in advance to one kind of request."""

    path: str
    """Compared raw: exact, with `{param}` for one segment, or ending in `/*` for everything below."""
    method: str | None = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    latency: float = 0.0
    """Seconds, on top of the switch."""

    def matches(self, method: str, path: str) -> bool:
        """Whether it answers this request; a HEAD request gets what GET would."""
        if self.method is not None and self.method != method and (self.method, method) != ("GET", "HEAD"):
            return False
        wanted, given = self.path.split("/"), path.split("/")
        if wanted[-1] == "*":
            wanted.pop()
            given = given[: len(wanted)]
        return len(wanted) == len(given) and all(
            segment == asked or (segment[:1] == "{" and segment[-1:] == "}" and asked != "")
            for segment, asked in zip(wanted, given, strict=True)
        )


@dataclass(frozen=True, slots=True)
class StubConfig:
    """Everything that a stub is told at its start."""

    name: str
    """The service it stands in for."""
    port: int = 0
    """0: the system chooses, and the first log line says which."""
    host: str = "127.0.0.1"
    health: str = "/health"
    """Path of the health answer."""
    ready_after: float = 0.0
    """Seconds from its start during which every request is answered 503 with `starting`."""
    crash_after: float | None = None
    """Ends with `exit_code` this many seconds after its start."""
    crash_after_requests: int | None = None
    """Answers so many requests, and ends with `exit_code` in place of answering the next one. Health, version and `/_stub` do
    not count."""
    responses: tuple[Canned, ...] = ()
    """The first that matches answers."""
    switches: Switches = Switches()
    """How it behaves until told otherwise. Their keys stand beside the others, except for `health`, which is the path here."""

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> StubConfig:
        """Read what `parse_document` gives, flags merged into it.

        Raises:
            ConfigError: it lacks `name`, or holds something that cannot be used.
        """
        values = _read(document, _CONFIG)
        if "name" not in values:
            raise ConfigError("name: missing; say which service this stub stands in for")
        switches = {key: values.pop(key) for key in tuple(values) if key in _SWITCHES and key != "health"}
        return cls(**values, switches=Switches(**switches))


def parse_document(text: str) -> dict[str, object]:
    """The JSON object in `text`.

    Raises:
        ConfigError: it is something else.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"expected a JSON object, got {_shown(document)}")
    return document


def _read(
    document: Mapping[str, object], readers: Mapping[str, Callable[[str, object], Any]], where: str = ""
) -> dict[str, Any]:
    """The document's values, each checked by its reader; `null` is the same as not there."""
    for key in document:
        if key not in readers:
            raise ConfigError(f"{where}{_shown(key)[1:-1]}: unknown; known are {', '.join(readers)}")
    return {key: readers[key](where + key, value) for key, value in document.items() if value is not None}


def _shown(value: object) -> str:
    """A value as it was written, short enough for a message."""
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ConfigError(f"{key}: expected printable text, got {_shown(value)}")
    return value


def _name(key: str, value: object) -> str:
    # It becomes a header's value, and the first word of log lines.
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,100}", value):
        raise ConfigError(f"{key}: expected 1 to 100 ASCII characters without spaces, got {_shown(value)}")
    return value


def _path(key: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"/[!->@-~]*", value):
        raise ConfigError(f"{key}: expected a path such as /health, got {_shown(value)}")
    return value


def _whole(low: int, high: int) -> Callable[[str, object], int]:
    def read(key: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(f"{key}: expected a whole number from {low} to {high}, got {_shown(value)}")
        return value

    return read


def _ratio(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigError(f"{key}: expected a number from 0 to 1, got {_shown(value)}")
    return float(value)


def _seconds(key: str, value: object) -> float:
    """A number of seconds, or a text such as `300ms`; a week at most, which also refuses what is no finite number."""
    seconds = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value
    elif isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        seconds = float(match[1]) * _SECONDS[match[2] or "s"]
    if not 0 <= seconds <= 604_800:
        raise ConfigError(f"{key}: expected seconds, such as 0.3, 300ms or 2s, got {_shown(value)}")
    return float(seconds)


def _health_word(key: str, value: object) -> str:
    if value not in HEALTH_WORDS:
        raise ConfigError(f"{key}: expected one of {', '.join(HEALTH_WORDS)}, got {_shown(value)}")
    return str(value)


def _method(key: str, value: object) -> str:
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise ConfigError(f"{key}: expected a method such as GET, got {_shown(value)}")
    return value.upper()


def _headers(key: str, value: object) -> tuple[tuple[str, str], ...]:
    """An object of name to value, or to a list of values (several `Set-Cookie`)."""
    if not isinstance(value, dict):
        raise ConfigError(f"{key}: expected an object of header names and values, got {_shown(value)}")
    fields: list[tuple[str, str]] = []
    for name, given in value.items():
        if not _TOKEN.fullmatch(name):
            raise ConfigError(f"{key}: {_shown(name)} is not a header name")
        if name.lower() in _OWN_HEADERS:
            raise ConfigError(f"{key}: {name} is set by the stub itself")
        for line in given if isinstance(given, list) else [given]:
            if not isinstance(line, str) or not re.fullmatch(r"[\t -~\x80-\xff]*", line):
                raise ConfigError(f"{key}.{name}: expected text without control characters, got {_shown(line)}")
            fields.append((name, line))
    return tuple(fields)


_CANNED: Final[dict[str, Callable[[str, object], Any]]] = {
    "path": _path,
    "method": _method,
    "status": _whole(200, 599),
    "headers": _headers,
    "body": lambda _key, value: value,
    "latency": _seconds,
}


def _canned(key: str, value: object) -> Canned:
    if not isinstance(value, dict):
        raise ConfigError(f"{key}: expected an object with a path, got {_shown(value)}")
    values = _read(value, _CANNED, f"{key}.")
    if "path" not in values:
        raise ConfigError(f"{key}.path: missing")
    if (body := values.pop("body", None)) is None:
        return Canned(**values)
    kind, encoded = "application/json", b""
    if isinstance(body, str):
        kind, encoded = "text/plain; charset=utf-8", body.encode("utf-8", "replace")
    else:
        encoded = json.dumps(body).encode() + b"\n"
    fields = values.pop("headers", ())
    if all(name.lower() != "content-type" for name, _ in fields):
        fields = (("Content-Type", kind), *fields)
    return Canned(**values, headers=fields, body=encoded)


def _responses(key: str, value: object) -> tuple[Canned, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{key}: expected a list, got {_shown(value)}")
    return tuple(_canned(f"{key}[{index}]", item) for index, item in enumerate(value))


_SWITCHES: Final[dict[str, Callable[[str, object], Any]]] = {
    "latency": _seconds,
    "fail": _ratio,
    "fail_status": _whole(400, 599),
    "version": _text,
    "health": _health_word,
    "exit_code": _whole(0, 255),
}

_CONFIG: Final[dict[str, Callable[[str, object], Any]]] = {
    **_SWITCHES,
    "name": _name,
    "port": _whole(0, 65_535),
    "host": _text,
    "health": _path,
    "ready_after": _seconds,
    "crash_after": _seconds,
    "crash_after_requests": _whole(0, 1_000_000_000),
    "responses": _responses,
}
