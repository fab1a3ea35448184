import asyncio

from devgate.directory import Directory, Endpoint, Entry, Instance
from devgate.model.status import HealthState as H
from devgate.model.status import ServiceState as S
from tests.deadline import DEADLINE_S

HERE = Endpoint("127.0.0.1", 1)


def ready(directory: Directory, entry: Entry, replica: int = 0) -> Instance:
    instance = entry.instances[replica]
    directory.announce(instance, HERE)
    directory.move(instance, S.READY)
    return instance


async def test_only_ready_instances_with_an_address_serve() -> None:
    directory = Directory()
    entry = directory.declare("a", 2)
    assert entry.serving == ()
    first = ready(directory, entry)
    assert entry.serving == (first,)
    second = ready(directory, entry, 1)
    assert entry.serving == (first, second)
    directory.withdraw(first)
    assert entry.serving == (second,)
    directory.move(second, S.CRASHED)
    assert entry.serving == ()
    assert entry.state is S.READY  # the withdrawn one still runs


async def test_requests_are_shared_out_among_the_best() -> None:
    directory = Directory()
    entry = directory.declare("a", 3)
    first, second, third = (ready(directory, entry, replica) for replica in range(3))
    assert entry.best == entry.sound == entry.serving == (first, second, third)
    directory.rate(first, H.DEGRADED)
    assert (entry.best, entry.sound) == ((second, third), entry.serving)
    directory.rate(second, H.UNHEALTHY)
    assert (entry.best, entry.sound, entry.takers("POST")) == ((third,), (first, third), (first, third))
    directory.withdraw(third)
    assert entry.best == entry.sound == (first,)
    directory.rate(first, H.UNHEALTHY)
    assert entry.best == entry.sound == entry.takers("POST") == ()
    assert entry.takers("GET") == entry.takers("HEAD") == entry.serving == (first, second)
    directory.rate(second, H.HEALTHY)
    assert entry.takers("GET") == entry.best == (second,)


async def test_one_alone_is_always_sound() -> None:
    directory = Directory()
    entry = directory.declare("a")
    instance = ready(directory, entry)
    for health in H:
        directory.rate(instance, health)
        assert entry.best == entry.sound == (instance,)


async def test_who_is_left_out_takes_part_only_where_there_is_nobody_else() -> None:
    directory = Directory()
    entry = directory.declare("a", 3)
    first, second, third = (ready(directory, entry, replica) for replica in range(3))
    directory.rate(second, H.DEGRADED)
    directory.rate(third, H.UNHEALTHY)
    directory.shun(first)
    assert (entry.best, entry.sound, entry.serving) == ((second,), (first, second), (first, second, third))
    directory.shun(second)
    assert entry.best == entry.sound == (first, second)
    directory.readmit(first, first.epoch)
    assert entry.best == (first,)


async def test_a_new_run_is_not_left_out_and_an_old_one_s_end_means_nothing_to_it() -> None:
    directory = Directory()
    entry = directory.declare("a", 2)
    first, second = ready(directory, entry), ready(directory, entry, 1)
    directory.shun(first)
    epoch = first.epoch
    ready(directory, entry)
    assert entry.best == (first, second)
    directory.shun(first)
    directory.readmit(first, epoch)
    assert entry.best == (second,)


async def test_what_is_rated_may_be_gone() -> None:
    directory = Directory()
    entry = directory.declare("a", 2)
    directory.remove("a")
    directory.rate(entry.instances[0], H.UNHEALTHY)


async def test_a_waiter_wakes_at_the_next_change() -> None:
    directory = Directory()
    entry = directory.declare("a")
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        waiter = group.create_task(entry.changed())
        await asyncio.sleep(0)
        assert not waiter.done()
        ready(directory, entry)


async def test_a_service_returns_while_it_starts_or_restarts_and_only_if_somebody_brings_it_back() -> None:
    directory = Directory()
    entry = directory.declare("a")
    assert not entry.returning
    directory.move(entry.instances[0], S.STARTING)
    assert entry.returning
    directory.move(entry.instances[0], S.BLOCKED)
    assert not entry.returning
    entry.restarting = True
    assert entry.returning
    ready(directory, entry)
    assert not entry.restarting
    outside = directory.declare("b", managed=False)
    directory.move(outside.instances[0], S.STARTING)
    assert not outside.returning


async def test_drain_withdraws_cuts_the_long_lived_and_awaits_the_rest() -> None:
    directory = Directory()
    entry = directory.declare("a")
    instance = ready(directory, entry)
    cut = []
    instance.enter()
    instance.enter()
    forget = instance.on_cut(lambda: cut.append(True))

    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        drain = group.create_task(directory.drain(instance, 5))
        await asyncio.sleep(0)
        assert entry.serving == ()
        assert cut == [True]
        forget()
        instance.leave()
        await asyncio.sleep(0)
        assert not drain.done()
        instance.leave()
    assert drain.result() == 0


async def test_a_drain_that_runs_out_of_time_says_how_many_are_left() -> None:
    directory = Directory()
    instance = ready(directory, directory.declare("a"))
    instance.enter()
    assert await directory.drain(instance, 0.01) == 1


async def test_a_new_run_has_a_new_epoch_and_serves_again() -> None:
    directory = Directory()
    entry = directory.declare("a")
    instance = ready(directory, entry)
    directory.withdraw(instance)
    ready(directory, entry)
    assert instance.epoch == 2
    assert entry.serving == (instance,)


async def test_declaring_again_keeps_what_is_known_unless_the_shape_changes() -> None:
    directory = Directory()
    entry = directory.declare("a")
    assert directory.declare("a") is entry
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        group.create_task(entry.changed())
        await asyncio.sleep(0)
        assert directory.declare("a", 2) is not entry


async def test_removing_wakes_who_waits() -> None:
    directory = Directory()
    entry = directory.declare("a")
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        group.create_task(entry.changed())
        await asyncio.sleep(0)
        directory.remove("a")
    assert directory.get("a") is None
    directory.remove("a")


async def test_listeners_hear_changes_of_state_only() -> None:
    directory = Directory()
    heard: list[tuple[str, S, S]] = []
    directory.listen(lambda entry, instance, old: heard.append((entry.service, old, instance.state)))
    entry = directory.declare("a")
    instance = ready(directory, entry)
    directory.move(instance, S.READY)
    directory.move(instance, S.CRASHED)
    assert heard == [("a", S.STOPPED, S.READY), ("a", S.READY, S.CRASHED)]
    assert "a#0 crashed at http://127.0.0.1:1" in repr(instance)
