"""The tree to a `Profile`, and pydantic's errors to problems that a person can use.

What is wrong is taken out and the rest validated again, so that the rules across fields can be checked on it in the same run:
somebody with three mistakes hears of three. Such a `Draft` is only good for finding more faults.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from devgate.model.gateway import GatewaySpec
from devgate.model.profile import Profile
from devgate.model.route import RouteSpec
from devgate.model.service import ServiceSpec
from devgate.profile.expectation import slot_at, words
from devgate.profile.nodes import List, Map, child, json_data, locate, plain_data
from devgate.profile.problems import problem_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import ErrorDetails

    from devgate.profile.nodes import KeyPath, Node
    from devgate.profile.problems import Problem

NOT_WRITTEN: Final = "env_digests"
"""The one field that only the loader fills."""

_ROUNDS: Final = 4
"""Some faults show only when others are out of the way, as a rule over two fields does."""

# What people write who come from other tools.
_CALLED_ELSEWHERE: Final[Mapping[str, str]] = {
    "cmd": "command", "run": "command", "script": "command", "exec": "command", "entrypoint": "command",
    "environment": "env", "working_dir": "cwd", "dir": "cwd", "ports": "port", "healthcheck": "ready", "health": "ready",
    "readiness_probe": "ready", "probe": "ready", "needs": "depends_on", "after": "depends_on", "scale": "replicas",
    "instances": "replicas", "upstream": "service", "target": "service", "prefix": "path", "method": "methods",
    "host": "hosts", "rewrite": "strip_prefix", "listen": "gateway", "server": "gateway", "upstreams": "services",
    "processes": "services", "allow_origins": "origins", "allowed_origins": "origins", "include": "extends",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """What could be read."""

    profile: Profile
    problems: tuple[Problem, ...]
    doubtful: frozenset[str]
    """Services of which something is missing because of a problem: nothing can be concluded from what they do not have."""
    routes: tuple[int, ...]
    """For each route of `profile`, its index in the file."""


def parse(root: Map) -> Draft:
    """Validate the tree."""
    data = _data(root)
    problems: list[Problem] = []
    doubtful: set[str] = set()
    kept = list(range(len(data["routes"]))) if isinstance(data.get("routes"), list) else []
    if data.pop(NOT_WRITTEN, None) is not None:
        problems.append(problem_at(root.keys[NOT_WRITTEN], f"unknown key {NOT_WRITTEN!r}", path=(NOT_WRITTEN,)))
    for _ in range(_ROUNDS):
        try:
            profile = Profile.model_validate(data)
        except ValidationError as error:
            faults = [_placed(root, detail, kept) for detail in error.errors(include_url=False)]
            problems += _problems(root, faults)
            kept = _prune(data, [fault.path for fault in faults], kept, doubtful)
        else:
            return Draft(profile, tuple(problems), frozenset(doubtful), tuple(kept))
    return Draft(Profile(), tuple(problems), frozenset(), ())


def _data(root: Map) -> dict[str, Any]:
    """Plain data; bodies, which may be anything, get YAML's own types."""
    data: dict[str, Any] = plain_data(root)
    for name in data["services"] if isinstance(data.get("services"), dict) else ():
        responses = child(root, "services", name, "stub", "responses")
        for index, response in enumerate(responses.items if isinstance(responses, List) else ()):
            if (body := child(response, "body")) is not None:
                data["services"][name]["stub"]["responses"][index]["body"] = json_data(body)
    for index, route in enumerate(data["routes"] if isinstance(data.get("routes"), list) else ()):
        if (body := child(root, "routes", index, "fallback", "answer", "body")) is not None:
            route["fallback"]["answer"]["body"] = json_data(body)
    return data


def _prune(data: dict[str, Any], faulty: Iterable[KeyPath], kept: list[int], doubtful: set[str]) -> list[int]:
    """Take out the faulty parts; which routes, by their numbers in the file, are left."""
    bad_routes = set()
    for path in faulty:
        if path[:1] == ("routes",) and len(path) > 1:
            bad_routes.add(path[1])
            continue
        if path[:1] == ("services",) and len(path) > 1:
            doubtful.add(str(path[1]))
        _remove(data, path)
    if isinstance(data.get("routes"), list):
        data["routes"] = [route for index, route in zip(kept, data["routes"], strict=True) if index not in bad_routes]
    return [index for index in kept if index not in bad_routes]


def _remove(data: Any, path: KeyPath) -> None:
    """Take out the value at `path`; of a list, which would count differently afterwards, the whole list."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    for part in path[:-1]:
        data = data.get(part) if isinstance(data, dict) else None
    if isinstance(data, dict) and path:
        data.pop(path[-1], None)


@dataclass(slots=True)
class _Fault:
    """One of pydantic's errors with its place in the tree."""

    path: KeyPath
    """As far as it exists in the tree."""
    beyond: tuple[str | int, ...]
    """What of pydantic's location is not in the tree: a missing key, the branch of a union."""
    error: ErrorDetails


def _problems(root: Map, faults: list[_Fault]) -> list[Problem]:
    paths = [fault.path for fault in faults]
    problems: list[Problem] = []
    told: set[KeyPath] = set()
    for fault in faults:
        if fault.error["type"] != "missing":
            # Of a union the branch that got furthest is the one that was meant, and one sentence tells all that may stand there.
            deeper = any(len(path) > len(fault.path) and path[: len(fault.path)] == fault.path for path in paths)
            if (deeper and fault.beyond) or fault.path in told:
                continue
            told.add(fault.path)
        problems.append(_problem(root, fault))
    return problems


def _placed(root: Map, detail: ErrorDetails, routes: list[int]) -> _Fault:
    node: Node = root
    path: list[str | int] = []
    beyond: list[str | int] = []
    for part in detail["loc"]:
        if path == ["routes"] and isinstance(part, int):
            part = routes[part]
        below = None if beyond and not _is_branch(beyond[-1]) else child(node, part)
        if below is None:
            beyond.append(part)
        else:
            node = below
            path.append(part)
    return _Fault(tuple(path), tuple(beyond), detail)


def _is_branch(part: str | int) -> bool:
    """Whether a part of pydantic's location is the branch of a union, and what follows may be in the tree again."""
    return isinstance(part, str)


def _problem(root: Map, fault: _Fault) -> Problem:
    path, kind = fault.path, fault.error["type"]
    name = _called(path)
    if kind == "extra_forbidden":
        return problem_at(
            locate(root, path, key=True), f"unknown key {path[-1]!r}", hint=_meant(str(path[-1]), path[:-1]), path=path
        )
    if kind == "missing":
        missing = str(fault.beyond[-1])
        slot = slot_at((*path, missing))
        hint = f"add {missing}: {words(slot)}" if slot else ""
        return problem_at(locate(root, path, key=True), f"{name} has no {missing}", hint=hint, path=path)
    if fault.beyond and fault.beyond[-1] == "[key]":
        message = f"{path[-1]!r} is not {_expected(path[:-1], key=True)}"
        return problem_at(locate(root, path, key=True), message, path=path)
    place = locate(root, path)
    if kind == "value_error":
        return problem_at(place, f"{name}: {fault.error['ctx']['error']}", path=path)
    node = child(root, *path)
    return problem_at(
        place, f"{name} must be {_expected(path)}, not {_shown(node, str(path[-1]) if path else '')}", path=path
    )


def _called(path: KeyPath) -> str:
    """How a message calls a place: its key, or its number in a list."""
    if not path:
        return "the profile"
    if isinstance(path[-1], int):
        owner = str(path[-2]) if len(path) > 1 else "entry"
        owner = f"{owner[:-3]}y" if owner.endswith("ies") else owner.removesuffix("s")
        return f"{owner} {path[-1] + 1}"
    return path[-1]


def _expected(path: KeyPath, *, key: bool = False) -> str:
    if key:
        return "a name of letters, digits, dots, dashes and underscores, at most 63 of them"
    slot = slot_at(path)
    return words(slot) if slot else "something else"


def _shown(node: Node | None, name: str) -> str:
    """A value as it was written, short, and without its content if it is a secret."""
    from devgate.escape import visible
    from devgate.profile.secrets import of_secrets
    from devgate.redact import MASK, redact_value

    if isinstance(node, Map):
        return "a map"
    if isinstance(node, List):
        return "a list"
    if node is None or node.null:
        return "nothing"
    if of_secrets(node):
        return MASK
    text = visible(redact_value(name, node.text), 40)
    return text if node.plain else f'"{text}"'


def _meant(key: str, owner: KeyPath) -> str:
    slot = slot_at(owner)
    known = sorted({name for model in slot.models for name in model.model_fields} - {NOT_WRITTEN}) if slot else []
    if owner == ():
        known.append("extends")
    lowered = key.lower().replace("-", "_")
    other = _CALLED_ELSEWHERE.get(lowered)
    near = [other] if other in known else get_close_matches(lowered, known, n=1, cutoff=0.7)
    if near:
        return f"did you mean {near[0]}?"
    if home := _home(lowered, owner):
        return f"{lowered} belongs {home}"
    return f"known here: {', '.join(known)}" if known else ""


def _home(key: str, owner: KeyPath) -> str:
    """Where a key belongs that stands at the wrong level."""
    if owner != ("gateway",) and key in GatewaySpec.model_fields:
        return "under gateway"
    if owner[:1] != ("services",) and key in ServiceSpec.model_fields:
        return "to a service"
    if owner[:1] != ("routes",) and key in RouteSpec.model_fields:
        return "to a route"
    return ""
