from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.addresses import Reach, is_loopback, may_dial, reach_of, reach_of_host

HOSTS = {
    Reach.LOOPBACK: "127.0.0.1 127.8.8.8 ::1 [::1] localhost LOCALHOST localhost. api.localhost ::ffff:127.0.0.1",
    Reach.PRIVATE: "10.0.0.1 172.16.0.1 192.168.1.2 100.64.0.1 fd12::1 db nas.local x.svc.internal 64:ff9b::a00:1",
    Reach.REMOTE: "8.8.8.8 2606:4700::1 example.com api.herokuapp.com 172.32.0.1 2002:808:808::1",
    Reach.PROHIBITED: """169.254.169.254 fe80::1 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::1 100.100.100.200
        0.0.0.0 :: 224.0.0.1 255.255.255.255 fd00:ec2::254 metadata.google.internal Metadata.Google.Internal. 168.63.129.16""",
    Reach.MALFORMED: """2130706433 0x7f000001 0x7f.1 127.1 0177.0.0.1 127.0.0.01 a..b -a exa_mple! 999.1.1.1""",
}


@pytest.mark.parametrize(("host", "reach"), [(host, reach) for reach, hosts in HOSTS.items() for host in hosts.split()])
def test_how_far_a_host_is(host: str, reach: Reach) -> None:
    assert reach_of_host(host) is reach


@pytest.mark.parametrize("host", ["", "a b", "ex\nample", "a" * 64, "a." * 130])
def test_what_is_no_name(host: str) -> None:
    assert reach_of_host(host) is Reach.MALFORMED


def test_the_users_word_opens_the_world_and_nothing_else() -> None:
    assert may_dial(ip_address("127.0.0.1"), remote=False)
    assert may_dial(ip_address("10.0.0.1"), remote=False)
    assert not may_dial(ip_address("8.8.8.8"), remote=False)
    assert may_dial(ip_address("8.8.8.8"), remote=True)
    assert not may_dial(ip_address("169.254.169.254"), remote=True)


@given(st.ip_addresses(v=4))
def test_an_address_cannot_hide_in_another(address: object) -> None:
    inner = ip_address(str(address))
    for wrapped in (f"::ffff:{inner}", f"64:ff9b::{inner}"):
        assert reach_of(ip_address(wrapped)) is reach_of(inner)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("192.168.0.1", False),
     ("a.localhost", False), ("example.com", False)],
)  # fmt: skip
def test_loopback_listeners(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
