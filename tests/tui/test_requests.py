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


def test_where_devgate_stopped_before_there_is_no_status():
    assert text(requests.row(replace(HELD, status=0, error="cut")).cells["status"]) == "–"


def test_a_client_that_left_before_or_within_the_answer():
    gone = replace(HELD, status=499, error="client-left")
    assert requests.row(gone).cells["status"] == (("499", "warn"),)
    assert "499, which nobody was sent: the client left before it had an answer" in text(requests.details(gone)[1])
    within = text(requests.details(replace(gone, status=200, service="a"))[1])
    assert within.endswith("200 from a, but the client left before its end")
    theirs = text(requests.details(replace(gone, kind="sse", status=200, service="a"))[1])
    assert theirs.endswith("200 from a, until the client ended it")
