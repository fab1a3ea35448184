"""Faults as a running gateway keeps them; what they do to requests is tested at `middleware.test_faults`."""

import math

import pytest

from devgate.errors import CommandError
from devgate.gateway.deadlines import Deadlines
from devgate.gateway.faults import Faults
from devgate.model.events import Event, FaultChanged
from devgate.model.fault import Fault
from devgate.model.profile import Profile

LATE = Fault(latency_s=0.3)
PROFILE = Profile.model_validate(
    {
        "routes": [
            {"path": "/a", "service": "s", "fault": {"status": 503, "lasts": "5s"}},
            {"path": "/b", "service": "s"},
        ]
    }
)


class FakeClock:
    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return 1.0


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.events: list[Event] = []
        self.renewed = 0
        self.deadlines = Deadlines(self.clock)
        self.faults = Faults(self.deadlines, self.events.append, self.clock, self.renew)
        self.faults.apply(PROFILE)

    def renew(self) -> None:
        self.renewed += 1
        self.faults.apply(PROFILE)

    def words(self) -> list[tuple[str, str]]:
        return [(event.route, event.words) for event in self.events if isinstance(event, FaultChanged)]


@pytest.fixture
async def bench():
    one = Bench()
    yield one
    one.deadlines.close()


async def test_the_profile_s_own_end_in_their_time(bench: Bench) -> None:
    (row,) = bench.faults.rows()
    assert (row.route, row.words, row.left_s, row.source) == ("/a", "503", 5.0, "profile")
    assert bench.faults.deadline == 105.0
    bench.clock.time = 105.0
    bench.faults.expire()
    assert bench.faults.rows() == ()
    assert bench.faults.deadline == math.inf
    assert bench.words() == [("/a", "")]
    assert bench.renewed == 1


async def test_set_and_cleared(bench: Bench) -> None:
    bench.faults.set("/b", LATE, 60.0)
    assert bench.faults.get("/b") == LATE
    assert [row.route for row in bench.faults.rows()] == ["/a", "/b"]
    assert bench.faults.clear(None) == ("/a", "/b")
    assert bench.faults.get("/b") is None
    assert bench.words() == [("/b", "300ms late"), ("/a", ""), ("/b", "")]
    assert bench.faults.clear("/b") == ()
    assert bench.renewed == 2


async def test_what_there_is_not_cannot_fail(bench: Bench) -> None:
    for ask in (lambda: bench.faults.set("/bb", LATE, 60.0), lambda: bench.faults.clear("/bb")):
        with pytest.raises(CommandError, match="there is no route '/bb'") as raised:
            ask()
        assert raised.value.hint == "did you mean '/b'?"
        assert raised.value.status == 404


@pytest.mark.parametrize("lasts_s", [0.0, -1.0, math.inf, math.nan, 1e9])
async def test_it_lasts_a_time(bench: Bench, lasts_s: float) -> None:
    with pytest.raises(CommandError, match="lasts longer than 0s and at most 1d"):
        bench.faults.set("/b", LATE, lasts_s)
