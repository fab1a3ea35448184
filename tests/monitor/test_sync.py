"""The monitor against real listeners."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from devgate.clock import SystemClock
from devgate.directory import Directory, Endpoint
from devgate.model.events import Event, SyncChanged
from devgate.model.profile import Profile
from devgate.model.status import ServiceState, SyncState
from devgate.monitor.sync import SyncMonitor
from tests.deadline import DEADLINE_S
from tests.upstreams import resolving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@contextlib.asynccontextmanager
async def listener(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[Endpoint]:
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Endpoint("127.0.0.1", runner.addresses[0][1])
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def service(answers: dict[str, object]) -> AsyncIterator[tuple[Endpoint, list[str]]]:
    """A listener that answers paths with JSON (or raw bytes, or a status), and the paths it was asked for."""
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        found = answers.get(request.path)
        if isinstance(found, int | None):
            return web.Response(status=found or 404)
        return web.Response(body=found if isinstance(found, bytes) else json.dumps(found).encode())

    async with listener(answer) as endpoint:
        yield endpoint, asked


def profile(**sync: object) -> Profile:
    return Profile.model_validate(
        {
            "services": {"a": {"command": "x", "ready": {"http": "/health"}}, "quiet": {"command": "x", "sync": False}},
            "sync": {"version": "1.0.0", "interval": "1h", **sync},
        }
    )


def serve(directory: Directory, endpoint: Endpoint) -> None:
    instance = directory.declare("a").instances[0]
    directory.announce(instance, endpoint)
    directory.move(instance, ServiceState.READY)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_service_that_comes_up_is_asked_at_once() -> None:
    directory, events = Directory(), list[Event]()
    async with (
        service({"/api/shared-knowledge/status": {"version": "0.9.0"}}) as (endpoint, asked),
        SyncMonitor(directory, events.append, SystemClock(), profile=profile()) as monitor,
    ):
        serve(directory, endpoint)
        await until(lambda: bool(events))
        assert monitor.rows().keys() == {"a"}
        assert monitor.rows()["a"].actual == "0.9.0"
        assert monitor.overall is SyncState.OUT_OF_SYNC
        assert asked == ["/api/shared-knowledge/status"]
    assert isinstance(events[0], SyncChanged)
    assert (events[0].expected, events[0].actual) == ("1.0.0", "0.9.0")


async def test_a_name_is_looked_up_and_must_not_lead_to_a_cloud_s_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    directory = Directory()
    async with (
        service({"/api/shared-knowledge/status": {"version": "1.0.0"}}) as (endpoint, asked),
        SyncMonitor(directory, lambda event: None, SystemClock(), profile=profile()) as monitor,
    ):
        resolving(monkeypatch, "169.254.169.254")
        serve(directory, Endpoint("service.test", endpoint.port))
        await monitor.check()
        assert "may not be dialled" in monitor.rows()["a"].detail
        assert asked == []
        resolving(monkeypatch, "127.0.0.1")
        await monitor.check()
        assert monitor.overall is SyncState.SYNCED


async def test_the_health_path_is_asked_where_there_is_no_status() -> None:
    directory = Directory()
    answers = {"/health": {"status": "ok", "sharedKnowledgeVersion": "1.0.0"}}
    async with (
        service(answers) as (endpoint, asked),
        SyncMonitor(directory, lambda event: None, SystemClock(), profile=profile()) as monitor,
    ):
        serve(directory, endpoint)
        await until(lambda: monitor.overall is SyncState.SYNCED)
        assert asked == ["/api/shared-knowledge/status", "/health"]


async def test_what_ordinary_answers_say_counts_where_nothing_else_does() -> None:
    directory = Directory()
    async with (
        service({"/health": {"status": "ok"}}) as (endpoint, _),
        SyncMonitor(directory, lambda event: None, SystemClock(), profile=profile()) as monitor,
    ):
        serve(directory, endpoint)
        instance = directory.declare("a").instances[0]
        await monitor.check()
        assert monitor.rows()["a"].state is SyncState.UNKNOWN
        now = SystemClock().now()
        instance.overhear(b" 1.0.0", now)
        await monitor.check()
        assert monitor.rows()["a"].state is SyncState.SYNCED
        assert instance.overheard(now + 1) == ""  # too long ago
        directory.announce(instance, endpoint)
        instance.epoch += 1
        assert instance.overheard(now) == ""  # said by the run before


async def test_nonsense_leaves_it_unknown_and_says_why() -> None:
    for nonsense in (
        b"<html>", b"[1]", b"\xff\xfe", b'{"version": 3}', b'{"version": " "}', 500, b"x" * 200_000, b"[" * 60_000, b"",
        b'{"version": "1.0.0", "x": "' + b"y" * 70_000 + b'"}',
    ):  # fmt: skip
        directory = Directory()
        async with (
            service({"/api/shared-knowledge/status": nonsense}) as (endpoint, _),
            SyncMonitor(directory, lambda event: None, SystemClock(), profile=profile()) as monitor,
        ):
            serve(directory, endpoint)
            await monitor.check()
            row = monitor.rows()["a"]
            assert row.state is SyncState.UNKNOWN
            assert row.detail


async def test_an_answer_in_pieces_is_read_to_its_end() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (b'{"versio', b'n": "1.', b'0.0"}'):
            await response.write(piece)
            await asyncio.sleep(0.05)  # so that they arrive one by one
        return response

    directory = Directory()
    async with (
        listener(answer) as endpoint,
        SyncMonitor(directory, lambda event: None, SystemClock(), profile=profile()) as monitor,
    ):
        serve(directory, endpoint)
        await until(lambda: monitor.overall is SyncState.SYNCED)


async def test_a_service_that_does_not_answer_is_given_up() -> None:
    over = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    directory = Directory()
    async with (
        listener(answer) as endpoint,
        SyncMonitor(directory, lambda event: None, SystemClock(), profile=profile(timeout="50ms")) as monitor,
    ):
        serve(directory, endpoint)
        await monitor.check()
        assert "does not answer within 50ms" in monitor.rows()["a"].detail
        over.set()


async def test_a_header_names_the_version_where_no_body_does() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=404, headers={"X-Shared-Knowledge-Version": "1.0.0"})

    directory = Directory()
    async with (
        listener(answer) as endpoint,
        SyncMonitor(directory, lambda event: None, SystemClock(), profile=profile()) as monitor,
    ):
        serve(directory, endpoint)
        await until(lambda: monitor.overall is SyncState.SYNCED)


async def test_no_connection_is_kept_that_would_hold_up_a_stopping_service() -> None:
    directory = Directory()
    kept: list[str | None] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        kept.append(request.headers.get("Connection"))
        return web.json_response({"version": "1.0.0"})

    async with (
        listener(answer) as endpoint,
        SyncMonitor(directory, lambda event: None, SystemClock(), profile=profile()) as monitor,
    ):
        serve(directory, endpoint)
        await until(lambda: monitor.overall is SyncState.SYNCED)
    assert kept == ["close"]


async def test_one_replica_with_another_version_is_the_version() -> None:
    directory = Directory()
    async with (
        service({"/api/shared-knowledge/status": {"version": "1.0.0"}}) as (good, _),
        service({"/api/shared-knowledge/status": {"version": "0.8.0"}}) as (old, _),
        service({"/api/shared-knowledge/status": 500}) as (silent, _),
        SyncMonitor(directory, lambda event: None, SystemClock(), profile=profile()) as monitor,
    ):
        entry = directory.declare("a", 3)
        for instance, endpoint in zip(entry.instances, (good, old, silent), strict=True):
            directory.announce(instance, endpoint)
            directory.move(instance, ServiceState.READY)
        await monitor.check()
        assert monitor.rows()["a"].actual == "0.8.0"
        assert monitor.overall is SyncState.OUT_OF_SYNC
        directory.withdraw(entry.instances[1])
        await monitor.check()
        assert monitor.overall is SyncState.SYNCED


async def test_what_does_not_serve_is_not_asked() -> None:
    directory = Directory()
    async with (
        service({"/api/shared-knowledge/status": {"version": "1.0.0"}}) as (endpoint, asked),
        SyncMonitor(directory, lambda event: None, SystemClock(), profile=profile()) as monitor,
    ):
        instance = directory.declare("a").instances[0]
        directory.announce(instance, endpoint)
        directory.move(instance, ServiceState.STARTING)
        await monitor.check()
        assert asked == []
        assert monitor.rows()["a"].detail == "does not serve"


async def test_callers_join_a_check_that_is_under_way() -> None:
    directory = Directory()
    async with (
        service({"/api/shared-knowledge/status": {"version": "1.0.0"}}) as (endpoint, asked),
        SyncMonitor(directory, lambda event: None, SystemClock(), profile=profile()) as monitor,
    ):
        await monitor.check()
        serve(directory, endpoint)
        await asyncio.gather(monitor.check(), monitor.check(), monitor.check())
        assert asked == ["/api/shared-knowledge/status"]


async def test_time_alone_makes_it_worse_and_another_profile_keeps_the_time() -> None:
    directory = Directory()
    async with (
        service({"/api/shared-knowledge/status": {"version": "0.9.0"}}) as (endpoint, _),
        SyncMonitor(
            directory, lambda event: None, SystemClock(), profile=profile(warning="50ms", critical="1h")
        ) as monitor,
    ):
        serve(directory, endpoint)
        await until(lambda: monitor.overall is SyncState.WARNING)
        since = monitor.rows()["a"].since_s
        monitor.apply(profile(warning="50ms", critical="60ms"))
        assert monitor.overall is SyncState.CRITICAL
        assert monitor.rows()["a"].since_s >= since
        monitor.apply(profile(enabled=False))
        assert monitor.rows() == {}
        assert monitor.expected == ""


@pytest.mark.parametrize(
    ("sync", "own", "asked"),
    [
        ({}, {}, False),
        ({"interval": "1h"}, {}, False),
        ({"version": ""}, {}, False),
        ({"version": "1.0.0"}, {}, True),
        ({"enabled": True}, {}, True),
        ({}, {"sync": True}, True),
        ({}, {"sync": {"path": "/version"}}, True),
        ({"version": "1.0.0"}, {"sync": False}, False),
        ({"version": "1.0.0", "enabled": False}, {"sync": True}, False),
    ],
)
async def test_only_who_wants_it_is_asked(sync: dict[str, object], own: dict[str, object], asked: bool) -> None:
    """The request stands in the log of a service that has never heard of shared knowledge."""
    directory = Directory()
    wanted = Profile.model_validate({"services": {"a": {"command": "x"} | own}, "sync": sync})
    async with (
        service({"/api/shared-knowledge/status": {"version": "1.0.0"}}) as (endpoint, requests),
        SyncMonitor(directory, lambda event: None, SystemClock(), profile=wanted) as monitor,
    ):
        serve(directory, endpoint)
        await monitor.check()
        assert bool(requests) is asked
        assert (monitor.overall is SyncState.OFF) is not asked
