import asyncio

from devgate.bus import Bus
from devgate.model.events import ComponentFailed, Event, Lagged
from tests.deadline import DEADLINE_S


def fact(number: int) -> ComponentFailed:
    return ComponentFailed(component=str(number), error="")


async def test_every_subscriber_gets_every_fact_in_order() -> None:
    bus = Bus()
    one, two = bus.subscribe(), bus.subscribe()
    bus.publish(fact(1))
    bus.publish(fact(2))
    assert one.drain() == two.drain() == [fact(1), fact(2)]
    assert bus.seq == 2


async def test_a_late_subscriber_knows_where_it_began() -> None:
    bus = Bus()
    bus.publish(fact(1))
    late = bus.subscribe()
    assert late.seq == 1
    assert late.drain() == []


async def test_a_slow_reader_loses_the_oldest_and_is_told_how_many() -> None:
    bus = Bus()
    slow = bus.subscribe(depth=2)
    for number in range(5):
        bus.publish(fact(number))
    assert slow.drain() == [Lagged(3), fact(3), fact(4)]
    bus.publish(fact(5))
    assert slow.drain() == [fact(5)]


async def test_waiting_readers_wake_and_end_with_the_subscription() -> None:
    bus = Bus()
    subscription = bus.subscribe(depth=2)
    seen: list[Event] = []

    async def read() -> None:
        seen.extend([event async for event in subscription])

    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        group.create_task(read())
        await asyncio.sleep(0)
        for number in range(3):
            bus.publish(fact(number))
        await asyncio.sleep(0)
        subscription.close()
        subscription.close()
    assert seen == [Lagged(1), fact(1), fact(2)]
    bus.publish(fact(9))
    assert subscription.drain() == []
