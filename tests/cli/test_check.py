import json
import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from devgate.cli.check import command
from devgate.errors import ProfileError


def run(folder: Path, *arguments: str, environ: dict[str, str] | None = None) -> Result:
    """The command with `folder` as the working folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return CliRunner().invoke(command, arguments, env=environ, standalone_mode=False)
    finally:
        os.chdir(before)


def test_a_good_profile_in_one_line(tmp_path: Path) -> None:
    result = run(tmp_path, "fechatter/ha")
    assert (result.return_value, result.stderr) == (0, "")
    assert result.stdout == "fechatter/ha is good: 5 services, 27 routes, no warnings\n"


def test_without_an_argument_the_one_that_up_would_take(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text("services: {api: {command: cd, idle_stop: 5m}}\n")
    result = run(tmp_path)
    assert result.return_value == 0
    assert "devgate.yaml:1:31: warning: idle_stop has no effect" in result.stdout
    assert result.stdout.endswith("devgate.yaml is good: 1 service, no routes, 1 warning\n")


def test_every_problem_with_its_line_and_a_hint(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text("gatewy: {}\nservices:\n  api: {command: x, prot: 1}\n")
    result = run(tmp_path)
    assert result.return_value == 2
    assert result.stdout == ""
    assert result.stderr == (
        "devgate.yaml:1:1: error: unknown key 'gatewy'\n"
        "  1 | gatewy: {}\n"
        "    | ^^^^^^\n"
        "  hint: did you mean gateway?\n"
        "\n"
        "devgate.yaml:3:21: error: unknown key 'prot'\n"
        "  3 |   api: {command: x, prot: 1}\n"
        "    |                     ^^^^\n"
        "  hint: did you mean port?\n"
        "\n"
        "devgate.yaml cannot be used: 2 problems\n"
    )


def test_what_is_not_on_this_machine_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text(
        "services:\n"
        "  a: {command: no-such-program --x}\n"
        "  b: {command: cd, cwd: nowhere}\n"
        "  c: {command: no-such-program, missing: stub}\n"
        "  d: {command: cd, port: 1}\n"
    )
    result = run(tmp_path)
    assert result.return_value == 0
    assert "devgate.yaml:2:16: warning: a would be blocked: no-such-program is not on this machine\n" in result.stdout
    assert "devgate.yaml:3:25: warning: b would be blocked: folder" in result.stdout
    assert result.stdout.endswith("devgate.yaml is good: 4 services, no routes, 2 warnings\n")
    problems = json.loads(run(tmp_path, "--json").stdout)["problems"]
    assert [(one["path"], one["severity"]) for one in problems] == [
        ("services.a.command", "warning"),
        ("services.b.cwd", "warning"),
    ]


def test_a_method_that_no_request_has(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text(
        "services: {api: {command: cd, port: 1}}\nroutes:\n  - {path: /a, service: api, methods: [GET, FETCH]}\n"
    )
    result = run(tmp_path)
    assert result.return_value == 2
    assert "devgate.yaml:3:45: error: no request with FETCH gets here\n" in result.stderr
    assert "hint: did you mean PATCH?" in result.stderr


def test_a_route_with_two_faults_is_told_both(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text(
        "services: {api: {command: cd, port: 1}}\n"
        "routes:\n"
        "  - {path: /a, service: api}\n"
        "  - {path: api, service: c}\n"
        "  - {path: api, service: api}\n"
        "  - {path: /b, service: d}\n"
    )
    result = run(tmp_path)
    assert "devgate.yaml:4:12: error: path must be" in result.stderr
    assert "devgate.yaml:4:26: error: there is no service 'c'" in result.stderr
    assert "devgate.yaml:6:25: error: there is no service 'd'" in result.stderr
    assert result.stderr.endswith("4 problems\n")


def test_an_unknown_profile_is_an_answer_not_a_list(tmp_path: Path) -> None:
    result = run(tmp_path, "demmo")
    assert isinstance(result.exception, ProfileError)
    assert result.exception.message == "there is no profile 'demmo'"


def test_as_json(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text("gatewy: {}\n")
    result = run(tmp_path, "--json")
    assert result.return_value == 2
    assert json.loads(result.stdout) == {
        "ok": False,
        "profile": None,
        "files": ["devgate.yaml"],
        "problems": [
            {
                "severity": "error",
                "file": "devgate.yaml",
                "line": 1,
                "column": 1,
                "path": "gatewy",
                "message": "unknown key 'gatewy'",
                "hint": "did you mean gateway?",
            }
        ],
    }
    good = json.loads(run(tmp_path, "demo", "--json").stdout)
    assert (good["ok"], good["profile"], good["problems"]) == (True, "demo", [])
    unknown = json.loads(run(tmp_path, "nope", "--json").stdout)
    assert unknown["problems"][0]["message"] == "there is no profile 'nope'"


def test_exposed_only_when_it_is_meant(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text("gateway: {host: 0.0.0.0}\n")
    refused = run(tmp_path)
    assert refused.return_value == 2
    assert "--expose" in refused.stderr
    assert run(tmp_path, "--expose").return_value == 0


def test_the_environment_counts(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text("gateway: {port: '${GATE}'}\n")
    assert "GATE is not set" in run(tmp_path).stderr
    assert run(tmp_path, environ={"GATE": "1"}).return_value == 0


def test_hostile_text_stays_inside_its_line(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text('"\\e]52;c;eA==\\a\\u202e": 1\n')
    result = run(tmp_path)
    assert result.return_value == 2
    assert all(line.isprintable() for line in result.stderr.splitlines())


def test_as_users_run_it(tmp_path: Path) -> None:
    """The whole way: the process's exit code, and nothing but the problems on stderr."""
    (tmp_path / "devgate.yaml").write_text("a: [\n")
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.run(
        [sys.executable, "-m", "devgate", "check"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=30
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("devgate.yaml:1:5: error: the file ends too early\n")
