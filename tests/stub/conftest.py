"""A stub for the tests that change nothing of it."""

from collections.abc import Iterator

import pytest

from tests.stub.process import StubProcess


@pytest.fixture(scope="session")
def stub() -> Iterator[StubProcess]:
    responses = [
        {
            "path": "/api/users/{id}",
            "method": "GET",
            "body": {"name": "Ada"},
            "headers": {"Set-Cookie": ["a=1", "b=2"]},
        },
        {"path": "/empty", "status": 204, "body": "never sent"},
        {"path": "/slow", "latency": "300ms", "body": "slow"},
        {"path": "/files/*", "status": 404, "body": "no such file"},
    ]
    with StubProcess(responses=responses) as running:
        yield running
