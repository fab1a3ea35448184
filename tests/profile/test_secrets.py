from hypothesis import given
from hypothesis import strategies as st

from devgate.profile.interpolate import Value, interpolate
from devgate.profile.nodes import Map, Text
from devgate.profile.secrets import TELLING, secrets_of
from devgate.profile.source import Place, SourceFile
from tests.profile.conftest import Project


def tree(project: Project, env: dict[str, str], values: dict[str, str]) -> Map:
    place = Place(SourceFile(project.folder, ""), 1, 1)
    node = Map(place, {"env": Map(place, {name: Text(text, place) for name, text in env.items()})})
    problems: list[object] = []
    return interpolate(node, {name: Value(text, f"env {name}") for name, text in values.items()}, problems)  # type: ignore[arg-type]


def test_origin_decides(project: Project) -> None:
    root = tree(
        project, {"A": "<${API_KEY}>", "B": "${LEVEL}", "C": "${NO_TOKEN:-fallback}"}, {"API_KEY": "k1", "LEVEL": "i"}
    )
    secrets = secrets_of(root, ())
    assert secrets.hidden(("env", "A"), "<k1>") == "<***>"
    assert secrets.hidden(("env", "B"), "k1") == "k1"
    assert secrets.out_of("a fallback") == "a ***"
    assert secrets.touch(("env", "A", "x"))
    assert not secrets.touch(("env", "B"))
    assert not secrets.touch(())


def test_of_two_the_longer_goes_first(project: Project) -> None:
    secrets = secrets_of(
        tree(project, {}, {}), (("A_KEY", "abcdefgh"), ("B_KEY", "abcdefghijkl"), ("LEVEL", "something"))
    )
    assert secrets.out_of("abcdefghijkl abcdefgh something") == "*** *** something"


@given(
    st.text(min_size=TELLING, alphabet=st.characters(min_codepoint=48, max_codepoint=1000, categories=("L", "N"))),
    st.text(),
    st.text(),
)
def test_what_is_long_enough_is_nowhere(secret: str, before: str, after: str) -> None:
    secrets = secrets_of(Text("", Place(SourceFile.__new__(SourceFile), 1, 1)), (("TOKEN", secret),))
    assert secret not in secrets.out_of(before + secret + after).replace("***", "")
