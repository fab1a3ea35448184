"""Keys and theme of one's own."""

from pathlib import Path

from devgate.cli.screen_settings import keys_file, theme


def test_the_environment_names_the_keys_and_the_theme():
    assert keys_file({"DEVGATE_KEYS": "~/keys.toml"}) == Path.home() / "keys.toml"
    assert theme({"DEVGATE_THEME": "devgate-light"}) == "devgate-light"


def test_without_it_they_are_where_configuration_is():
    assert keys_file({}).parts[-2:] == ("devgate", "keys.toml")
    assert theme({}) == ""
