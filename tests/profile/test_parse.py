# ruff: noqa: E501 - tables, one case a line
import types
import typing

import pytest
from pydantic import BaseModel

from devgate.model.resilience import FixedAnswerSpec
from devgate.model.service import CannedResponse
from devgate.profile.reference import models
from tests.profile.conftest import Project, pointed

# A service in which one thing is wrong: what is written, what is said, what is pointed at, what is advised.
FAULTS = {
    "unknown key": ("prot: 1", "unknown key 'prot'", "prot", "did you mean port?"),
    "another tool's word": ("working_dir: /x", "unknown key 'working_dir'", "working_dir", "did you mean cwd?"),
    "another case": ("Depends-On: [a]", "unknown key 'Depends-On'", "Depends-On", "did you mean depends_on?"),
    "another level": ("strip_prefix: true", "unknown key 'strip_prefix'", "strip_prefix", "strip_prefix belongs to a route"),
    "only the loader's": ("env_digests: {}", "unknown key 'env_digests'", "env_digests", None),
    "a port": ("port: http", 'port must be a port from 1 to 65535 or "auto", not http', "http", ""),
    "a port too large": ("port: 70000", 'port must be a port from 1 to 65535 or "auto", not 70000', "70000", ""),
    "a port that is true": ("port: true", 'port must be a port from 1 to 65535 or "auto", not true', "true", ""),
    "a list for a port": ("port: [1]", 'port must be a port from 1 to 65535 or "auto", not a list', "port", ""),
    "a duration": ("start_timeout: 30", "start_timeout: 30 has no unit; write 30s or 30ms", "30", ""),
    "a long duration": ("start_timeout: soon", "start_timeout: 'soon' is not a duration; write 300ms, 5s, 2m or 1h30m", "soon", ""),
    "a nested duration": ("backoff: {first: 1}", "first: 1 has no unit; write 1s or 1ms", "1", ""),
    "a size": ("log: {memory: 5}", "memory: 5 is not a size, it has no unit; write 5B or 5KiB", "5", ""),
    "a choice": ("restart: never", 'restart must be "no", "on-failure" or "always", not never', "never", ""),
    "a switch": ("required: maybe", "required must be true or false, not maybe", "maybe", ""),
    "a count": ("replicas: 99", "replicas must be a whole number from 1 to 32, not 99", "99", ""),
    "a fraction": ("replicas: 1.5", "replicas must be a whole number from 1 to 32, not 1.5", "1.5", ""),
    "an open range": ("backoff: {factor: 0.5}", "factor must be a number, at least 1, not 0.5", "0.5", ""),
    "not a number": ("backoff: {factor: nan}", "factor must be a number, at least 1, not nan", "nan", ""),
    "infinite": ("backoff: {factor: inf}", "factor must be a number, at least 1, not inf", "inf", ""),
    "a map": ("ready: /health", "ready must be a map, not /health", "/health", ""),
    "a union": ("stub: 5", "stub must be true or false or a map, not 5", "5", ""),
    "inside a union": ("stub: {fail: 2}", "fail must be a number from 0 to 1, not 2", "2", ""),
    "unknown inside a union": ("stub: {versoin: 1}", "unknown key 'versoin'", "versoin", "did you mean version?"),
    "inside a list": ("success_exit: [0, x]", "success_exit 2 must be a whole number, not x", "x", ""),
    "missing inside a list": ("stub: {responses: [{status: 200}]}", "response 1 has no path", "{", "add path: text"),
    "missing in a map": ("watch: {include: [a]}", "watch has no paths", "watch", "add paths: a list (text each)"),
    "two kinds of probe": ("ready: {http: /a, log: b}", "ready: choose one of http, log", "ready", ""),
    "a map as text": ("cwd: {a: 1}", "cwd must be text, not a map", "cwd", ""),
    "a command": ("command: {a: 1}", "command must be text or a list (text each), not a map", "command", ""),
    "a dependency": ("depends_on: {a: soon}", "a must be a map, not soon", "soon", ""),
    "a signal": ("stop: {signal: STOP}", 'signal must be "TERM", "INT", "HUP", "QUIT", "USR1", "USR2" or "KILL", not STOP', "STOP", ""),
    "an entry of a list": ("depends_on: [{a: 1}]", "depends_on must be a map, not a list", "depends_on", ""),
    "text with quotes": ('kind: "job"', 'kind must be "service" or "task", not "job"', '"job"', ""),
    "a long value": (f"kind: {'x' * 500}", f'kind must be "service" or "task", not {"x" * 39}…', "x" * 500, ""),
    "a hostile value": ('kind: "\\e[31m"', 'kind must be "service" or "task", not "\\x1b[31m"', '"\\e[31m"', ""),
}  # fmt: skip


@pytest.mark.parametrize(("written", "message", "mark", "hint"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_wrong_is_said_in_words_where_it_stands(
    project: Project, written: str, message: str, mark: str, hint: str | None
) -> None:
    command = "" if written.startswith("command") else "command: x, "
    problem = project.fault(f"services:\n  api: {{{command}{written}}}\n")
    assert (problem.message, pointed(problem)) == (message, mark)
    assert hint is None or problem.hint == hint
    assert problem.line == 2
    assert problem.path.startswith("services.api")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("gatewy: {}", "unknown key 'gatewy'", "did you mean gateway?"),
        ("cors: {}", "unknown key 'cors'", "cors belongs under gateway"),
        ("extend: a", "unknown key 'extend'", "did you mean extends?"),
        ("zzz: 1", "unknown key 'zzz'", "known here: description, env, env_file, gateway, name, reload, routes, services, sync, version, extends"),
        ("env_digests: {a: b}", "unknown key 'env_digests'", ""),
        ("version: 2", "version must be 1, not 2", ""),
        ("services: [a]", "services must be a map, not a list", ""),
        ("services: {a b: {stub: true}}", "'a b' is not a name of letters, digits, dots, dashes and underscores, at most 63 of them", ""),
        ("routes: {a: b}", "routes must be a list (a map each), not a map", ""),
        ("routes: [/a]", "route 1 must be a map, not /a", ""),
        ("env: {A: [1]}", "A must be text, not a list", ""),
        ("name: [a]", "name must be text, not a list", ""),
    ],
)  # fmt: skip
def test_faults_at_the_top(project: Project, text: str, message: str, hint: str) -> None:
    problem = project.fault(text + "\n")
    assert (problem.message, problem.hint) == (message, hint)


def test_secrets_are_not_repeated(project: Project) -> None:
    problem = project.fault("env: {DB_PASSWORD: [hunter2]}\nservices: {}\n")
    assert "hunter2" not in str(problem)
    problem = project.fault("services: {api: {command: x, api_key: hunter2}}\n")
    assert "hunter2" not in str(problem)


def test_three_mistakes_are_three_problems_in_the_order_of_the_file(project: Project) -> None:
    problems = project.faults(
        """
        gateway:
          hold: 30
        services:
          api: {comand: x, port: 1, depends_on: [db]}
        routes:
          - {path: /a, service: apy}
          - {service: api}
          - {path: /_devgate/x, service: api}
        """
    )
    assert [(problem.line, problem.message) for problem in problems] == [
        (3, "hold: 30 has no unit; write 30s or 30ms"),
        (5, "unknown key 'comand'"),
        (5, "there is no service 'db'"),
        (7, "there is no service 'apy'"),
        (8, "route 2 has no path"),
        (9, "/_devgate/x is the gateway's: everything below /_devgate is"),
    ]


def test_what_a_broken_service_seems_to_lack_is_not_held_against_it(project: Project) -> None:
    """`comand` is the mistake; that there is no command, and no port, is not told as well."""
    text = "services: {api: {comand: x, prot: 1, ready: {http: /h}}}\nroutes: [{path: /a, service: api}]\n"
    assert [problem.message for problem in project.faults(text)] == ["unknown key 'comand'", "unknown key 'prot'"]


def test_a_fault_that_hides_behind_another_is_told_in_the_same_run(project: Project) -> None:
    text = "services: {api: {command: x, ready: {http: /a, log: b, timeout: 5}}}\n"
    messages = [problem.message for problem in project.faults(text)]
    assert messages == ["ready: choose one of http, log", "timeout: 5 has no unit; write 5s or 5ms"]


def test_text_fields_take_what_looks_like_numbers(project: Project) -> None:
    profile = project.load(
        "name: 5\nsync: {version: 1.10}\nenv: {A: 1.10, B: yes, C: 0755, D: true, E: 1e3}\nservices: {api: {command: [sleep, 5]}}\n"
    ).profile
    assert (profile.name, profile.sync.version, profile.services["api"].command) == ("5", "1.10", ("sleep", "5"))
    assert profile.env == {"A": "1.10", "B": "yes", "C": "0755", "D": "true", "E": "1e3"}


def test_words_for_yes_and_no(project: Project) -> None:
    text = "gateway: {health: off, routes_hint: no, cors: {credentials: yes}}\nservices: {api: {command: x, restart: no}}\n"
    profile = project.load(text).profile
    assert (profile.gateway.health, profile.gateway.routes_hint, profile.gateway.cors.credentials) == (
        False,
        False,
        True,
    )
    assert profile.services["api"].restart == "no"


def test_bodies_have_the_types_of_json(project: Project) -> None:
    profile = project.load(
        """
        services:
          api:
            stub:
              responses:
                - {path: /a, body: {i: 1, f: 1.5, e: 1e3, t: true, n: null, s: "1", o: 0755, l: [1, off], z: }}
                - {path: /b, body: plain text}
                - {path: /c, body: 12}
        """
    ).profile
    bodies = [response.body for response in profile.services["api"].stub_spec.responses]
    assert bodies[0] == {
        "i": 1,
        "f": 1.5,
        "e": 1000.0,
        "t": True,
        "n": None,
        "s": "1",
        "o": "0755",
        "l": [1, "off"],
        "z": None,
    }
    assert bodies[1:] == ["plain text", 12]


def test_the_body_of_a_fixed_answer_keeps_its_types_and_short_forms_are_written_out(project: Project) -> None:
    profile = project.load(
        """
        services: {api: {command: x, port: 1}}
        routes:
          - {path: /a, service: api, fallback: {answer: {body: {n: 1, t: true, s: "1"}}}, retry: 3, hedge: p95}
          - {path: /b, service: api, retry: {attempts: 0}, hedge: 500ms, cache: 5m}
          - {path: /c, service: api, cache: true}
          - {path: /d, service: api, cache: false}
        """
    ).profile
    one, two, three, four = profile.routes
    assert one.fallback is not None
    assert one.fallback.answer is not None
    assert one.fallback.answer.body == {"n": 1, "t": True, "s": "1"}
    assert one.retry is not None
    assert one.retry.attempts == 3
    assert one.hedge is not None
    assert one.hedge.after == "p95"
    assert two.retry is not None
    assert two.retry.attempts == 0
    assert two.hedge is not None
    assert two.hedge.after == 0.5
    assert two.cache is not None
    assert two.cache.ttl == 300.0
    assert three.cache is not None
    assert three.cache.ttl == 0.0
    assert four.cache is None


BODIES = {(CannedResponse, "body"), (FixedAnswerSpec, "body")}


def test_only_bodies_take_anything() -> None:
    """`parse` gives JSON types to bodies alone; another field of type Any would be given text."""

    def holds_any(annotation: object) -> bool:
        return annotation is typing.Any or any(holds_any(part) for part in typing.get_args(annotation))

    found = [
        (model, name) for model in models() for name, field in model.model_fields.items() if holds_any(field.annotation)
    ]
    assert {*found} == BODIES


def test_every_kind_of_field_can_be_said_in_words() -> None:
    from devgate.profile.expectation import Slot, words

    for model in models():
        for name, field in model.model_fields.items():
            if (model, name) not in BODIES:
                assert "anything" not in words(Slot(field.annotation, field.metadata)), (model, name)
    assert isinstance(int | None, types.UnionType)
    assert issubclass(CannedResponse, BaseModel)
