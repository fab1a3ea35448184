import json
import os
import re
from pathlib import Path

from click.testing import CliRunner, Result

from devgate.cli.config import command
from devgate.errors import ProfileError

PROFILE = """
env_file: .env
gateway: {port: "${GATE:-8123}"}
services:
  api: {command: run, port: 1, env: {JWT_SECRET: "${JWT_SECRET}", LEVEL: info}}
"""


def run(folder: Path, *arguments: str) -> Result:
    (folder / ".env").write_text("JWT_SECRET=a-secret-of-more-than-thirty-two-characters\n")
    (folder / "devgate.yaml").write_text(PROFILE)
    before = Path.cwd()
    os.chdir(folder)
    try:
        return CliRunner().invoke(command, arguments, standalone_mode=False)
    finally:
        os.chdir(before)


def test_values_with_their_origins_and_without_secrets(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.return_value == 0
    assert result.stdout.startswith("# devgate.yaml: devgate.yaml, .env\n# What is not said here has its default")
    assert re.search(r"^  port: 8123 +# devgate.yaml:3$", result.stdout, re.MULTILINE)
    assert 'JWT_SECRET: "***sha256:' in result.stdout
    assert "# .env:1\n" in result.stdout
    assert "more-than-thirty-two" not in result.stdout
    assert "start_timeout" not in result.stdout


def test_with_the_defaults(tmp_path: Path) -> None:
    result = run(tmp_path, "--all")
    assert "start_timeout: 1m" in result.stdout
    assert "What is not said here" not in result.stdout


def test_as_json(tmp_path: Path) -> None:
    document = json.loads(run(tmp_path, "--json").stdout)
    assert document["ref"] == "devgate.yaml"
    assert document["files"] == ["devgate.yaml", ".env"]
    assert document["profile"]["gateway"] == {"port": 8123}
    assert document["profile"]["services"]["api"]["env"]["JWT_SECRET"].startswith("***sha256:")
    assert document["origins"]["services.api.env.JWT_SECRET"] == ".env:1"
    assert len(document["digest"]) == 16


def test_a_broken_profile_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: 1\n")
    result = run(tmp_path, "broken.yaml")
    assert isinstance(result.exception, ProfileError)


def test_warnings_go_to_stderr(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("services: {api: {command: x, idle_stop: 5m}}\n")
    result = run(tmp_path, "w.yaml")
    assert "idle_stop has no effect" in result.stderr
    assert "warning" not in result.stdout


def shown(folder: Path, env: str, profile: str, *arguments: str) -> str:
    (folder / "p.yaml").write_text("env_file: .env\n" + profile)
    (folder / ".env").write_text(env)
    before = Path.cwd()
    os.chdir(folder)
    try:
        result = CliRunner().invoke(command, ["p.yaml", *arguments], standalone_mode=False)
    finally:
        os.chdir(before)
    assert result.exception is None
    return result.stdout


def test_a_secret_stays_one_under_another_name(tmp_path: Path) -> None:
    env = "JWT_SECRET=supersecretvalue1\nPIN_TOKEN=40917\nDSN=x-${JWT_SECRET}\n"
    profile = """
services:
  api:
    command: run supersecretvalue1
    env: {STRIPE: "${JWT_SECRET}", MIXED: "a${PIN_TOKEN}b", OTHER: "${DSN}", LEVEL: info}
    port: "${PIN_TOKEN}"
"""
    for arguments in ((), ("--json",), ("--all",)):
        page = shown(tmp_path, env, profile, *arguments)
        assert "supersecretvalue1" not in page, arguments
        assert "40917" not in page, arguments
        assert "a***b" in page
        assert "***sha256:" in page
        assert "info" in page


def test_the_word_after_a_secret_option_is_masked_and_references_stay(tmp_path: Path) -> None:
    profile = """
services:
  a: {command: "run --token abcd1234secret --password=${PLAIN}"}
  b: {command: [run, --token, abcd1234secret, --level, debug]}
"""
    page = shown(tmp_path, "", profile)
    assert 'command: "run --token *** --password=${PLAIN}"' in page
    assert 'command: [run, "--token", "***", "--level", debug]' in page


def test_a_problem_does_not_quote_a_secret(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("JWT_SECRET=supersecretvalue1\nA_TOKEN=x7\n")
    (tmp_path / "p.yaml").write_text(
        "env_file: .env\nservices: {a: {url: '${JWT_SECRET}'}, b: {command: x, port: '${A_TOKEN}'}}\n"
    )
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        result = CliRunner().invoke(command, ["p.yaml"], standalone_mode=False)
    finally:
        os.chdir(before)
    assert isinstance(result.exception, ProfileError)
    told = "\n".join(map(str, result.exception.problems))
    assert told.count("error: ") == 2
    assert "supersecretvalue1" not in told
    assert "x7" not in told
