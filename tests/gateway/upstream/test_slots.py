from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from devgate.gateway.upstream.slots import Lane, Slots, Ticket


def waker(woken: list[str], name: str) -> Callable[[], None]:
    return lambda: woken.append(name)


def test_a_lane_has_its_limit() -> None:
    slots, lane, other = Slots(10), Lane(2), Lane(2)
    assert [slots.take(lane) for _ in range(3)] == [True, True, False]
    assert slots.take(other)
    assert (lane.used, other.used, slots.used) == (2, 1, 3)


def test_all_lanes_share_a_limit() -> None:
    slots, lane, other = Slots(2), Lane(2), Lane(2)
    assert slots.take(lane)
    assert slots.take(other)
    assert not slots.take(other)
    slots.give_back(lane)
    assert slots.take(other)


def test_a_slot_goes_to_whoever_has_waited_longest() -> None:
    slots, lane = Slots(10), Lane(1)
    woken: list[str] = []
    assert slots.take(lane)
    first = slots.line_up(lane, waker(woken, "first"))
    second = slots.line_up(lane, waker(woken, "second"))
    slots.give_back(lane)
    assert (woken, first.admitted, second.admitted) == (["first"], True, False)
    assert not slots.take(lane), "nobody snatches a slot that has been passed on"
    slots.give_back(lane)
    assert woken == ["first", "second"]
    slots.give_back(lane)
    assert (lane.used, slots.used, len(lane.waiting)) == (0, 0, 0)


def test_the_order_of_arrival_holds_over_all_lanes() -> None:
    slots, lane, other = Slots(1), Lane(1), Lane(1)
    woken: list[str] = []
    assert slots.take(lane)
    slots.line_up(other, waker(woken, "other"))
    slots.line_up(lane, waker(woken, "lane"))
    slots.give_back(lane)
    assert woken == ["other"]
    slots.give_back(other)
    assert woken == ["other", "lane"]


def test_a_full_lane_blocks_nobody_else() -> None:
    slots, full, other = Slots(3), Lane(1), Lane(2)
    woken: list[str] = []
    assert slots.take(full)
    assert slots.take(other)
    assert slots.take(other)
    slots.line_up(full, waker(woken, "full"))
    slots.line_up(other, waker(woken, "other"))
    slots.give_back(other)
    assert woken == ["other"]


def test_a_ticket_can_be_torn() -> None:
    slots, lane = Slots(10), Lane(1)
    woken: list[str] = []
    assert slots.take(lane)
    gone = slots.line_up(lane, waker(woken, "gone"))
    slots.line_up(lane, waker(woken, "next"))
    slots.leave(lane, gone)
    slots.give_back(lane)
    assert woken == ["next"]


def test_who_leaves_when_already_admitted_passes_the_slot_on() -> None:
    slots, lane = Slots(10), Lane(1)
    woken: list[str] = []
    assert slots.take(lane)
    gone = slots.line_up(lane, waker(woken, "gone"))
    slots.line_up(lane, waker(woken, "next"))
    slots.give_back(lane)
    slots.leave(lane, gone)
    assert woken == ["gone", "next"]
    slots.give_back(lane)
    assert slots.used == 0


@given(
    st.integers(1, 4),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from(["take", "give", "leave"]), st.integers(0, 2), st.integers(0, 9)), max_size=60),
)
def test_no_slot_is_lost_and_nobody_waits_in_vain(
    total: int, limits: list[int], steps: list[tuple[str, int, int]]
) -> None:
    slots = Slots(total)
    lanes = [Lane(limit) for limit in limits]
    held = [0 for _ in lanes]
    tickets: list[tuple[int, Ticket]] = []
    for step, index, which in steps:
        at = index % len(lanes)
        if step == "take":
            if slots.take(lanes[at]):
                held[at] += 1
            else:
                tickets.append((at, slots.line_up(lanes[at], lambda: None)))
        elif step == "give" and held[at]:
            held[at] -= 1
            slots.give_back(lanes[at])
        elif step == "leave" and tickets:
            at, ticket = tickets.pop(which % len(tickets))
            slots.leave(lanes[at], ticket)
        admitted = [at for at, ticket in tickets if ticket.admitted]
        assert [lane.used for lane in lanes] == [held[at] + admitted.count(at) for at in range(len(lanes))]
        assert slots.used == sum(lane.used for lane in lanes) <= total
        for lane in lanes:
            assert lane.used <= lane.limit
            if lane.waiting:
                assert lane.used == lane.limit or slots.used == total
