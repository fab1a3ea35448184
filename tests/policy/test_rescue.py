"""Which requests are sent again, as a table."""

import itertools

import pytest

from devgate.policy.rescue import REPLAYS, RESENDS, Mishap, Rescue, decide

DEAD = Mishap(dead_connection=True, reached=True, broke_off=True)
REFUSED = Mishap(dead_connection=False, reached=False, broke_off=True)
BROKEN = Mishap(dead_connection=False, reached=True, broke_off=True)
SLOW = Mishap(dead_connection=False, reached=True, broke_off=False)


@pytest.mark.parametrize(
    ("mishap", "method", "whole", "returning", "replays", "resends", "rescue"),
    [
        (DEAD, "GET", True, False, 0, 0, Rescue.REPLAY),
        (DEAD, "GET", True, True, REPLAYS, 0, Rescue.WAIT),
        (DEAD, "GET", True, False, REPLAYS, 0, Rescue.GIVE_UP),
        (DEAD, "PUT", False, True, 0, 0, Rescue.GIVE_UP),
        (REFUSED, "GET", True, True, 0, 0, Rescue.WAIT),
        (REFUSED, "POST", True, True, 0, 9, Rescue.WAIT),
        (REFUSED, "POST", False, True, 0, 0, Rescue.GIVE_UP),
        (REFUSED, "GET", True, False, 0, 0, Rescue.GIVE_UP),
        (BROKEN, "GET", True, True, 0, 0, Rescue.WAIT),
        (BROKEN, "DELETE", True, True, 0, 0, Rescue.WAIT),
        (BROKEN, "GET", True, True, 0, RESENDS, Rescue.GIVE_UP),
        (BROKEN, "POST", True, True, 0, 0, Rescue.GIVE_UP),
        (BROKEN, "PATCH", True, True, 0, 0, Rescue.GIVE_UP),
        (SLOW, "GET", True, True, 0, 0, Rescue.GIVE_UP),
    ],
)
def test_decide(mishap: Mishap, method: str, whole: bool, returning: bool, replays: int, resends: int, rescue: Rescue):
    assert decide(mishap, method, whole=whole, returning=returning, replays=replays, resends=resends) is rescue


def test_what_may_have_happened_never_happens_twice():
    for reached, broke_off, returning, replays, resends in itertools.product(
        [True], [True, False], [True, False], range(4), range(4)
    ):
        mishap = Mishap(dead_connection=False, reached=reached, broke_off=broke_off)
        assert (
            decide(mishap, "POST", whole=True, returning=returning, replays=replays, resends=resends) is Rescue.GIVE_UP
        )
