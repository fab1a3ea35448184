"""What a connection's task does."""

import asyncio

from devgate.gateway.work import Work


async def test_one_thing_after_another_and_the_last_one_after_the_end():
    done: list[int] = []

    async def note(number: int) -> None:
        assert work.busy
        done.append(number)
        if number == 1:
            work.run(note(2))

    work = Work()
    task = asyncio.create_task(work.go())
    await asyncio.sleep(0)
    work.run(note(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert done == [1, 2]
    assert not work.busy
    work.run(note(3))
    work.end()
    await task
    assert done == [1, 2, 3]


async def test_what_is_dropped_never_begins():
    async def never() -> None:
        raise AssertionError

    work = Work()
    work.run(never())
    work.drop()
    await work.go()
