"""What a shell completes: asked as a shell asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devgate.cli.verbs import VERBS
from devgate.model.fault import Fault
from devgate.model.snapshot import FaultRow, RouteRow, TrafficRow

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl


class Shell:
    def __init__(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        self._cli = cli
        self._monkeypatch = monkeypatch

    def tab(self, line: str) -> list[tuple[str, str]]:
        """Kind and word of each offer, after what has been typed."""
        self._monkeypatch.setenv("_DEVGATE_COMPLETE", "bash_complete")
        self._monkeypatch.setenv("COMP_WORDS", line)
        self._monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        result = self._cli()
        assert result.err == ""
        return [(kind, word) for kind, _, word in (offer.partition(",") for offer in result.out.split())]

    def words(self, line: str) -> list[str]:
        return [word for _, word in self.tab(line)]


@pytest.fixture
def shell(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(cli, monkeypatch)


def test_verbs(shell: Shell) -> None:
    assert shell.words("devgate ") == [verb for verb in VERBS if verb != "stub"]
    assert shell.words("devgate ta") == ["take-port"]


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "adopt", "take-port", "logs", "wait", "health"])
def test_services(shell: Shell, running: FakeControl, verb: str) -> None:
    assert shell.words(f"devgate {verb} b") == ["bot-server", "billing-server"]
    assert shell.words(f"devgate {verb} bot-server b") == ["billing-server"]
    assert shell.words(f"devgate {verb} nonsense") == []


def test_routes_that_can_be_opened(shell: Shell, running: FakeControl) -> None:
    assert shell.words("devgate open /api/u") == ["/api/users", "/api/upload"]
    assert not any("{" in word for word in shell.words("devgate open /"))


def test_and_none_that_cannot(shell: Shell, running: FakeControl) -> None:
    paths = ("/a/*", "/a/*/b", "/{x}", "~/a/.*")
    running.change(routes=tuple(RouteRow(path, path, (), "api", TrafficRow()) for path in paths))
    assert shell.words("devgate open ") == ["/a/"]


def test_routes_that_can_have_a_fault(shell: Shell, running: FakeControl) -> None:
    fault = Fault(status=503)
    running.change(faults=(FaultRow("/events", fault, fault.words, None, "profile"),))
    assert "/api/chat/{id}/messages" in shell.words("devgate faults add /api/chat")
    assert shell.words("devgate faults clear ") == ["/events"]


def test_profiles_else_files(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").touch()
    assert shell.words("devgate up ")[:2] == ["devgate.yaml", "demo"]
    assert shell.words("devgate switch fechatter/h") == ["fechatter/ha"]
    assert shell.tab("devgate check ./x") == [("file", "./x")]


@pytest.mark.parametrize("line", ["devgate restart ", "devgate open ", "devgate logs --project /nowhere "])
def test_where_nothing_runs_nothing_is_offered(shell: Shell, line: str) -> None:
    assert shell.words(line) == []


def test_a_devgate_that_does_not_answer_offers_nothing(
    shell: Shell, running: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devgate.cli.words.PATIENCE_S", 0.0)
    assert shell.words("devgate restart ") == []
