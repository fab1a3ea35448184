"""Keys of one's own."""

from pathlib import Path

import pytest

from devgate.tui.keymap import read


def test_reads_ids_with_dots(tmp_path: Path):
    file = tmp_path / "keys.toml"
    file.write_text('service.restart = "ctrl+r"\n[view]\nlogs = "3,L"\n')
    assert read(file) == ({"service.restart": "ctrl+r", "view.logs": "3,L"}, [])


def test_no_file_is_no_keys(tmp_path: Path):
    assert read(tmp_path / "none.toml") == ({}, [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('service.explode = "e"', "no key called service.explode"),
        ("service.restart = 3", "service.restart needs a key"),
        ('service.restart = " "', "service.restart needs a key"),
        ("service.restart =", "keys.toml:"),
        ("\udcff", "keys.toml:"),
    ],
)
def test_a_bad_line_is_a_warning(tmp_path: Path, content: str, said: str):
    file = tmp_path / "keys.toml"
    file.write_bytes(b'view.logs = "L"\n' + content.encode("utf-8", "surrogateescape"))
    _, (problem,) = read(file)
    assert said in problem


def test_keys_are_named_as_they_are_typed(tmp_path: Path):
    file = tmp_path / "keys.toml"
    file.write_text('screen.help = "?, f1"\nservice.kill = "ctrl+alt+k"\nlog.search = "/"\n')
    assert read(file) == (
        {"screen.help": "question_mark,f1", "service.kill": "ctrl+alt+k", "log.search": "slash"},
        [],
    )


@pytest.mark.parametrize("key", ["controll+r", "ctrl+foo", "restart", ","])
def test_a_key_that_no_keyboard_has_is_a_warning(tmp_path: Path, key: str):
    file = tmp_path / "keys.toml"
    file.write_text(f'service.restart = "{key}"\n')
    keys, (problem,) = read(file)
    assert keys == {}
    assert "on a keyboard" in problem


def test_one_key_for_two_things_is_a_warning(tmp_path: Path):
    file = tmp_path / "keys.toml"
    file.write_text('service.stop = "r"\n')
    keys, (problem,) = read(file)
    assert keys == {"service.stop": "r"}
    assert "r is service.restart and service.stop" in problem
    file.write_text('service.stop = "r"\nservice.restart = "x"\n')
    assert read(file)[1] == []
