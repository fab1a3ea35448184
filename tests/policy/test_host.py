"""The Host allow-list, with the names that DNS rebinding and its relatives use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.host import HostPolicy, HostVerdict

OURS, FOREIGN, MALFORMED = HostVerdict
POLICY = HostPolicy(["Dev.example.test", "tunnel.example.test:8443"], ["127.0.0.1", "::1", "0.0.0.0"], 8080)


@pytest.mark.parametrize(
    "host",
    [
        b"127.0.0.1:8080",
        b"127.0.0.1",
        b"[::1]:8080",
        b"[::1]",
        b"[0:0::1]:8080",
        b"localhost:8080",
        b"LocalHost:8080",
        b"localhost.:8080",
        b"app.localhost:8080",
        b"a.b.localhost",
        b"dev.example.test:8080",
        b"DEV.example.test.",
        b"tunnel.example.test:8443",
        b"localhost:",
    ],
)
def test_ours(host: bytes):
    assert POLICY.judge(host) is OURS


@pytest.mark.parametrize(
    "host",
    [
        b"evil.test",
        b"evil.test:8080",
        b"localhost.evil.test:8080",
        b"evillocalhost:8080",
        b"127.0.0.1.evil.test",
        b"127.0.0.2:8080",
        b"0.0.0.0:8080",
        b"[::]:8080",
        b"[::ffff:127.0.0.1]:8080",
        b"2130706433:8080",
        b"0x7f.1:8080",
        b"localhost:8081",
        b"localhost:0",
        b"169.254.169.254",
        b"sub.dev.example.test:8080",
        b"tunnel.example.test:8080",
    ],
)
def test_foreign(host: bytes):
    assert POLICY.judge(host) is FOREIGN


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b":8080",
        b"user@localhost:8080",
        b"localhost:8080:8080",
        b"localhost:http",
        b"localhost:808080",
        b"local host",
        b"localhost/",
        b"[::1",
        b"[::g]",
        b"[127.0.0.1]",
        b"localhost\t",
        b"local\x00host",
        b"l\xc3\xb6calhost",
        b"a,b",
        b"localhost\\",
    ],
)
def test_malformed(host: bytes):
    assert POLICY.judge(host) is not OURS


@given(st.binary(max_size=40))
def test_any_bytes_get_a_verdict_and_the_memo_agrees(host: bytes):
    assert POLICY.judge(host) is POLICY.judge(host)


def test_the_memo_is_bounded():
    policy = HostPolicy([], ["127.0.0.1"], 8080)
    for number in range(2000):
        policy.judge(b"h%d" % number)
    assert len(policy._memo) <= 256
