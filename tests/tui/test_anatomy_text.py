"""What one service was told, as lines: what was written, where, and what came from outside."""

from devgate.model.anatomy import Anatomy, Variable
from devgate.tui import anatomy_text


def text(lines: list) -> list[str]:
    return ["".join(part for part, _ in line) for line in lines]


def test_origins_follow_the_values():
    config = (
        "services:",
        "  api:",
        "    port: 6688" + " " * 30 + "  # devgate.yaml:12",
        '    note: "a  # b"  # x.yaml:1',
    )
    found = Anatomy("api", config, (), ())
    assert text(anatomy_text.config(found)) == [
        "services:",
        "  api:",
        "    port: 6688  devgate.yaml:12",
        '    note: "a  # b"  x.yaml:1',
    ]
    assert text(anatomy_text.config(Anatomy("api", (), (), ()))) == ["nothing is written about it"]


def test_variables_and_the_names_from_outside():
    names = tuple(f"NAME_{number}" for number in range(20))
    said = text(anatomy_text.env(Anatomy("api", (), (Variable("PORT", "1", "devgate"),), names)))
    assert said[0] == f"{'PORT':<24} 1  devgate"
    assert said[2] == "20 inherited"
    assert " ".join(said[3:]) == " ".join(names)
    assert max(map(len, said[3:])) <= 56
    assert text(anatomy_text.env(Anatomy("api", (), (), ()))) == ["it has not been started here"]
