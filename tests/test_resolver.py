"""Names of hosts: what they lead to counts, not what they look like."""

import socket

import pytest

from devgate.resolver import ProhibitedError, resolve
from tests.upstreams import resolving


async def hosts(name: str, *, remote: bool = False) -> list[str]:
    return [one.host for one in await resolve(name, 80, remote=remote)]


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST.", "a.localhost"])
async def test_localhost_is_both_loopbacks_and_never_looked_up(name: str) -> None:
    assert await hosts(name) == ["127.0.0.1", "::1"]


async def test_an_address_is_what_it_is() -> None:
    assert await resolve("::1", 80) == [(socket.AF_INET6, "::1", 80)]


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "100.100.100.200", "::ffff:169.254.169.254"])
@pytest.mark.parametrize("remote", [False, True])
async def test_a_private_looking_name_leads_to_no_cloud_s_metadata(
    monkeypatch: pytest.MonkeyPatch, address: str, remote: bool
) -> None:
    resolving(monkeypatch, address)
    with pytest.raises(ProhibitedError, match=r"service\.test is at an address that may not be dialled"):
        await hosts("service.test", remote=remote)


async def test_what_may_be_dialled_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "169.254.169.254", "8.8.8.8", "10.0.0.1")
    assert await hosts("service.test") == ["10.0.0.1"]
    assert await hosts("service.test", remote=True) == ["8.8.8.8", "10.0.0.1"]


@pytest.mark.parametrize("name", ["no-such-name.invalid", "a..b", "nul\0name"])
async def test_a_name_that_leads_nowhere(name: str) -> None:
    with pytest.raises(socket.gaierror):
        await hosts(name)
