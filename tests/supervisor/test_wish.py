"""Only the newest wish counts."""

from devgate.supervisor.wish import Wish


def test_a_start_is_answered_by_the_next_attempt() -> None:
    wish = Wish()
    ticket = wish.start(fulfilled=False)
    assert wish.up
    assert wish.at_once
    assert wish.answered < ticket
    wish.attempt()
    assert wish.answered == ticket
    assert not wish.at_once


def test_a_start_of_what_runs_is_answered_at_once() -> None:
    wish = Wish()
    assert wish.start(fulfilled=True) == wish.answered
    assert not wish.leaving


def test_a_restart_is_only_answered_by_a_new_process() -> None:
    wish = Wish()
    wish.start(fulfilled=False)
    wish.attempt()
    ticket = wish.restart("restart", running=True)
    assert wish.leaving
    assert wish.answered < ticket
    again = wish.start(fulfilled=True)  # it runs, but is to be replaced
    assert wish.answered < again
    wish.attempt()
    assert wish.answered == again
    assert not wish.leaving


def test_a_restart_of_what_is_down_is_a_start() -> None:
    wish = Wish()
    wish.restart("restart", running=False)
    assert wish.up
    assert not wish.leaving


def test_a_stop_takes_a_restart_back() -> None:
    wish = Wish()
    wish.restart("restart", running=True)
    wish.stop("stop")
    assert not wish.up
    assert not wish.renew
    assert wish.leaving
    assert wish.why == "stop"


def test_what_has_settled_is_wanted_no_more_and_answered() -> None:
    wish = Wish()
    ticket = wish.start(fulfilled=False)
    wish.attempt()
    wish.settle()
    assert not wish.up
    assert wish.answered == ticket
