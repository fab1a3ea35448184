import json

from click.testing import CliRunner

from devgate.cli.schema import command
from devgate.profile import reference


def test_the_schema_is_json_and_nothing_else() -> None:
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == reference.schema()


def test_the_reference_page() -> None:
    result = CliRunner().invoke(command, ["--markdown"])
    assert result.stdout == reference.markdown()
    assert result.stdout.startswith("# Profile reference\n")
