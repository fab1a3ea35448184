from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.profile.interpolate import DEEPEST, Value, expand
from tests.profile.conftest import Project, pointed

VALUES = {
    name: Value(text, f"env {name}")
    for name, text in {"A": "one", "B_2": "two", "EMPTY": "", "D": "$A ${A} {}"}.items()
}


def expanded(text: str, values: Mapping[str, Value] = VALUES) -> str:
    expansion = expand(text, values)
    assert expansion.faults == []
    return expansion.text


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("${A}", "one"),
        ("<${A}/${B_2}>", "<one/two>"),
        ("${A:-x}", "one"),
        ("${NO:-x}", "x"),
        ("${NO:-}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${NO-x}", "x"),
        ("${A:?text}", "one"),
        ("${EMPTY?text}", ""),
        ("${NO:-${A}}", "one"),
        ("${NO:-a ${NEITHER:-b} c}", "a b c"),
        ("${A:-${NEITHER:?never looked at}}", "one"),
        ("${NO:-http://x:1/?a=b}", "http://x:1/?a=b"),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("$A costs 5$", "$A costs 5$"),
        ("^ready$", "^ready$"),
        ("${D}", "$A ${A} {}"),
        ("a}b{c", "a}b{c"),
    ],
)
def test_forms(text: str, result: str) -> None:
    assert expanded(text) == result


@pytest.mark.parametrize(
    ("text", "message", "span"),
    [
        ("x ${NO} y", "NO is not set", "${NO}"),
        ("${NO:?set it in .env}", "NO is not set: set it in .env", "${NO:?set it in .env}"),
        ("${EMPTY:?}", "EMPTY is not set", "${EMPTY:?}"),
        ("${NO:-${ALSO}}", "ALSO is not set", "${ALSO}"),
        ("${", "after ${ comes a name of letters, digits and _", "${"),
        ("${}", "after ${ comes a name of letters, digits and _", "${"),
        ("${1A}", "after ${ comes a name of letters, digits and _", "${"),
        ("${ A }", "after ${ comes a name of letters, digits and _", "${"),
        ("a${A", "${A is not closed; what may follow is }, :-default, -default, :?text or ?text", "${"),
        ("${A:+x}", "${A is not closed; what may follow is }, :-default, -default, :?text or ?text", "${"),
        ("${A:-x", "${A is not closed; what may follow is }, :-default, -default, :?text or ?text", "${"),
    ],
)
def test_faults_say_what_and_where(text: str, message: str, span: str) -> None:
    (fault,) = expand(text, VALUES).faults
    assert fault.message == message
    assert text[fault.start : fault.start + fault.width] == span


def test_every_missing_name_is_told() -> None:
    assert [fault.message for fault in expand("${X}${A}${Y}", VALUES).faults] == ["X is not set", "Y is not set"]


def test_a_near_name_is_offered() -> None:
    values = {"JWT_SECRET": Value("x", "env JWT_SECRET")}
    assert expand("${JWT_SECRETT}", values).faults[0].hint == "did you mean JWT_SECRET?"
    assert expand("${OTHER}", values).faults[0].hint == "set it, or give a default: ${OTHER:-...}"


def test_depth_is_limited() -> None:
    assert expanded("${NO:-" * DEEPEST + "x" + "}" * DEEPEST) == "x"
    assert "more than" in expand("${NO:-" * 10_000, {}).faults[0].message


def test_origins_are_those_of_what_was_used() -> None:
    assert expand("${A}${NO:-${B_2}}${A:-${B_2}}", VALUES).origins == ["env A", "env B_2", "env A"]
    assert expand("${NO:-x}", VALUES).origins == []


@given(st.text())
def test_values_are_never_looked_into(value: str) -> None:
    assert expanded("<${V}>", {"V": Value(value, "env V")}) == f"<{value}>"


@given(st.text(alphabet="${}:-?AB "))
def test_any_text_ends(text: str) -> None:
    expand(text, VALUES)


@given(st.text().map(lambda text: text.replace("$", "$$")))
def test_doubled_dollars_protect_everything(text: str) -> None:
    assert expanded(text) == text.replace("$$", "$")


# In a profile


def test_types_are_decided_after_interpolation(project: Project) -> None:
    project.environ = {"PORT": "7000", "ON": "true", "WAIT": "1500", "LIST": "a, b"}
    profile = project.load(
        """
        gateway: {port: "${PORT}", hold: "${WAIT}ms", health: "${ON}"}
        services: {api: {command: x, port: "${API_PORT:-6688}", required: "${NEEDED:-no}"}}
        """
    ).profile
    assert (profile.gateway.port, profile.gateway.hold, profile.gateway.health) == (7000, 1.5, True)
    assert (profile.services["api"].port, profile.services["api"].required) == (6688, False)


def test_a_plain_value_that_becomes_nothing_is_nothing(project: Project) -> None:
    text = "name: ${NAME:-}\nservices:\n  api:\n    command: x\n    port: ${PORT:-}\n    env: {A: '${A:-}', B: }\n"
    profile = project.load(text).profile
    assert profile.name == project.folder.name
    assert profile.services["api"].port is None
    assert profile.services["api"].env == {"A": "", "B": None}


def test_commands_belong_to_the_shell(project: Project) -> None:
    service = project.load(
        """
        services:
          api:
            command: run ${NOT_OURS} $$ "$PORT"
            port: 1
            ready: {exec: [check, "${NOT_OURS}"]}
            stop: {command: "end ${NOT_OURS}"}
        """
    ).profile.services["api"]
    assert service.command == 'run ${NOT_OURS} $$ "$PORT"'
    assert service.ready.exec == ("check", "${NOT_OURS}")
    assert service.stop.command == "end ${NOT_OURS}"


def test_a_value_cannot_add_keys(project: Project) -> None:
    project.environ = {"EVIL": "x\ncommand: rm -rf /"}
    profile = project.load("services: {api: {command: x, env: {A: '${EVIL}'}}}").profile
    assert profile.services["api"].env == {"A": "x\ncommand: rm -rf /"}
    assert profile.services["api"].command == "x"


def test_faults_are_placed_inside_the_text(project: Project) -> None:
    problem = project.fault('services: {api: {command: x, env: {URL: "http://${HOST}:80"}}}')
    assert (problem.message, pointed(problem)) == ("HOST is not set", "${HOST}")
    assert problem.path == "services.api.env.URL"


def test_keys_and_extensions_are_left_alone(project: Project) -> None:
    project.load("x-note: ${NOT_SET}\nservices: {api: {command: x, x-more: [{a: '${NOT_SET}'}]}}")
