"""Taking the gateway's port."""

import os
import socket
import subprocess
import sys

import pytest

from devgate.errors import Exit, StartError
from devgate.gateway.binding import bind


def has_loopback_6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_both_loopbacks_with_one_port():
    sockets = bind("127.0.0.1", 0)
    try:
        names = [one.getsockname()[:2] for one in sockets]
        assert [host for host, _ in names] == (["127.0.0.1", "::1"] if has_loopback_6() else ["127.0.0.1"])
        assert len({port for _, port in names}) == 1
        with socket.create_connection(names[0]):  # queued before anybody accepts
            pass
    finally:
        for one in sockets:
            one.close()


def test_another_address_alone():
    (one,) = bind("127.0.0.2", 0)
    with one:
        assert one.getsockname()[0] == "127.0.0.2"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_taken_port_names_its_owner(host: str):
    if host == "::1" and not has_loopback_6():
        pytest.skip("this machine has no ::1")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        taken.bind((host, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError) as caught:
            bind("127.0.0.1", port)
        assert caught.value.code == "port-in-use"
        assert caught.value.exit_code == Exit.GATEWAY_PORT
        assert str(port) in caught.value.message
        assert f"pid {os.getpid()}" in caught.value.message
        assert "--port" in caught.value.hint


def test_an_address_that_is_not_ours():
    with pytest.raises(StartError) as caught:
        bind("192.0.2.1", 0)
    assert caught.value.code == "cannot-listen"
    assert "gateway.host" in caught.value.hint


def test_a_name_that_does_not_exist():
    with pytest.raises(StartError) as caught:
        bind("no-such-host.invalid", 0)
    assert caught.value.code == "cannot-listen"


def test_nothing_heavy_is_imported():
    code = "import sys, devgate.gateway.binding; print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert not {"asyncio", "aiohttp", "pydantic", "psutil"} & {name.partition(".")[0] for name in run.stdout.split()}
