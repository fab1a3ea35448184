"""A request in a row, and as facts."""

from dataclasses import replace

from devgate.tui import ink, requests
from tests.tui.fake_control import request_rows

ROWS = {row.path: row for row in request_rows(8)}
HELD = ROWS["/api/bot/commands"]


def text(runs: ink.Runs) -> str:
    return "".join(part for part, _ in runs)


def test_a_row():
    cells = requests.row(HELD).cells
    assert text(cells["status"]) == "503"
    assert text(cells["held"]) == "30.0s"
    assert text(cells["error"]) == "service-unavailable"
    assert text(requests.row(ROWS["/events"]).cells["path"]) == "/events event stream"


def test_only_a_request_that_should_be_fast_is_called_slow():
    assert requests.row(HELD).cells["took"][0][1] == "warn"
    assert requests.row(ROWS["/events"]).cells["took"][0][1] == "plain"


def test_details_tell_who_answered_and_what_it_waited_for():
    said = "\n".join(text(line) for line in requests.details(HELD))
    assert "503 from devgate: service-unavailable" in said
    assert "of which 30.0s waiting for bot-server to come back" in said
    assert "200 from fechatter-server" in "\n".join(text(line) for line in requests.details(ROWS["/api/chat?limit=50"]))


def test_a_client_that_left_has_no_status():
    assert text(requests.row(replace(HELD, status=0)).cells["status"]) == "–"
