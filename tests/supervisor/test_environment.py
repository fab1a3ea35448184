"""The layers of a service's environment, and files that are read anew each time."""

import os
from pathlib import Path

import pytest

from devgate.supervisor.environment import address_variable, build, read_file
from devgate.supervisor.refusal import CannotStartError

KNOWN = {"PORT": "4000", "DEVGATE_SERVICE": "web"}


def test_later_layers_win() -> None:
    env = build(
        {"A": "shell", "B": "shell", "C": "shell", "D": "shell", "E": "shell", "S": "shell"},
        files=[dict.fromkeys("ABCDE", "file")],
        env={"B": "profile", "C": "profile", "D": "profile", "E": "profile"},
        service_files=[{**dict.fromkeys("CDE", "web file"), "PORT": "1"}],
        known=KNOWN,
        addresses={},
        service_env={"D": "web", "E": "web"},
        overrides={"E": "flag"},
    )
    assert {name: env[name] for name in "SABCDE"} == {
        "S": "shell",
        "A": "file",
        "B": "profile",
        "C": "web file",
        "D": "web",
        "E": "flag",
    }
    assert env["PORT"] == "4000"


def test_null_takes_a_variable_away() -> None:
    env = build({"A": "1", "B": "1"}, env={"A": None}, known=KNOWN, addresses={}, service_env={"B": None, "PORT": None})
    assert not {"A", "B", "PORT"} & env.keys()


def test_output_is_unbuffered_and_coloured_unless_said_otherwise() -> None:
    env = build({}, known={}, addresses={})
    assert env == {"PYTHONUNBUFFERED": "1", "FORCE_COLOR": "1"}
    env = build({"NO_COLOR": "1", "PYTHONUNBUFFERED": "0"}, known={}, addresses={})
    assert env == {"NO_COLOR": "1", "PYTHONUNBUFFERED": "0"}
    assert "FORCE_COLOR" not in build({}, known={}, addresses={}, service_env={"FORCE_COLOR": None})


def test_addresses_of_others_yield_to_what_somebody_has_set() -> None:
    addresses = {address_variable("fechatter-server"): "http://127.0.0.1:6688", "DB_URL": "http://127.0.0.1:1"}
    env = build({}, env={"DB_URL": "postgres://real"}, known={}, addresses=addresses)
    assert env["FECHATTER_SERVER_URL"] == "http://127.0.0.1:6688"
    assert env["DB_URL"] == "postgres://real"


def test_devgates_own_token_is_not_passed_on() -> None:
    assert "DEVGATE_TOKEN" not in build({"DEVGATE_TOKEN": "secret"}, known={}, addresses={})


def test_reads_what_env_files_hold(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("\ufeff# a comment\nexport A=1\nB='two words'\nC=\"x\\ny\"\nD=${A}${H}\nE=\n\nF=a#b\n", "utf-8")
    file = read_file(path, {"H": "here"})
    assert file.values == {"A": "1", "B": "two words", "C": "x\ny", "D": "1here", "E": "", "F": "a#b"}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotStartError, match=r"\.env does not exist") as caught:
        read_file(tmp_path / ".env", {})
    assert caught.value.code == "missing-env-file"


@pytest.mark.parametrize("content", [b"A=1\n= s3cret\n", b"\xff\xfe", b"A=1\n's3cret\n"])
def test_a_broken_file_is_named_and_nothing_of_what_stands_in_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ".env"
    path.write_bytes(content)
    with pytest.raises(CannotStartError) as caught:
        read_file(path, {})
    assert caught.value.code == "bad-env-file"
    assert str(path) in caught.value.message
    assert "s3cret" not in str(caught.value)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    with pytest.raises(CannotStartError, match="not a regular file"):
        read_file(tmp_path / ".env", {})
