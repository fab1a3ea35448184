"""Proxies in front, and who is behind them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.proxies import TrustedProxies

PROXIES = TrustedProxies(("10.0.0.0/8", "127.0.0.1", "fd00::/8"))


@pytest.mark.parametrize(
    ("address", "trusted"),
    [("10.1.2.3", True), ("127.0.0.1", True), ("127.0.0.2", False), ("fd12::1", True), ("::1", False), ("::ffff:10.0.0.1", True),
     ("fd12::1%eth0", True), ("", False), ("localhost", False)],
)  # fmt: skip
def test_who_is_trusted(address: str, trusted: bool):
    assert PROXIES.trusts(address) is trusted


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.1", b"198.51.100.1", "192.0.2.1"),
        ("10.0.0.1", b"", "10.0.0.1"),
        ("10.0.0.1", b"198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", b"6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", b"10.0.0.3,10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", b"[2001:db8::1]", "2001:db8::1"),
        ("10.0.0.1", b"unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", b", ,,", "10.0.0.1"),
    ],
)
def test_for_whom_a_request_counts(peer: str, forwarded_for: bytes, client: str):
    assert PROXIES.client(peer, forwarded_for) == client


@given(st.binary(max_size=60))
def test_nothing_upsets_it(forwarded_for: bytes):
    assert PROXIES.client("10.0.0.1", forwarded_for)
