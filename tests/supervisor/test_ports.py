"""Ports: taken or not, by whom, and reserved."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from devgate.supervisor import ports


@contextmanager
def listening(host: str, family: socket.AddressFamily = socket.AF_INET) -> Iterator[int]:
    with socket.socket(family) as sock:
        sock.bind((host, 0))
        sock.listen()
        yield sock.getsockname()[1]


@pytest.mark.parametrize(
    ("host", "family"),
    [("127.0.0.1", socket.AF_INET), ("0.0.0.0", socket.AF_INET), ("::1", socket.AF_INET6), ("::", socket.AF_INET6)],
)
def test_a_listener_on_any_loopback_takes_the_port(host: str, family: socket.AddressFamily) -> None:
    with listening(host, family) as port:
        assert ports.taken(port)
        owner = ports.owner(port)
        assert owner is not None
        assert owner.pid == os.getpid()
        assert f"pid {os.getpid()} (" in str(owner)
    assert not ports.taken(port)
    assert ports.owner(port) is None


def test_a_connection_that_has_ended_takes_nothing() -> None:
    with listening("127.0.0.1") as port, socket.create_connection(("127.0.0.1", port)) as client:
        server = socket.socket()  # the side that closes first keeps the port in TIME_WAIT
        server.close()
        client.shutdown(socket.SHUT_RDWR)
    assert not ports.taken(port)


def test_a_reserved_port_is_nobody_elses() -> None:
    with ports.reserve() as first, ports.reserve() as second:
        assert first.getsockname()[1] != second.getsockname()[1]
        with pytest.raises(OSError, match="in use"), socket.socket() as other:
            other.bind(first.getsockname())


def test_a_reserved_port_is_free_when_let_go() -> None:
    with ports.reserve() as held:
        port = held.getsockname()[1]
    assert not ports.taken(port)


def test_avoided_ports_are_not_given() -> None:
    everything_but = set(range(1, 65536))
    with ports.reserve() as held:
        allowed = held.getsockname()[1]
    everything_but -= set(range(allowed - 500, allowed + 500))
    with ports.reserve(everything_but) as held:
        assert abs(held.getsockname()[1] - allowed) <= 500
